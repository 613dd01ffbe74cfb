// Looks at every part that a gateway can't do without. Asked as often as anybody likes: it looks once a
// second at most, and waits for no part longer than a second.

import { WarderError } from '../core/errors.js'
import type { Clock } from '../core/ports.js'
import type { Part, PartState, Readiness } from '../core/readiness.js'

/** How long a look is good for. */
const FRESH_MS = 1_000
/** Longest that one part may take to answer. */
const PROBE_MS_MAX = 1_000

/** Resolves with facts, or nothing, when the part works; rejects when it does not. */
export type Probe = () => Promise<Readonly<Record<string, number>> | undefined>

/** The readiness of one process. */
export class Watch {
  readonly #probes: readonly (readonly [Part, Probe])[]
  readonly #clock: Clock
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #looking: Promise<readonly PartState[]> = Promise.resolve([])
  #isDraining = false

  constructor(probes: Readonly<Partial<Record<Part, Probe>>>, clock: Clock) {
    this.#probes = Object.entries(probes) as [Part, Probe][]
    this.#clock = clock
  }

  /** From now on the process says that it wants nobody new. */
  drain(): void {
    this.#isDraining = true
  }

  /** Never rejects. */
  async readiness(): Promise<Readiness> {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#lookedAtMs >= FRESH_MS) {
      this.#lookedAtMs = nowMs
      this.#looking = Promise.all(this.#probes.map(([part, probe]) => stateOf(part, probe)))
    }
    const parts = await this.#looking
    const isReady = parts.every(({ ok }) => ok)
    return { status: this.#isDraining ? 'draining' : isReady ? 'ready' : 'unready', parts }
  }
}

async function stateOf(part: Part, probe: Probe): Promise<PartState> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => {
      fail(new WarderError('INTERNAL', { why: 'no answer within a second' }))
    }, PROBE_MS_MAX)
  })
  try {
    return { part, ok: true, facts: await Promise.race([probe(), late]) }
  } catch (error) {
    // The text of any other error may name addresses.
    const why = error instanceof WarderError ? error.details.why : undefined
    return { part, ok: false, why: why ?? 'it does not answer' }
  } finally {
    clearTimeout(timer)
  }
}
