// What a role may not see in the clear on one resource, compiled for fast questions. Pure.

import type { Approval } from '../core/verdict.js'
import type { DetectorName } from './detect/names.js'

/** Every way to replace a value, from the mildest to the strictest. */
export const MASK_METHODS = ['last4', 'hash', 'redact', 'fixed', 'null'] as const

/**
 * How a value is replaced: `redact` by nothing but the fact, `last4` keeps the last four characters,
 * `hash` by a keyed digest (equal values stay equal), `null` by NULL, `fixed` by a given text.
 */
export type MaskMethod = (typeof MASK_METHODS)[number]

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

/** What becomes of a command that uses a masked column: it passes, is refused, or is put to people. */
export type UseRule = 'allow' | 'block' | Approval

/** What one rule says of its columns. */
export interface ColumnRule {
  readonly mask: ColumnMask
  /** Of a command that computes with them or copies them. */
  readonly derived: UseRule
  /** Of a command that filters, joins, groups or sorts by them. */
  readonly conditions: UseRule
}

/** The masking of one role on one resource, with what judging commands needs of it. */
export interface JudgedMasking extends Masking {
  /** Every rule of a column, the strictest mask first; `*` asks for any column of the relation. */
  rulesOf(relation: string, column: string): readonly ColumnRule[]
}

/** All maskings of a policy. */
export interface MaskingTable {
  /** Made when it is first asked for, and then always the same. */
  of(role: string, resource: string): JudgedMasking | undefined
}

/**
 * What a role may not see on a resource; undefined when nothing is masked for it. A role that is not
 * there is excepted from nothing, and on a resource that is not there all that could concern it is
 * masked: results may still be on the way when a policy takes either away.
 */
export const maskingFor = (
  policy: { readonly masking: MaskingTable },
  role: string,
  resource: string,
): JudgedMasking | undefined => policy.masking.of(role, resource)
