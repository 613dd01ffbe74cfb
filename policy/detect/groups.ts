// Digits in groups, as people write numbers, and what may stand beside them. Pure.

import { DIGIT, SEPARATOR, WORD, kindOf } from './characters.js'
import type { Window } from './window.js'

/** No number that is looked for has more groups; `+33 1 23 45 67 89` has six. */
const GROUPS_MAX = 8
const SPACE = 0x20
/** Stands for a separator that is a parenthesis or has one. */
export const PARENTHESIS = 0x28
const CLOSING = 0x29
const DASH = 0x2d
const DOT = 0x2e
const SLASH = 0x2f
const COLON = 0x3a

/** Groups of digits from one place on, with what separates them; reused. */
export class Groups {
  readonly starts = new Int32Array(GROUPS_MAX)
  readonly ends = new Int32Array(GROUPS_MAX)
  /** What stands before each group. */
  readonly separators = new Uint8Array(GROUPS_MAX)
  count = 0

  /** Reads on from a first group. */
  read(window: Window, start: number, end: number): void {
    const { bytes, high } = window
    let from = start
    let until = end
    let separator = 0
    for (this.count = 0; this.count < GROUPS_MAX;) {
      this.starts[this.count] = from
      this.ends[this.count] = until
      this.separators[this.count++] = separator
      const first = bytes[until] ?? 0
      if (until + 1 >= high || (kindOf(bytes, until) & SEPARATOR) === 0) return
      const isSingle = isDigit(bytes, until + 1)
      if (!isSingle && !isPair(bytes, until, high)) return
      separator = isSingle && first !== PARENTHESIS && first !== CLOSING ? first : PARENTHESIS
      from = isSingle ? until + 1 : until + 2
      until = digitsEnd(bytes, from, high)
    }
  }

  lengthOf(index: number): number {
    return (this.ends[index] ?? 0) - (this.starts[index] ?? 0)
  }
}

const isDigit = (bytes: Uint8Array, at: number): boolean => (kindOf(bytes, at) & DIGIT) !== 0

/** Two separators before a digit, of which one is a parenthesis. */
function isPair(bytes: Uint8Array, at: number, high: number): boolean {
  if (at + 2 >= high || !isDigit(bytes, at + 2)) return false
  const first = bytes[at] ?? 0
  const second = bytes[at + 1] ?? 0
  return first === CLOSING
    ? second === SPACE || second === DASH || second === PARENTHESIS
    : second === PARENTHESIS && (first === SPACE || first === DASH)
}

/** Where the digits that begin here end. */
export function digitsEnd(bytes: Uint8Array, start: number, high: number): number {
  let at = start
  while (at < high && isDigit(bytes, at)) at++
  return at
}

/**
 * True when it is no part of something longer: no word joined to it by a dash or a dot, and with
 * spaces inside no number beside it.
 */
export function standsAlone(
  window: Window,
  start: number,
  end: number,
  separator: number,
): boolean {
  const flags = separator === SPACE ? DIGIT : WORD
  const before = window.before(start)
  const after = window.after(end)
  if (joins(before, separator)) {
    const code = window.before(start - 1)
    if (code !== 0 && (kindOf(window.bytes, start - 2) & flags) !== 0) return false
  }
  if (after === COLON)
    return (kindOf(window.bytes, end + 1) & DIGIT) === 0 || window.after(end + 1) === 0
  if (!joins(after, separator)) return true
  return (
    window.after(end + 1) === 0 ||
    (kindOf(window.bytes, end + 1) & (after === DOT ? DIGIT : flags)) === 0
  )
}

const joins = (code: number, separator: number): boolean =>
  code === DASH || code === DOT || code === SLASH || (code === SPACE && separator === SPACE)
