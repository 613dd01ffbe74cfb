// What the caller's prepared statements and portals stand for at the target, by name. Every change is
// made when its message is forwarded and can be taken back, should the target skip it. No I/O.

import { LIMITS } from '../limits.js'
import type { Statement } from '../statement.js'
import type { JudgedStatement, StatementOccurrence } from './occurrence.js'
import type { View } from './results.js'

/** A prepared statement, as judged when it was parsed. */
export interface Prepared {
  readonly statement: Statement
  readonly judged: JudgedStatement
  readonly types: readonly number[]
  /** Number of the Sync-to-Sync stretch in which its Parse was sent. */
  readonly stretch: number
  /** False until the target has confirmed it: an error before it makes the target skip it. */
  isConfirmed: boolean
}

/** What a portal runs, and what is known of its rows. */
export class Portal {
  occurrence: StatementOccurrence
  /** Set when the target has described it. */
  view: View | undefined
  /** A Describe was forwarded for it. */
  isDescribed = false

  constructor(occurrence: StatementOccurrence) {
    this.occurrence = occurrence
  }
}

/** A change that was made when its message was forwarded, until the target has made it, too. */
export interface Change {
  /** The target has skipped it. */
  undo(): void
  /** The target has made it. */
  done(): void
}

/** One name that means something else. An object of fixed form: every Bind makes one. */
class NameChange<T> implements Change {
  readonly #names: Names<T>
  readonly #name: string
  readonly #previous: T | undefined

  constructor(names: Names<T>, name: string, previous: T | undefined) {
    this.#names = names
    this.#name = name
    this.#previous = previous
  }

  undo(): void {
    this.#names.restore(this.#name, this.#previous)
  }

  done(): void {
    // Nothing more: the name already means what it means at the target.
  }
}

/** The names of one kind in one session. */
export class Names<T> {
  readonly #byName = new Map<string, T>()

  get(name: string): T | undefined {
    return this.#byName.get(name)
  }

  /** True when one name more would be too many. */
  hasNoRoomFor(name: string): boolean {
    return this.#byName.size >= LIMITS.preparedCountMax && !this.#byName.has(name)
  }

  set(name: string, value: T): Change {
    const previous = this.#byName.get(name)
    this.#byName.set(name, value)
    return new NameChange(this, name, previous)
  }

  delete(name: string): Change {
    const previous = this.#byName.get(name)
    this.#byName.delete(name)
    return new NameChange(this, name, previous)
  }

  clear(): void {
    if (this.#byName.size > 0) this.#byName.clear()
  }

  /** Takes a change back. */
  restore(name: string, previous: T | undefined): void {
    if (previous === undefined) this.#byName.delete(name)
    else this.#byName.set(name, previous)
  }
}

/** Prepared statements, and how certain it is what they are. */
export class PreparedNames extends Names<Prepared> {
  /** Counts Syncs: what an error skips ends with its stretch. */
  #stretch = 0

  /** A Sync was forwarded. */
  nextStretch(): void {
    this.#stretch += 1
  }

  /** A Parse was forwarded. */
  prepare(
    name: string,
    statement: Statement,
    judged: JudgedStatement,
    types: readonly number[],
  ): Change {
    const stretch = this.#stretch
    const prepared: Prepared = { statement, judged, types, stretch, isConfirmed: false }
    const change = this.set(name, prepared)
    return {
      undo: () => change.undo(),
      done: () => {
        prepared.isConfirmed = true
      },
    }
  }

  /**
   * True while it is open what a name stands for: its Parse was sent before the last Sync and may
   * have been skipped, so that the name still means an older statement.
   */
  isUncertain(name: string): boolean {
    const prepared = this.get(name)
    return prepared !== undefined && !prepared.isConfirmed && prepared.stretch !== this.#stretch
  }
}
