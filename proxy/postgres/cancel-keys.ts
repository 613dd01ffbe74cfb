// Cancel keys that the gateway gives out in place of the target's. A cancel request carries no
// identity, so the key is all there is: random, compared in constant time.

import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto'

interface Entry {
  readonly secret: Buffer
  readonly cancel: () => void
}

/** The keys of one gateway. */
export class CancelKeys {
  readonly #entries = new Map<number, Entry>()

  /** Makes a key for a session; `cancel` is called when somebody presents it. */
  issue(cancel: () => void): { processId: number; secret: number } {
    let processId = randomInt(1, 2 ** 31)
    while (this.#entries.has(processId)) processId = randomInt(1, 2 ** 31)
    const secret = randomBytes(4)
    this.#entries.set(processId, { secret, cancel })
    return { processId, secret: secret.readUInt32BE() }
  }

  /** Forgets a session's key. */
  withdraw(processId: number): void {
    this.#entries.delete(processId)
  }

  /** Acts on a cancel request; a wrong key does nothing and says nothing. */
  present(processId: number, secret: Buffer): void {
    const entry = this.#entries.get(processId)
    if (entry?.secret.length !== secret.length) return
    if (timingSafeEqual(entry.secret, secret)) entry.cancel()
  }
}
