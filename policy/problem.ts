// What is wrong with a policy file, said so that its author can correct it at once.

import { closest } from 'fastest-levenshtein'

/** One mistake in a policy file. */
export interface Problem {
  /** Where: `roles[0].ask[1].approvers`; empty for the file as a whole. */
  readonly path: string
  /** Line in the file, from 1; absent when the file has no such place. */
  readonly line?: number | undefined
  /** What is wrong, as a predicate: `unknown key`, `must be host:port`. */
  readonly what: string
  /** The known word nearest to the one that was written. */
  readonly nearest?: string | undefined
}

/** A place in the file: keys and indexes from the top. */
export type Path = readonly (string | number)[]

/** More are not shown: whoever has a hundred mistakes has one that explains them. */
export const PROBLEM_COUNT_MAX = 100

/** Longer words are no typing mistakes, and comparing them costs time. */
const WORD_LENGTH_MAX = 128
/** Enough to find a typing mistake, few enough to stay quick. */
const KNOWN_COUNT_MAX = 1_000

/** `roles[0].name`. */
export const pathText = (path: Path): string =>
  path
    .map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`))
    .join('')

/** The known word nearest to `word`; undefined when nothing is known. */
export const nearestOf = (word: string, known: readonly string[]): string | undefined =>
  known.length === 0 || word.length > WORD_LENGTH_MAX
    ? undefined
    : closest(word, known.slice(0, KNOWN_COUNT_MAX))

/** One line for people: `line 12: roles[0].alow: unknown key; did you mean allow?` */
export const problemText = ({ path, line, what, nearest }: Problem): string =>
  [
    line === undefined ? '' : `line ${line}: `,
    path === '' ? 'the policy' : path,
    `: ${what}`,
    nearest === undefined ? '' : `; did you mean ${nearest}?`,
  ].join('')
