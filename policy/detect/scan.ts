// Finds the places that are worth a closer look, without a branch per byte. Pure, no allocation.
//
// Every finding but an address has nine characters of a number in a row, or sixteen of a token, or five
// dashes. What each byte may be part of becomes bits, sixteen bytes at a time; only where the bits say
// so the characters around are looked at.

import { findAddress } from './addresses.js'
import {
  DIGIT,
  HYPHEN,
  KIND,
  LETTER,
  NUMBER,
  RUN,
  TOKEN,
  UUID,
  WORD,
  kindOf,
} from './characters.js'
import { digitsEnd } from './groups.js'
import { ibanBefore, ibanEnd, mayBeIban } from './iban.js'
import { DETECTOR_NAMES } from './names.js'
import { findNumber, mayBeNumber } from './numbers.js'
import { RUN_BYTES_MIN, findAssigned, findToken } from './tokens.js'
import { LENGTH_BYTES } from './window.js'
import type { Window } from './window.js'

const IBAN = DETECTOR_NAMES.indexOf('iban')
/** So many bytes become bits at a time; two steps fill 32 bits. */
const STEP = 16
/** Addresses and runs are looked for in turn in so many bytes, so that findings come nearly in order. */
const BLOCK_BYTES = 4_096
/** Behind its first byte everything has been come across within so many bytes; an IBAN in groups takes 42. */
const OVERLAP_BYTES = 64
/** Of a private key the anchor is the word behind its dashes, by which it is come across. */
const DASHES_BYTES = 5
/** No number that is looked for is shorter, `+` and separators included. */
const NUMBER_BYTES_MIN = 9
const UUID_BYTES = 36
/** Nor has any fewer digits; of E.164 there are some of eight. */
const DIGITS_MIN = 9
const SIGNED_DIGITS_MIN = 8

const BYTE = 0xff
/** Bits that were not in the step before. */
const NEW = 0xffff
/** As many, with room at both sides for all of a date and what stands beside it. */
const SETTLED = NEW << 5
const AT = 0x40
/** From here on the engine's own search is faster, the view that it needs included. */
const NATIVE_BYTES_MIN = 512
const DASH = 0x2d
const SPACE = 0x20
const PLUS = 0x2b
/** What a byte may be part of: a number (bit 0), a run (8); and whether it is a digit (16) or a dash (24). */
const PARTS = Int32Array.from(
  KIND,
  (kind) =>
    ((kind & NUMBER) === 0 ? 0 : 1) |
    ((kind & RUN) === 0 ? 0 : 1 << 8) |
    ((kind & DIGIT) === 0 ? 0 : 1 << 16) |
    ((kind & HYPHEN) === 0 ? 0 : 1 << 24),
)

/** What to look for, and when to stop. */
export interface Scan {
  window: Window
  readonly hasAddresses: boolean
  readonly hasRuns: boolean
  /** Set by a sink that has heard enough. */
  isOver: boolean
  /** Where the last run, and the last that numbers are written with, that were walked end. */
  runEnd: number
  numberEnd: number
}

/** Reports what is anchored in the window to its sink. */
export function scan(what: Scan): void {
  const { window } = what
  const { low, from, to, high } = window
  const first = Math.max(low, from - DASHES_BYTES)
  what.runEnd = what.numberEnd = first
  for (let block = from; block < to && !what.isOver; block += BLOCK_BYTES) {
    const end = Math.min(to, block + BLOCK_BYTES)
    if (what.hasRuns)
      scanRuns(what, block === from ? first : block, Math.min(high, end + OVERLAP_BYTES))
    if (what.hasAddresses) scanAddresses(what, block, end)
  }
}

function scanAddresses(what: Scan, start: number, end: number): void {
  const { window } = what
  const { bytes } = window
  if (end - start > NATIVE_BYTES_MIN) {
    const part = bytes.subarray(start, end)
    for (let at = part.indexOf(AT); at >= 0 && !what.isOver; at = part.indexOf(AT, at + 1))
      findAddress(window, start + at)
    return
  }
  for (let at = start; at < end && !what.isOver; at++) if (bytes[at] === AT) findAddress(window, at)
}

function scanRuns(what: Scan, start: number, end: number): void {
  const { bytes } = what.window
  const parts = PARTS
  // What these and the sixteen bytes before are, as bits.
  let numbers = 0
  let runs = 0
  let digits = 0
  let hyphens = 0
  // One step more, for numbers are looked at when what follows them is known.
  for (let at = start; at < end + STEP && !what.isOver; at += STEP) {
    const isWhole = at + STEP <= end
    const first = isWhole ? packed(parts, bytes, at) : packedRest(parts, bytes, at, end)
    const second = isWhole ? packed(parts, bytes, at + 8) : packedRest(parts, bytes, at + 8, end)
    numbers = (numbers << STEP) | ((first & BYTE) << 8) | (second & BYTE)
    runs = (runs << STEP) | (first & (BYTE << 8)) | ((second >>> 8) & BYTE)
    digits = (digits << STEP) | ((first >>> 8) & (BYTE << 8)) | ((second >>> 16) & BYTE)
    hyphens = (hyphens << STEP) | ((first >>> 16) & (BYTE << 8)) | (second >>> 24)
    // A separator stands beside a digit: padding is none.
    const joined = numbers & (digits | (digits << 1) | (digits >>> 1))
    const number = numbersIn(joined & ~dateHyphens(numbers, digits, hyphens)) & SETTLED
    const run = runsIn(runs) & NEW
    const dashes = dashesIn(hyphens) & NEW
    if (number !== 0) walkNumbers(what, number, at + STEP - 1)
    if (run !== 0) walkRuns(what, run, at + STEP - 1, RUN_BYTES_MIN)
    if (dashes !== 0) walkRuns(what, dashes, at + STEP - 1, DASHES_BYTES)
  }
}

/** Eight bytes as bits, the first of them the highest of each eight; written out, for it is most of the work. */
const packed = (parts: Int32Array, bytes: Uint8Array, at: number): number =>
  ((parts[bytes[at] ?? 0] ?? 0) << 7) |
  ((parts[bytes[at + 1] ?? 0] ?? 0) << 6) |
  ((parts[bytes[at + 2] ?? 0] ?? 0) << 5) |
  ((parts[bytes[at + 3] ?? 0] ?? 0) << 4) |
  ((parts[bytes[at + 4] ?? 0] ?? 0) << 3) |
  ((parts[bytes[at + 5] ?? 0] ?? 0) << 2) |
  ((parts[bytes[at + 6] ?? 0] ?? 0) << 1) |
  (parts[bytes[at + 7] ?? 0] ?? 0)

/** The same where fewer than eight are left; what is beyond the end is nothing. */
function packedRest(parts: Int32Array, bytes: Uint8Array, start: number, end: number): number {
  let bits = 0
  for (let at = start; at < start + 8; at++)
    bits = (bits << 1) | (at < end ? (parts[bytes[at] ?? 0] ?? 0) : 0)
  return bits
}

/** Where nine characters of a number stand in a row: the bit of the last of them, as in all of these. */
function numbersIn(numbers: number): number {
  const two = numbers & (numbers >>> 1)
  const four = two & (two >>> 2)
  return four & (four >>> 4) & (numbers >>> 8)
}

/** Where sixteen characters of a token stand in a row. */
function runsIn(runs: number): number {
  const two = runs & (runs >>> 1)
  const four = two & (two >>> 2)
  const eight = four & (four >>> 4)
  return eight & (eight >>> 8)
}

/** Where five dashes stand in a row. */
function dashesIn(hyphens: number): number {
  const two = hyphens & (hyphens >>> 1)
  return two & (two >>> 2) & (hyphens >>> 4)
}

/**
 * The dashes of dates (`2024-01-15`) with no digit beside them: what has them is no number that is
 * looked for, and every other row has one.
 */
function dateHyphens(numbers: number, digits: number, hyphens: number): number {
  const two = digits & (digits << 1)
  const four = two & (two << 2)
  const starts = four & (hyphens << 4) & (two << 5) & (hyphens << 7) & (two << 8)
  const alone = starts & ~(numbers >>> 1) & ~(digits << 10)
  return (alone >>> 4) | (alone >>> 7)
}

/** Walks what numbers are written with, where the bits say so; bit 0 is the byte at `last`. */
function walkNumbers(what: Scan, found: number, last: number): void {
  let left = from(found, what.numberEnd, last)
  while (left !== 0 && !what.isOver) {
    const start = last - 30 + Math.clz32(left) - NUMBER_BYTES_MIN
    what.numberEnd = walkNumber(what.window, start, what.numberEnd)
    left = from(left, what.numberEnd, last)
  }
}

/** The same for runs, of which so many bytes were seen. */
function walkRuns(what: Scan, found: number, last: number, byteCount: number): void {
  let left = from(found, what.runEnd, last)
  while (left !== 0 && !what.isOver) {
    const start = last - 30 + Math.clz32(left) - byteCount
    what.runEnd = walkRun(what.window, start, what.runEnd)
    left = from(left, what.runEnd, last)
  }
}

/** Those bits that stand for bytes from `start` on. */
const from = (bits: number, start: number, last: number): number =>
  start > last ? 0 : last - start >= 31 ? bits : bits & ((2 << (last - start)) - 1)

/** Looks at all groups of digits around what was seen; returns the end of what numbers are written with. */
function walkNumber(window: Window, seen: number, walked: number): number {
  const kinds = KIND
  const { bytes, low, high } = window
  const floor = Math.max(low, walked)
  let start = Math.max(floor, seen)
  while (start > floor && ((kinds[bytes[start - 1] ?? 0] ?? 0) & NUMBER) !== 0) start--
  let end = start
  let digitCount = 0
  let isSigned = false
  for (; end < high; end++) {
    const kind = kinds[bytes[end] ?? 0] ?? 0
    if ((kind & NUMBER) === 0) break
    if (bytes[end] === PLUS) {
      // After a digit it is a sum or the zone of a time; a number would begin with it.
      if (end > start && ((kinds[bytes[end - 1] ?? 0] ?? 0) & DIGIT) !== 0) break
      isSigned = true
    }
    digitCount += kind & DIGIT
  }
  if (end - start < NUMBER_BYTES_MIN) return end
  if (digitCount < (isSigned ? SIGNED_DIGITS_MIN : DIGITS_MIN) * DIGIT) return end
  lookForIban(window, start)
  if (window.isFramed) lookInsideNumber(window, start, end)
  for (let at = start; at < end; at++) {
    if (((kinds[bytes[at] ?? 0] ?? 0) & DIGIT) === 0) continue
    const last = digitsEnd(bytes, at, end)
    if (window.isAnchor(at) && mayBeNumber(bytes, at, last)) tryNumber(window, at, last)
    at = last
  }
  return end
}

/** Looks at what of the first digits could be a value's, behind its length. */
function lookInsideNumber(window: Window, start: number, end: number): void {
  const { bytes } = window
  const last = Math.min(end, start + LENGTH_BYTES)
  for (let at = start + 1; at < last; at++) {
    if ((kindOf(bytes, at) & DIGIT) === 0 || !window.mayBegin(at)) continue
    const digits = digitsEnd(bytes, at, end)
    if (mayBeNumber(bytes, at, digits)) tryNumber(window, at, digits)
  }
}

/** An IBAN has letters before its first digits, and in groups of four perhaps more of them further on. */
function lookForIban(window: Window, start: number): void {
  const { bytes, low } = window
  if (start - 2 >= low && mayBeIban(bytes, start - 2)) findIban(window, start - 2)
  if (bytes[start] !== SPACE) return
  const iban = ibanBefore(window, start + 1)
  if (iban >= 0) findIban(window, iban)
}

/** Looks at all words of the run around what was seen; returns its end. */
function walkRun(window: Window, seen: number, walked: number): number {
  const kinds = KIND
  const { bytes, low, high } = window
  const floor = Math.max(low, walked)
  let start = Math.max(floor, seen)
  while (start > floor && ((kinds[bytes[start - 1] ?? 0] ?? 0) & RUN) !== 0) start--
  if (isUuid(bytes, start, high)) return start + UUID_BYTES
  if (window.isFramed) lookInside(window, start)
  let before = start > low ? (kinds[bytes[start - 1] ?? 0] ?? 0) : 0
  let at = start
  for (; at < high; at++) {
    const kind = kinds[bytes[at] ?? 0] ?? 0
    if ((kind & RUN) === 0) break
    // An underscore is no letter, and begins nothing.
    if ((before & WORD) === 0 && (kind & LETTER) !== 0)
      if ((kind & TOKEN) !== 0 || mayBeIban(bytes, at)) findWord(window, at)
    before = kind
  }
  if (at - start >= RUN_BYTES_MIN && window.isAnchor(start) && !goesOn(window, start))
    findAssigned(window, start)
  return at
}

/**
 * True when a UUID and no more stands here. Without a letter beyond f it is no token, its pieces
 * are too short for an IBAN, and what is assigned like this is an id.
 */
function isUuid(bytes: Uint8Array, start: number, high: number): boolean {
  const end = start + UUID_BYTES
  if (end > high || bytes[start + 8] !== DASH || bytes[start + 13] !== DASH) return false
  if (bytes[start + 18] !== DASH || bytes[start + 23] !== DASH) return false
  const kinds = KIND
  let all = UUID
  for (let at = start; at < end; at++) all &= kinds[bytes[at] ?? 0] ?? 0
  return all !== 0 && (end === high || (kindOf(bytes, end) & RUN) === 0)
}

/** True when the run has begun before. */
const goesOn = ({ bytes, low }: Window, start: number): boolean =>
  start > low && (kindOf(bytes, start - 1) & RUN) !== 0

function tryNumber(window: Window, start: number, end: number): void {
  if (window.endsWord(end) && window.beginsWord(start)) findNumber(window, start, end)
}

/** Looks at the word that begins here with a letter. */
function findWord(window: Window, start: number): void {
  const { bytes } = window
  if (!window.isAnchor(start)) return
  if ((kindOf(bytes, start) & TOKEN) !== 0 && window.beginsWord(start)) findToken(window, start)
  if (mayBeIban(bytes, start)) findIban(window, start)
}

function findIban(window: Window, start: number): void {
  const end = window.isAnchor(start) ? ibanEnd(window, start) : 0
  if (end !== 0) window.sink.report(IBAN, start, end)
}

/** Looks at what could begin behind the length of a value, when that looks like a part of a word. */
function lookInside(window: Window, start: number): void {
  const last = Math.min(window.high, start + LENGTH_BYTES)
  for (let at = start + 1; at < last; at++) if (window.mayBegin(at)) findWord(window, at)
}
