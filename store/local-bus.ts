// The bus of a single process: tells its gateways at once that a grant changed. Only ever a hint;
// never keeps a message, never lets one listener stop the others.

import type { Grant } from '../core/grant.js'
import type { Bus } from '../core/ports.js'

/** Fans grant changes out within the process, in the order in which they were published. */
export class LocalBus implements Bus {
  readonly #listeners = new Set<(grant: Grant) => void>()
  readonly #onListenerFailure: (failure: unknown) => void

  /** `onListenerFailure` hears of listeners that threw; the others are still told. */
  constructor(onListenerFailure: (failure: unknown) => void) {
    this.#onListenerFailure = onListenerFailure
  }

  /** Tells every listener before it returns. */
  publishGrant(grant: Grant): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(grant)
      } catch (failure) {
        this.#onListenerFailure(failure)
      }
    }
  }

  /** Adds a listener; the returned function removes it. */
  onGrant(listener: (grant: Grant) => void): () => void {
    // A wrapper of its own, so that the same function registered twice is removed once.
    const own = (grant: Grant): void => {
      listener(grant)
    }
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }
}
