// Token buckets, one per key, in bounded memory. It counts; it never answers anybody.

import { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/ports.js'
import { bucketCountMax } from './limits.js'

interface Bucket {
  /** Calls left. */
  left: number
  filledMs: number
}

/** How many calls one key may make. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** How one key stands: what is left, and when it can call again. */
export interface RateStanding {
  /** Whole calls left. */
  readonly left: number
  /** Whole seconds until there is one more, at least 1. */
  readonly nextS: number
}

/** Limits how often something happens per key. */
export class RateLimit {
  readonly #buckets = new LRUCache<string, Bucket>({ max: bucketCountMax })
  readonly #rate: Rate
  readonly #clock: Clock

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate
    this.#clock = clock
  }

  /** Takes one; false when there is none left. */
  take(key: string): boolean {
    const bucket = this.#filled(key)
    if (bucket.left < 1) return false
    bucket.left -= 1
    return true
  }

  /** How the key stands; nothing is taken. */
  standing(key: string): RateStanding {
    const { left } = this.#filled(key)
    const missing = left < 1 ? 1 - left : Math.ceil(left + 0.001) - left
    return {
      left: Math.floor(left),
      nextS: Math.max(1, Math.ceil(missing / this.#rate.perSecond)),
    }
  }

  /** True when `take` would say no. */
  isSpent(key: string): boolean {
    return this.#filled(key).left < 1
  }

  #filled(key: string): Bucket {
    const nowMs = this.#clock.monotonicMs()
    const bucket = this.#buckets.get(key) ?? { left: this.#rate.burst, filledMs: nowMs }
    const gained = ((nowMs - bucket.filledMs) / 1000) * this.#rate.perSecond
    bucket.left = Math.min(this.#rate.burst, bucket.left + gained)
    bucket.filledMs = nowMs
    this.#buckets.set(key, bucket)
    return bucket
  }
}
