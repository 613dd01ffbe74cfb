// What a role may not see in the clear on one resource, compiled for fast questions. Pure.

import type { DetectorName } from './detect/names.js'

/**
 * How a value is replaced: `redact` by nothing but the fact, `last4` keeps the last four characters,
 * `hash` by a keyed digest (equal values stay equal), `null` by NULL, `fixed` by a given text.
 */
export type MaskMethod = 'redact' | 'last4' | 'hash' | 'null' | 'fixed'

/** How the values of a masked column are replaced. */
export interface ColumnMask {
  /** Names the rule in reasons: `mask 2`. */
  readonly label: string
  readonly how: MaskMethod
  /** The text of `fixed`. */
  readonly fixed?: string | undefined
}

/** A pattern of the policy's own, for a linear-time engine (RE2 syntax). */
export interface DetectPattern {
  readonly name: string
  readonly pattern: string
}

/** What is looked for in all values, and how what is found is replaced. */
export interface DetectMask extends ColumnMask {
  readonly detectors: readonly DetectorName[]
  readonly patterns: readonly DetectPattern[]
}

/** What one role may not see on one resource. */
export interface Masking {
  /** True when columns are masked, so that the origin of every value matters. */
  readonly hasColumns: boolean
  /** The strictest mask of a column (`schema.name`, column), or undefined; `*` asks for any of them. */
  columnMask(relation: string, column: string): ColumnMask | undefined
  readonly detect: readonly DetectMask[]
}
