// The bus: tells this process's listeners at once, and hands hints to a channel for the others.
// Only ever a hint; never waits for the channel, never keeps what the channel could not send.

import type { Grant } from '../core/grant.js'
import type { ProcessId } from '../core/ids.js'
import type { Bus, CancelHint, GrantNews } from '../core/ports.js'
import { decodeHints, encodeHints, MESSAGE_HINT_COUNT_MAX, type Hint } from './hint.js'

/** Hints that wait while the channel is busy; beyond it the others are told to read everything. */
const WAITING_COUNT_MAX = 2_000

/** What carries messages between processes: PostgreSQL, Redis, or a test's own. */
export interface HintChannel {
  /** Resolves when the message is on its way; rejects, within some seconds, when it could not be sent. */
  send(message: string): Promise<void>
  close(): Promise<void>
}

/** What a channel tells the bus. */
export interface ChannelEvents {
  readonly onMessage: (message: string) => void
  /** Messages may have been missed: called when a channel listens again after it did not. */
  readonly onGap: () => void
  /** It broke, or works again; never with a password in it. */
  readonly onTrouble: (trouble: unknown) => void
}

/** What the bus is built from. */
export interface HintBusParts {
  /** Names this process in its messages, so that it does not listen to itself. */
  readonly from: ProcessId
  /** Absent when there is nobody else to tell. */
  readonly open?: ((events: ChannelEvents) => HintChannel) | undefined
  /** Hears of listeners that threw, of a channel that broke, and of messages that are not ours. */
  readonly onTrouble: (trouble: unknown) => void
}

/** A set of listeners, each of which is told whatever the others do. */
class Listeners<T> {
  readonly #listeners = new Set<(news: T) => void>()
  readonly #onFailure: (failure: unknown) => void

  constructor(onFailure: (failure: unknown) => void) {
    this.#onFailure = onFailure
  }

  add(listener: (news: T) => void): () => void {
    // A wrapper of its own, so that the same function registered twice is removed once.
    const own = (news: T): void => {
      listener(news)
    }
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }

  tell(news: T): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(news)
      } catch (failure) {
        this.#onFailure(failure)
      }
    }
  }
}

/** Bus over a channel. Bursts are coalesced: while one message is on its way the next is collected. */
export class HintBus implements Bus {
  readonly #parts: HintBusParts
  readonly #channel: HintChannel | undefined
  readonly #grants: Listeners<GrantNews>
  readonly #policies: Listeners<undefined>
  readonly #cancels: Listeners<CancelHint>
  readonly #resyncs: Listeners<undefined>
  /** By what a hint is about, so that the same is not told twice. */
  #waiting = new Map<string, Hint>()
  #isSending = false
  #isClosed = false
  #heardForeign = false

  constructor(parts: HintBusParts) {
    this.#parts = parts
    this.#grants = new Listeners(parts.onTrouble)
    this.#policies = new Listeners(parts.onTrouble)
    this.#cancels = new Listeners(parts.onTrouble)
    this.#resyncs = new Listeners(parts.onTrouble)
    this.#channel = parts.open?.({
      onMessage: (message) => this.#hear(message),
      onGap: () => this.#resyncs.tell(undefined),
      onTrouble: parts.onTrouble,
    })
  }

  publishGrant(grant: Grant): void {
    this.#grants.tell({ id: grant.id, grant })
    this.#send(`grant ${grant.id}`, { kind: 'grant', id: grant.id })
  }

  publishPolicy(): void {
    this.#policies.tell(undefined)
    this.#send('policy', { kind: 'policy' })
  }

  publishCancel(hint: CancelHint): void {
    this.#send(`cancel ${hint.nonce}`, { kind: 'cancel', ...hint })
  }

  onGrant(listener: (news: GrantNews) => void): () => void {
    return this.#grants.add(listener)
  }

  onPolicy(listener: () => void): () => void {
    return this.#policies.add(listener)
  }

  onCancel(listener: (hint: CancelHint) => void): () => void {
    return this.#cancels.add(listener)
  }

  onResync(listener: () => void): () => void {
    return this.#resyncs.add(listener)
  }

  /** Closes the channel; what still waits is not sent. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#channel?.close()
  }

  #send(about: string, hint: Hint): void {
    if (this.#channel === undefined || this.#isClosed) return
    if (this.#waiting.size >= WAITING_COUNT_MAX) this.#tellToResync()
    this.#waiting.set(about, hint)
    void this.#drain(this.#channel)
  }

  /** Which ones changed no longer matters: who hears this reads all that it cares for. */
  #tellToResync(): void {
    this.#waiting = new Map([
      ['resync', { kind: 'resync' }],
      ['policy', { kind: 'policy' }],
    ])
  }

  async #drain(channel: HintChannel): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    // What else is published in this turn goes along.
    await Promise.resolve()
    while (this.#waiting.size > 0 && !this.#isClosed) {
      const batch = [...this.#waiting].slice(0, MESSAGE_HINT_COUNT_MAX)
      for (const [about] of batch) this.#waiting.delete(about)
      const hints = batch.map(([, hint]) => hint)
      try {
        await channel.send(encodeHints({ from: this.#parts.from, hints }))
      } catch {
        // Nobody heard these. The poll of the store comes to the same, and the channel says why.
        this.#waiting.clear()
      }
    }
    this.#isSending = false
  }

  #hear(text: string): void {
    const message = decodeHints(text)
    if (message === undefined) {
      if (!this.#heardForeign) {
        this.#parts.onTrouble(new Error('a message on the bus is not Warder’s and is ignored'))
      }
      this.#heardForeign = true
      return
    }
    if (message.from === this.#parts.from) return
    for (const hint of message.hints) this.#tell(hint)
  }

  #tell(hint: Hint): void {
    switch (hint.kind) {
      case 'grant':
        return this.#grants.tell({ id: hint.id })
      case 'policy':
        return this.#policies.tell(undefined)
      case 'cancel':
        return this.#cancels.tell(hint)
      case 'resync':
        return this.#resyncs.tell(undefined)
    }
  }
}
