// When an active grant has to be looked at, and when it counts as idle. Pure; time is passed in.

import type { GrantOrigin } from '../core/grant.js'

/** How long a `connect` grant outlives its last connection. */
const idleMs = 60_000
/** How often a grant is looked at although nobody said anything: a lost hint costs no more. */
const lookMs = 5 * 60_000

/** Keeps the two times at which the workflow asks the store about its grant. */
export class GrantWatch {
  readonly #mayIdle: boolean
  #lookDueAt: number
  #idleDueAt: number | undefined

  constructor(
    origin: GrantOrigin,
    at: number,
    resumed?: { readonly idleDueAt?: number | undefined },
  ) {
    this.#mayIdle = origin === 'connect'
    this.#idleDueAt = resumed?.idleDueAt
    // Hints that arrived between two runs are made good by looking at once.
    this.#lookDueAt = resumed === undefined ? at + lookMs : at
  }

  /** Epoch ms of the next look. */
  get dueAt(): number {
    return Math.min(this.#lookDueAt, this.#idleDueAt ?? Infinity)
  }

  /** Epoch ms at which the grant ends unless a connection is open by then. */
  get idleDueAt(): number | undefined {
    return this.#idleDueAt
  }

  /** The row is there; a `connect` grant that nobody ever uses must end as well. */
  opened(at: number): void {
    this.#lookDueAt = at + lookMs
    this.emptied(at)
  }

  /** The last connection on some gateway closed. */
  emptied(at: number): void {
    if (this.#mayIdle) this.#idleDueAt = at + idleMs
  }

  /** Somebody says that the row has ended. */
  suspect(at: number): void {
    this.#lookDueAt = at
  }

  /** Takes in what a look showed; true when the grant has been unused for long enough. */
  seen(openCount: number, at: number): boolean {
    this.#lookDueAt = at + lookMs
    if (!this.#mayIdle || openCount > 0) {
      this.#idleDueAt = undefined
      return false
    }
    this.#idleDueAt ??= at + idleMs
    return at >= this.#idleDueAt
  }
}
