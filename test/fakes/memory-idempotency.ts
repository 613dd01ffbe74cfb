// Keyed calls in memory, as the store keeps them.

import type { Idempotency, KeptAnswer, KeyedCall, KeyState } from '../../core/idempotency.js'
import type { Clock } from '../../core/ports.js'

interface Row {
  readonly fingerprint: string
  readonly runningUntilMs: number
  readonly expiresAtMs: number
  readonly answer?: KeptAnswer
}

export class MemoryIdempotency implements Idempotency {
  readonly #rows = new Map<string, Row>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  claim(call: KeyedCall): Promise<KeyState> {
    return Promise.resolve(this.#claimed(call))
  }

  keep(call: KeyedCall, answer: KeptAnswer): Promise<void> {
    const row = this.#rows.get(nameOf(call))
    if (row?.fingerprint === call.fingerprint && row.answer === undefined)
      this.#rows.set(nameOf(call), { ...row, answer })
    return Promise.resolve()
  }

  drop(call: KeyedCall): Promise<void> {
    if (this.#rows.get(nameOf(call))?.answer === undefined) this.#rows.delete(nameOf(call))
    return Promise.resolve()
  }

  #claimed(call: KeyedCall): KeyState {
    const nowMs = this.#clock.now()
    const row = this.#rows.get(nameOf(call))
    if (row !== undefined && row.expiresAtMs > nowMs) {
      if (row.fingerprint !== call.fingerprint) return { state: 'other' }
      if (row.answer !== undefined) return { state: 'answered', answer: row.answer }
      if (row.runningUntilMs > nowMs) return { state: 'running' }
    }
    this.#rows.set(nameOf(call), {
      fingerprint: call.fingerprint,
      runningUntilMs: nowMs + 60_000,
      expiresAtMs: nowMs + 24 * 3_600_000,
    })
    return { state: 'run' }
  }
}

const nameOf = ({ principalKey, keyDigest }: KeyedCall): string => `${principalKey} ${keyDigest}`
