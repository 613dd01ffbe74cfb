// A clock that only moves when a test says so.

import type { Clock } from '../../core/ports.js'

/** Wall and monotonic time in step, from a fixed start. */
export class ManualClock implements Clock {
  #elapsedMs = 0
  readonly #startMs = Date.UTC(2026, 10, 22, 12)

  now(): number {
    return this.#startMs + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  advance(ms: number): void {
    this.#elapsedMs += ms
  }
}
