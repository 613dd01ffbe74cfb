// One unit of intent, in words that do not depend on the protocol it arrived by.

import type { Protocol } from './resource.js'

/** The one axis on which commands rise in risk. Anything not provably lower is `unknown`. */
export const EFFECTS = [
  'read',
  'session-control',
  'write',
  'ddl',
  'privilege',
  'dangerous',
  'unknown',
] as const

/** What a command does, on one rising axis. */
export type Effect = (typeof EFFECTS)[number]

/** The higher of two effects: a message has the highest effect of its parts. */
export const higherEffect = (a: Effect, b: Effect): Effect =>
  EFFECTS.indexOf(a) >= EFFECTS.indexOf(b) ? a : b

/** A relation that a part of a command touches, by its resolved name `schema.name`. */
export interface RelationUse {
  readonly relation: string
  readonly access: 'read' | 'write'
}

/** One statement (PostgreSQL), one argv (SSH), one verb (Kubernetes), one request (HTTP). */
export interface CommandPart {
  /** Kebab-case kind in the protocol's own words: `select`, `create-table`, `drop-database`. */
  readonly kind: string
  readonly effect: Effect
  readonly relations: readonly RelationUse[]
  /** Traits that rules can name; `without-where` is an UPDATE or DELETE of the whole table. */
  readonly traits: readonly CommandTrait[]
  /** Why the effect is not lower, in a few words each; shown to people, never matched. */
  readonly because: readonly string[]
}

/** Traits of a command part that rules can name. */
export type CommandTrait = 'without-where'

/**
 * What becomes of a column's values: `output` shows them as they are, in a column of the result whose
 * origin the target tells; `derived` lets them flow, changed or untraceable, into a result or a
 * write; `condition` filters, joins, groups or sorts by them, so that they can be guessed.
 */
export type ColumnUseKind = 'output' | 'derived' | 'condition'

/** A column whose values a command uses, by its resolved name. */
export interface ColumnUse {
  /** `schema.name` of the relation that holds the values; views are followed. */
  readonly relation: string
  /** `*` is any column of it: nobody can tell which. */
  readonly column: string
  readonly use: ColumnUseKind
}

/** What the caller wants done: judged whole, forwarded whole or not at all. */
export interface Command {
  readonly protocol: Protocol
  readonly effect: Effect
  readonly parts: readonly CommandPart[]
  /** Columns whose values it uses; absent where there are none. */
  readonly columns?: readonly ColumnUse[]
}

/** A command whose effect could not be determined; `because` says why. */
export const unknownCommand = (protocol: Protocol, because: string): Command => ({
  protocol,
  effect: 'unknown',
  parts: [{ kind: 'unknown', effect: 'unknown', relations: [], traits: [], because: [because] }],
})
