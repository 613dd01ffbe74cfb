// Card, phone and social security numbers: digits in groups. Looks at one first group at a time, and
// no further than a number of that kind can reach. Pure, no allocation per number.

import { DIGIT, SEPARATOR, WORD, kindOf } from './characters.js'
import { CARD_LENGTHS } from './card-issuers.js'
import { passesLuhn } from './checksums.js'
import { spells } from './context.js'
import { DETECTOR_NAMES } from './names.js'
import { Groups, standsAlone } from './groups.js'
import { phoneEnd } from './phone.js'
import type { Window } from './window.js'

const CREDIT_CARD = DETECTOR_NAMES.indexOf('credit-card')
const PHONE = DETECTOR_NAMES.indexOf('phone')
const SSN = DETECTOR_NAMES.indexOf('ssn')

const SPACE = 0x20
const OPEN = 0x28
const PLUS = 0x2b
const DASH = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const ONE = 0x31
const CARD_DIGITS = { min: 13, max: 19 }

const groups = new Groups()

/** False for most dates, times, counts and fractions: what has this first group is none of the numbers. */
export function mayBeNumber(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start
  const separator = bytes[end] ?? 0
  const next = kindOf(bytes, end + 1)
  if ((kindOf(bytes, end) & SEPARATOR) !== 0 && (next & (DIGIT | SEPARATOR)) !== 0) {
    const first = bytes[start] ?? 0
    if (length === 3) return separator !== DOT || bytes[end + 4] === DOT
    // 1 before an area code.
    if (first === ONE && length === 1) return (kindOf(bytes, end + 3) & DIGIT) !== 0
    // Five pairs, or 2-4-4; not the month and the day of a date, and the hour.
    if (first === ZERO && length === 2 && bytes[start + 1] !== ZERO)
      return bytes[end + 3] === separator || bytes[end + 5] === separator
    if (first === ZERO && length > 1) return true
    if (length >= 4 && length <= 6 && (separator === SPACE || separator === DASH))
      if ((next & DIGIT) !== 0 && lengthsOfIssuer(bytes, start) !== 0) return true
  }
  return (
    length >= CARD_DIGITS.min ||
    length === 9 ||
    (start > 0 && bytes[start - 1] === PLUS && bytes[start] !== ZERO)
  )
}

/**
 * Looks at the number whose first group of digits is `start` to `end`, for which `mayBeNumber` holds. No word goes
 * on at either side.
 */
export function findNumber(window: Window, start: number, end: number): void {
  const { bytes } = window
  const length = end - start
  if (length >= CARD_DIGITS.min) {
    if (isCard(window, start, end, length)) window.sink.report(CREDIT_CARD, start, end)
  } else if (length === 9 && isNamedSsn(window, start, end)) {
    window.sink.report(SSN, start, end)
  }
  const isInternational = start > window.low && bytes[start - 1] === PLUS
  if (!isInternational && (end >= window.high || (kindOf(bytes, end) & SEPARATOR) === 0)) return
  groups.read(window, start, end)
  if (length >= 4 && length <= 6) findCard(window)
  else if (length === 3 && isSsn(window)) window.sink.report(SSN, start, groups.ends[2] ?? end)
  const phone = phoneEnd(window, groups, isInternational)
  if (phone === 0) return
  const isEnclosed = start > window.low && (bytes[start - 1] === PLUS || bytes[start - 1] === OPEN)
  window.sink.report(PHONE, isEnclosed ? start - 1 : start, phone)
}

/** The lengths of the issuer that four digits name, as bits from 13 on. */
function lengthsOfIssuer(bytes: Uint8Array, start: number): number {
  let issuer = 0
  for (let at = start; at < start + 4; at++) issuer = issuer * 10 + (bytes[at] ?? 0) - ZERO
  return CARD_LENGTHS[issuer] ?? 0
}

function isCard(window: Window, start: number, end: number, digitCount: number): boolean {
  if (digitCount > CARD_DIGITS.max) return false
  const { bytes } = window
  if (((lengthsOfIssuer(bytes, start) >> (digitCount - CARD_DIGITS.min)) & 1) === 0) return false
  if (!window.endsWord(end) || isFraction(window, start) || isDecimal(window, end)) return false
  return passesLuhn(bytes, start, end)
}

/** 4-4-4-4, 4-6-5 and the like: three digits or more to a group, but for the last. */
function findCard(window: Window): void {
  const start = groups.starts[0] ?? 0
  let digitCount = groups.lengthOf(0)
  for (let index = 1; index < groups.count; index++) {
    const separator = groups.separators[index]
    if (separator !== SPACE && separator !== DASH) return
    digitCount += groups.lengthOf(index)
    const end = groups.ends[index] ?? 0
    if (digitCount >= CARD_DIGITS.min && isCard(window, start, end, digitCount))
      window.sink.report(CREDIT_CARD, start, end)
    if (groups.lengthOf(index) < 3 || digitCount > CARD_DIGITS.max) return
  }
}

const isFraction = (window: Window, start: number): boolean =>
  window.before(start) === DOT && wordBefore(window, start - 1)

const isDecimal = (window: Window, end: number): boolean =>
  window.after(end) === DOT &&
  (kindOf(window.bytes, end + 1) & DIGIT) !== 0 &&
  window.after(end + 1) !== 0

const wordBefore = (window: Window, at: number): boolean => {
  const code = window.before(at)
  return code !== 0 && (kindOf(window.bytes, at - 1) & WORD) !== 0
}

/** 3-2-4 with dashes or spaces, standing alone, in numbers that were given out (SSA, RM 10201.035). */
function isSsn(window: Window): boolean {
  const { count, separators, starts, ends } = groups
  if (count < 3 || groups.lengthOf(1) !== 2 || groups.lengthOf(2) !== 4) return false
  const separator = separators[1] ?? 0
  if (separator !== separators[2] || (separator !== SPACE && separator !== DASH)) return false
  const [start, end] = [starts[0] ?? 0, ends[2] ?? 0]
  if (!isGivenOut(window.bytes, start, starts[1] ?? 0, starts[2] ?? 0)) return false
  return window.endsWord(end) && standsAlone(window, start, end, separator)
}

/** Not 000, 666 or 9xx, not 00, not 0000. */
function isGivenOut(bytes: Uint8Array, area: number, group: number, serial: number): boolean {
  const areaNumber = numberAt(bytes, area, 3)
  if (areaNumber === 0 || areaNumber === 666 || areaNumber >= 900) return false
  return numberAt(bytes, group, 2) !== 0 && numberAt(bytes, serial, 4) !== 0
}

function numberAt(bytes: Uint8Array, start: number, digitCount: number): number {
  let value = 0
  for (let at = start; at < start + digitCount; at++) value = value * 10 + (bytes[at] ?? 0) - ZERO
  return value
}

const CONTEXT_BYTES = 24

/** Nine digits in a row are one only when something like `SSN: ` or `"social_security_no":"` stands before. */
function isNamedSsn(window: Window, start: number, end: number): boolean {
  const { bytes, low } = window
  if (!isGivenOut(bytes, start, start + 3, start + 5) || !window.endsWord(end)) return false
  const first = Math.max(low, start - CONTEXT_BYTES)
  for (let at = start - 3; at >= first; at--) {
    if (spells(bytes, at, start, 'ssn') || spells(bytes, at, start, 'social')) return true
  }
  return false
}
