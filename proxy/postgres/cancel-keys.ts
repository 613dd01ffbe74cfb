// Cancel keys that the gateway gives out in place of the target's. A cancel request carries no
// identity and reaches any gateway behind the same address, so the key is all there is: random,
// compared in constant time, and shown to the other gateways only as a proof.

import { createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'

import type { Bus, CancelHint, Clock } from '../../core/ports.js'
import { LIMITS } from '../limits.js'

/** Proofs that one key remembers, so that what was heard on the bus is good only once. */
const REMEMBERED_COUNT_MAX = 256
/** Addresses whose wrong keys are counted; beyond it the longest quiet one is forgotten. */
const PEER_COUNT_MAX = 10_000
const MINUTE_MS = 60_000

interface Entry {
  readonly secret: Buffer
  readonly cancel: () => void
  /** Proofs that were taken, oldest first. */
  readonly taken: Set<string>
}

/** What the keys are built from. */
export interface CancelKeysParts {
  readonly bus: Pick<Bus, 'publishCancel' | 'onCancel'>
  /** The same on all gateways, and known to nobody else. */
  readonly busKey: Uint8Array
  readonly clock: Clock
}

/** The keys of one gateway. */
export class CancelKeys {
  readonly #parts: CancelKeysParts
  readonly #entries = new Map<number, Entry>()
  /** Keys that were not ours, by who sent them, within the running minute. */
  readonly #strangers = new LRUCache<string, number>({ max: PEER_COUNT_MAX })
  #strangerCount = 0
  #minute = 0
  readonly #stop: () => void

  constructor(parts: CancelKeysParts) {
    this.#parts = parts
    this.#stop = parts.bus.onCancel((hint) => this.#hear(hint))
  }

  /** Makes a key for a session; `cancel` is called when somebody presents it, here or elsewhere. */
  issue(cancel: () => void): { processId: number; secret: number } {
    let processId = randomInt(1, 2 ** 31)
    while (this.#entries.has(processId)) processId = randomInt(1, 2 ** 31)
    const secret = randomBytes(4)
    this.#entries.set(processId, { secret, cancel, taken: new Set() })
    return { processId, secret: secret.readUInt32BE() }
  }

  /** Forgets a session's key. */
  withdraw(processId: number): void {
    this.#entries.delete(processId)
  }

  /**
   * Acts on a cancel request from the address `peer`. A key that is not this gateway's may be
   * another's, which is asked; a wrong one does nothing and says nothing. Too many of those from one
   * address, and nothing of it is looked at for a while; too many in all, and the others are not asked.
   */
  present(processId: number, secret: Buffer, peer: string): void {
    const strange = this.#strangersOf(peer)
    if (strange >= LIMITS.strangeCancelPerPeerPerMinuteMax) return
    const entry = this.#entries.get(processId)
    // Another gateway may have given out the same number with another secret.
    if (entry?.secret.length === secret.length && timingSafeEqual(entry.secret, secret)) {
      entry.cancel()
      return
    }
    this.#strangers.set(peer, strange + 1)
    this.#strangerCount += 1
    if (this.#strangerCount > LIMITS.strangeCancelPerMinuteMax) return
    if (processId < 1 || processId >= 2 ** 31) return
    const nonce = randomBytes(16).toString('base64url')
    const proof = this.#proof(processId, secret, nonce).toString('hex')
    this.#parts.bus.publishCancel({ processId, nonce, proof })
  }

  /** Listens to the others no more. */
  close(): void {
    this.#stop()
  }

  #hear({ processId, nonce, proof }: CancelHint): void {
    const entry = this.#entries.get(processId)
    if (entry === undefined || entry.taken.has(proof)) return
    const given = Buffer.from(proof, 'hex')
    const right = this.#proof(processId, entry.secret, nonce)
    if (given.length !== right.length || !timingSafeEqual(given, right)) return
    entry.taken.add(proof)
    if (entry.taken.size > REMEMBERED_COUNT_MAX) {
      for (const oldest of entry.taken) {
        entry.taken.delete(oldest)
        break
      }
    }
    entry.cancel()
  }

  /** Keyed, since 32 bits of a key could be guessed from a plain digest within seconds. */
  #proof(processId: number, secret: Buffer, nonce: string): Buffer {
    return createHmac('sha256', this.#parts.busKey)
      .update(`warder-cancel-v1 ${processId} ${secret.toString('hex')} ${nonce}`)
      .digest()
  }

  /** How many keys that are not ours the address has shown within the running minute. */
  #strangersOf(peer: string): number {
    const minute = Math.floor(this.#parts.clock.monotonicMs() / MINUTE_MS)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#strangerCount = 0
      this.#strangers.clear()
    }
    return this.#strangers.get(peer) ?? 0
  }
}
