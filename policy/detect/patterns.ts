// Patterns of a policy's own, matched in linear time (RE2 syntax, without backreferences and lookaround).
// This file is the only one that knows the engine.

import { RE2JS, RE2JSException } from 're2js'
import type { Findings } from './findings.js'

/** Longer patterns are lists that belong elsewhere, and cost on every value. */
export const PATTERN_LENGTH_MAX = 500
/** Each pattern is one more pass over every value. */
export const PATTERN_COUNT_MAX = 32
/** A match that is longer is cut off behind so many bytes, or found in parts. */
export const MATCH_BYTES_MAX = 4_096
/** Matches are looked for block by block, so that a long value needs not be held whole. */
export const PATTERN_BLOCK_BYTES = 4_096
/** Seen before a block, for `\\b`. */
export const PATTERN_CONTEXT_BYTES = 64

/** What is wrong with a pattern, or undefined. */
export function checkPattern(pattern: string): string | undefined {
  if (pattern === '') return 'is empty'
  if (pattern.length > PATTERN_LENGTH_MAX) return `is longer than ${PATTERN_LENGTH_MAX} characters`
  try {
    const compiled = RE2JS.compile(pattern)
    return compiled.matcher('').find() ? 'matches the empty text' : undefined
  } catch (failure) {
    if (!(failure instanceof RE2JSException)) throw failure
    return `is no pattern in RE2 syntax: ${failure.message}`
  }
}

/** Some compiled patterns, each with the mask that wants it. */
export class PatternSet {
  readonly #patterns: readonly { readonly compiled: RE2JS; readonly mask: number }[]

  /** Of patterns that `checkPattern` has nothing against. */
  constructor(patterns: readonly { readonly pattern: string; readonly mask: number }[]) {
    this.#patterns = patterns.map(({ pattern, mask }) => ({
      compiled: RE2JS.compile(pattern),
      mask,
    }))
  }

  /** Adds all matches in a whole value, which are not empty. */
  find(bytes: Uint8Array, start: number, end: number, findings: Findings): void {
    for (let block = start; block < end; block += PATTERN_BLOCK_BYTES)
      this.findInBlock(bytes, start, block, end, findings)
  }

  /**
   * Adds the matches that begin in the block at `block`. The bytes from `low` up to `high` have to
   * hold PATTERN_CONTEXT_BYTES before it and a block with MATCH_BYTES_MAX after it, where the value does.
   */
  findInBlock(
    bytes: Uint8Array,
    low: number,
    block: number,
    high: number,
    findings: Findings,
  ): void {
    const start = wholeCharacter(bytes, Math.max(low, block - PATTERN_CONTEXT_BYTES), block)
    const next = Math.min(high, block + PATTERN_BLOCK_BYTES)
    const end = wholeCharacter(bytes, Math.min(high, next + MATCH_BYTES_MAX), high)
    const text = bytes.subarray(start, end)
    const first = wholeCharacter(bytes, block, next)
    for (const { compiled, mask } of this.#patterns) {
      const matcher = compiled.matcher(text)
      for (let found = matcher.find(first - start); found; found = matcher.find()) {
        const from = start + matcher.start()
        if (from >= next) break
        const until = start + matcher.end()
        if (until > from) findings.add(from, Math.min(until, from + MATCH_BYTES_MAX), mask)
      }
    }
  }
}

/** The next place at which a character of UTF-8 begins (RFC 3629 §3). */
function wholeCharacter(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && at < start + 3 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at++
  return at
}
