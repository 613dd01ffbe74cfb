// Where buses of one test hear each other, in place of PostgreSQL or Redis: at once, in order, unless
// the test says otherwise.

import type { ChannelEvents, HintChannel } from '../../store/hint-bus.js'

/** Carries messages between the buses that were opened on it. */
export class HintHub {
  readonly #members = new Set<ChannelEvents>()
  /** Every message that was sent, as it was sent. */
  readonly sent: string[] = []
  /** While true no message arrives, and nobody is told of it. */
  isDeaf = false
  /** While true nothing can be sent. */
  isDown = false
  #gate: Promise<void> = Promise.resolve()

  /** For `HintBusParts.open`. */
  open = (events: ChannelEvents): HintChannel => {
    this.#members.add(events)
    return {
      send: async (message) => {
        this.sent.push(message)
        await this.#gate
        if (this.isDown) throw new Error('the hub is down')
        if (!this.isDeaf) this.say(message)
      },
      close: () => {
        this.#members.delete(events)
        return Promise.resolve()
      },
    }
  }

  /** Every bus hears this, as if somebody had sent it. */
  say(message: string): void {
    for (const member of this.#members) member.onMessage(message)
  }

  /** Every bus is told that it may have missed something. */
  gap(): void {
    for (const member of this.#members) member.onGap()
  }

  /** Messages stay on their way until the returned function is called. */
  holdUp(): () => void {
    let release = (): void => undefined
    this.#gate = new Promise((resolve) => {
      release = resolve
    })
    return release
  }
}
