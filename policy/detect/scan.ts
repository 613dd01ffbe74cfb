// Finds the places that are worth a closer look, at a fraction of a look per byte. Pure, no allocation.
//
// Every finding but an address has nine characters of a number in a row with digits at each of four
// phases, or sixteen characters of a token in a row, or five dashes. So one byte in four is enough to
// come across it; only there the characters around are looked at.

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
const STRIDE = 4
/** Addresses and runs are looked for in turn in so many bytes, so that findings come nearly in order. */
const BLOCK_BYTES = 4_096
/** Behind its first byte everything has been come across within so many bytes; an IBAN in groups takes 42. */
const OVERLAP_BYTES = 64
/** Of a private key the anchor is the word behind its dashes, by which it is come across. */
const DASHES_BYTES = 5
/** No number that is looked for is shorter, `+` and separators included. */
const NUMBER_BYTES_MIN = 9
const DATE_BYTES = 10
const DATE_BYTES_MAX = 13
const UUID_BYTES = 36
/** Nor has any fewer digits. */
const DIGITS_MIN = 8
/** The samples of four in a row, as bits. */
const FOUR = 0b1111
const AT = 0x40
/** From here on the engine's own search is faster, the view that it needs included. */
const NATIVE_BYTES_MIN = 512
const DASH = 0x2d
const SPACE = 0x20

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
    if (what.hasAddresses) scanAddresses(what, block, end)
    if (what.hasRuns && !what.isOver)
      scanRuns(what, block === from ? first : block, Math.min(high, end + OVERLAP_BYTES))
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
  const { window } = what
  const { bytes } = window
  let before = 0
  let runs = 0
  // What has been walked is not walked again.
  let runEnd = what.runEnd
  let numberEnd = what.numberEnd
  for (let at = start; at < end; at += STRIDE) {
    const kind = KIND[bytes[at] ?? 0] ?? 0
    const both = (kind & before & NUMBER) !== 0 ? (kind | before) & DIGIT : 0
    before = kind
    runs = (runs << 1) | ((kind & RUN) >> 1)
    if ((both | (kind & HYPHEN)) === 0 && (runs & FOUR) !== FOUR) continue
    const gap = between(bytes, at)
    if (both !== 0 && (gap & NUMBER) !== 0 && at >= numberEnd)
      numberEnd = walkNumber(window, at, numberEnd)
    const isRun =
      (runs & FOUR) === FOUR &&
      (gap & RUN) !== 0 &&
      (between(bytes, at - STRIDE) & between(bytes, at - 2 * STRIDE) & RUN) !== 0
    if (at >= runEnd && (isRun || ((kind & HYPHEN) !== 0 && isDashed(bytes, at))))
      runEnd = walkRun(window, at, runEnd)
    if (what.isOver) break
  }
  what.runEnd = runEnd
  what.numberEnd = numberEnd
}

/** What all bytes between a sample and the one before may be part of. */
const between = (bytes: Uint8Array, at: number): number =>
  at < STRIDE ? 0 : kindOf(bytes, at - 1) & kindOf(bytes, at - 2) & kindOf(bytes, at - 3)

const isDashed = (bytes: Uint8Array, at: number): boolean =>
  bytes[at + 1] === DASH || (at > 0 && bytes[at - 1] === DASH)

/** Looks at all groups of digits around `sample`; returns the end of what numbers are written with. */
function walkNumber(window: Window, sample: number, walked: number): number {
  const { bytes, low, high } = window
  const floor = Math.max(low, walked)
  let start = sample
  while (start > floor && (kindOf(bytes, start - 1) & NUMBER) !== 0) start--
  let end = start
  let digitCount = 0
  for (; end < high; end++) {
    const kind = kindOf(bytes, end)
    if ((kind & NUMBER) === 0) break
    digitCount += kind & DIGIT
  }
  if (end - start < NUMBER_BYTES_MIN || digitCount < DIGITS_MIN * DIGIT) return end
  if (isDate(bytes, start, end)) return end
  lookForIban(window, start)
  if (window.isFramed) lookInsideNumber(window, start, end)
  for (let at = start; at < end; at++) {
    if ((kindOf(bytes, at) & DIGIT) === 0) continue
    const last = digitsEnd(bytes, at, end)
    if (window.isAnchor(at) && mayBeNumber(bytes, at, last)) tryNumber(window, at, last)
    at = last
  }
  return end
}

/**
 * `2024-01-15`, and after it at most the hour: nothing in it is a number that is looked for, wherever
 * a value begins. Every other row has one.
 */
function isDate(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > DATE_BYTES_MAX || end - start < DATE_BYTES) return false
  if (bytes[start + 4] !== DASH || bytes[start + 7] !== DASH) return false
  let digits = DIGIT
  for (let at = start; at < start + 4; at++) digits &= kindOf(bytes, at)
  digits &= kindOf(bytes, start + 5) & kindOf(bytes, start + 6)
  digits &= kindOf(bytes, start + 8) & kindOf(bytes, start + 9)
  const isLonger = end - start > DATE_BYTES && (kindOf(bytes, start + DATE_BYTES) & DIGIT) !== 0
  return digits !== 0 && !isLonger
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

/** Looks at all words of the run around `sample`; returns its end. */
function walkRun(window: Window, sample: number, walked: number): number {
  const { bytes, low, high } = window
  const floor = Math.max(low, walked)
  let start = sample
  while (start > floor && (kindOf(bytes, start - 1) & RUN) !== 0) start--
  if (isUuid(bytes, start, high)) return start + UUID_BYTES
  if (window.isFramed) lookInside(window, start)
  let before = start > low ? kindOf(bytes, start - 1) : 0
  let at = start
  for (; at < high; at++) {
    const kind = kindOf(bytes, at)
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
  let all = UUID
  for (let at = start; at < end; at++) all &= kindOf(bytes, at)
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
