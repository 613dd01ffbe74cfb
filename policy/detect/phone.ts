// Telephone numbers: international ones (ITU-T E.164), and the national forms that can be told from
// other numbers. Digits alone are never one, nor are seven-digit local numbers. Pure.

import { PARENTHESIS, standsAlone } from './groups.js'
import type { Groups } from './groups.js'
import type { Window } from './window.js'

const SPACE = 0x20
const DASH = 0x2d
const DOT = 0x2e
const SLASH = 0x2f
const ZERO = 0x30
const ONE = 0x31
const TWO = 0x32
const SEVEN = 0x37
const E164_DIGITS = { min: 8, max: 15 }
/** +1 (North America) and +7 have numbers of one length only. */
const FIXED_DIGITS = 11
const FRENCH = [2, 2, 2, 2, 2]
const AUSTRALIAN = [2, 4, 4]
const TRUNK_DIGITS = { min: 9, max: 12 }

/** Where the telephone number that begins with these groups ends; 0 for none. */
export function phoneEnd(window: Window, groups: Groups, isInternational: boolean): number {
  const start = groups.starts[0] ?? 0
  const first = window.bytes[start] ?? 0
  if (isInternational) return window.beginsWord(start - 1) ? international(window, groups, 0) : 0
  if (first === ZERO) {
    const second = window.bytes[start + 1] ?? 0
    if (second !== ZERO) return trunk(window, groups)
    return groups.count > 1 && groups.lengthOf(0) > 1 ? international(window, groups, 2) : 0
  }
  if (groups.lengthOf(0) === 3) return northAmerican(window, groups, 0)
  return groups.lengthOf(0) === 1 && first === ONE ? northAmerican(window, groups, 1) : 0
}

/** Country code and number; `skipped` digits (00) stand before the code. The longest that fits. */
function international(window: Window, groups: Groups, skipped: number): number {
  // What is written like a date is one.
  if (skipped !== 0 && isDate(groups)) return 0
  const first = codeAt(window, groups, skipped)
  if (first <= ZERO) return 0
  const isFixed = first === ONE || first === SEVEN
  const min = isFixed ? FIXED_DIGITS : E164_DIGITS.min
  const max = isFixed ? FIXED_DIGITS : E164_DIGITS.max
  let digitCount = -skipped
  let found = 0
  for (let index = 0; index < groups.count; index++) {
    digitCount += groups.lengthOf(index)
    if (digitCount > max) break
    const end = groups.ends[index] ?? 0
    // A sign and a decimal fraction.
    if (index === 1 && groups.count === 2 && groups.separators[1] === DOT) break
    if (digitCount >= min && window.endsWord(end)) found = end
  }
  if (found === 0) return 0
  const start = (groups.starts[0] ?? 0) - (skipped === 0 ? 1 : 0)
  return standsAlone(window, start, found, DASH) ? found : 0
}

const isDate = (groups: Groups): boolean =>
  groups.count > 2 &&
  groups.lengthOf(0) === 4 &&
  groups.lengthOf(1) === 2 &&
  groups.lengthOf(2) === 2 &&
  groups.separators[1] === DASH &&
  groups.separators[2] === DASH

/** The first digit of the country code. */
function codeAt({ bytes }: Window, groups: Groups, skipped: number): number {
  if (groups.lengthOf(0) > skipped) return bytes[(groups.starts[0] ?? 0) + skipped] ?? 0
  return groups.count > 1 ? (bytes[groups.starts[1] ?? 0] ?? 0) : 0
}

/** `(212) 555-0123`, `212-555-0123`, `212.555.0123`, `1 212 555 0123` (NANPA: area and exchange begin with 2 to 9). */
function northAmerican(window: Window, groups: Groups, prefix: number): number {
  const { bytes } = window
  const { starts, separators } = groups
  const at = (index: number) => starts[prefix + index] ?? 0
  if (groups.count < prefix + 3 || groups.lengthOf(prefix) !== 3) return 0
  if (groups.lengthOf(prefix + 1) !== 3 || groups.lengthOf(prefix + 2) !== 4) return 0
  if ((bytes[at(0)] ?? 0) < TWO || (bytes[at(1)] ?? 0) < TWO) return 0
  const [one, other] = [separators[prefix + 1] ?? 0, separators[prefix + 2] ?? 0]
  const isEnclosed = window.low < at(0) && bytes[at(0) - 1] === PARENTHESIS
  if ((one === PARENTHESIS) !== isEnclosed || other === PARENTHESIS || other === SLASH) return 0
  const end = groups.ends[prefix + 2] ?? 0
  const start = starts[0] ?? 0
  const separator = one === SPACE && other === SPACE ? SPACE : DASH
  const from = prefix === 0 && isEnclosed ? start - 1 : start
  return window.endsWord(end) && standsAlone(window, from, end, separator) ? end : 0
}

/** A trunk prefix, with one separator at least: `020 7946 0958`, `(030) 123456`, `01 23 45 67 89`. */
function trunk(window: Window, groups: Groups): number {
  const first = groups.lengthOf(0)
  if (first === 2) return inPairs(window, groups)
  const isEnclosed = groups.separators[1] === PARENTHESIS
  if (first < 3 || first > 5 || groups.count < 2) return 0
  let digitCount = first
  let found = 0
  for (let index = 1; index < Math.min(groups.count, 4); index++) {
    const separator = groups.separators[index]
    if (separator === DOT || (separator === PARENTHESIS && index > 1)) break
    digitCount += groups.lengthOf(index)
    if (groups.lengthOf(index) < 3 || digitCount > TRUNK_DIGITS.max) break
    const end = groups.ends[index] ?? 0
    if (digitCount >= TRUNK_DIGITS.min && window.endsWord(end)) found = end
  }
  const start = (groups.starts[0] ?? 0) - (isEnclosed ? 1 : 0)
  return found !== 0 && standsAlone(window, start, found, DASH) ? found : 0
}

/** Five pairs (France, and where it left its plan), or 2-4-4 (Australia). */
function inPairs(window: Window, groups: Groups): number {
  const separator = groups.separators[1] ?? 0
  if (separator !== SPACE && separator !== DOT && separator !== DASH) return 0
  const lengths = groups.lengthOf(1) === 4 && separator === SPACE ? AUSTRALIAN : FRENCH
  if (groups.count < lengths.length) return 0
  for (let index = 1; index < lengths.length; index++)
    if (groups.lengthOf(index) !== lengths[index] || groups.separators[index] !== separator)
      return 0
  const end = groups.ends[lengths.length - 1] ?? 0
  return window.endsWord(end) && standsAlone(window, groups.starts[0] ?? 0, end, separator)
    ? end
    : 0
}
