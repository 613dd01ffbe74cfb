// The bytes that detectors look at, and what they may conclude about its edges. Pure.

import { KIND, RUN, WORD, ascii, kindOf, standsAt } from './characters.js'

/** How far behind its anchor a detector looks, and a finding may begin. */
export const LOOK_BEHIND_BYTES = 320
/**
 * How far ahead of its anchor a detector looks before it decides. A finding may end later: what it
 * then consists of is decided by an `Extension` alone.
 */
export const LOOK_AHEAD_BYTES = 2_048

/** How an open-ended finding goes on: by characters, or until a key's end marker. */
export const EXTENSIONS = ['word', 'dashed', 'dotted', 'run', 'key'] as const
/** One of them. */
export type Extension = (typeof EXTENSIONS)[number]

const CONTROL = 0x20
/** The highest byte of the length of a value below 64 MiB. */
const LENGTH_HIGH = 4
/** Bytes of such a length. */
export const LENGTH_BYTES = 4
const DASH = 0x2d
const DOT = 0x2e
const DASHES = ascii('-----')
const KEY_END = ascii('-----END ')
/** `ENCRYPTED PRIVATE KEY` has 21, `PGP PRIVATE KEY BLOCK` too. */
const LABEL_BYTES_MAX = 64
const KEY_END_BYTES_MAX = KEY_END.length + LABEL_BYTES_MAX + DASHES.length

/** Takes what detectors find; `detector` is its index in DETECTOR_NAMES. */
export interface Sink {
  wants(detector: number): boolean
  report(detector: number, start: number, end: number): void
}

/**
 * A range of bytes, of which the anchors from `from` up to `to` are looked at. Where a finding is
 * depends only on the bytes around its anchor, so that a value gives the same findings in one piece
 * and in many.
 */
export class Window {
  bytes: Uint8Array = new Uint8Array(0)
  low = 0
  high = 0
  from = 0
  to = 0
  /** False when more of the value came before `low`. */
  isStart = true
  /** False when more of the value comes after `high`. */
  isEnd = true
  /**
   * True for bytes of several values with binary framing in between. Then nothing is ruled out for
   * what stands beside it where that could be framing: a big-endian length of four bytes before a
   * value, and after it such a length, or a message's type and its length.
   */
  isFramed = false
  /** Bit per extension: a finding reached `high` and may go on. */
  open = 0
  sink: Sink
  /** The last `@` that was looked at, and where the authority of its URL begins, or -1. */
  readonly authority = { at: -1, start: -1 }
  /** Where the last extension of each kind was looked for, and where it ended. */
  readonly #extendedFrom = EXTENSIONS.map(() => -1)
  readonly extendedTo = EXTENSIONS.map(() => -1)
  #isCut = false

  constructor(sink: Sink) {
    this.sink = sink
  }

  set(bytes: Uint8Array, low: number, high: number): void {
    this.bytes = bytes
    this.low = this.from = low
    this.high = this.to = high
    this.isStart = this.isEnd = true
    this.isFramed = false
    this.open = 0
    this.authority.at = -1
    this.#extendedFrom.fill(-1)
    this.extendedTo.fill(-1)
  }

  isAnchor(at: number): boolean {
    return at >= this.from && at < this.to
  }

  /** True when a value could begin here, whatever stands before. */
  mayBegin(at: number): boolean {
    if (at - this.low < LENGTH_BYTES) return at <= this.low ? this.isStart : this.isFramed
    if (!this.isFramed) return false
    const { bytes } = this
    const high = bytes[at - 4] ?? 0
    if (high >= LENGTH_HIGH) return false
    const low = ((bytes[at - 3] ?? 0) << 16) | ((bytes[at - 2] ?? 0) << 8) | (bytes[at - 1] ?? 0)
    return (high << 24) + low <= this.high - at
  }

  /** True when no word goes on from before. */
  beginsWord(at: number): boolean {
    return this.mayBegin(at) || (at > this.low && (kindOf(this.bytes, at - 1) & WORD) === 0)
  }

  /** The byte before, or 0 where a value could begin. */
  before(at: number): number {
    return at <= this.low || this.mayBegin(at) ? 0 : (this.bytes[at - 1] ?? 0)
  }

  /** The byte here; 0 beyond the end, and for what could be the type of a message. */
  after(at: number): number {
    if (at >= this.high) return 0
    const code = this.bytes[at] ?? 0
    const isPart = !this.isFramed || (at + 1 < this.high && (this.bytes[at + 1] ?? 0) >= CONTROL)
    return isPart ? code : 0
  }

  /** True when no word goes on here. */
  endsWord(at: number): boolean {
    return ((KIND[this.after(at)] ?? 0) & WORD) === 0
  }

  /** Reports a finding that ends where its last characters do, however far away that is. */
  reportOpen(detector: number, start: number, at: number, extension: Extension): void {
    if (this.sink.wants(detector)) this.sink.report(detector, start, this.extend(extension, at))
  }

  /** Where what goes on at `at` ends; marks the window as open when that is not in it. */
  extend(extension: Extension, at: number): number {
    const index = EXTENSIONS.indexOf(extension)
    const known = this.extendedTo[index] ?? -1
    // Of a run of one kind every part ends where the whole ends.
    if (at >= (this.#extendedFrom[index] ?? -1) && at <= known) return known
    this.#isCut = false
    const end = extension === 'key' ? this.#keyEnd(at) : this.#runEnd(extension, at)
    this.#extendedFrom[index] = at
    this.extendedTo[index] = end
    if (this.#wasCut()) this.open |= 1 << index
    return end
  }

  #wasCut(): boolean {
    return this.#isCut
  }

  #runEnd(extension: Extension, start: number): number {
    const { bytes, high } = this
    const flags = extension === 'run' ? RUN : WORD
    let at = start
    for (; at < high; at++) {
      if ((kindOf(bytes, at) & flags) !== 0) continue
      const code = bytes[at] ?? 0
      if (extension === 'dashed' && code === DASH) continue
      if (extension !== 'dotted' || (code !== DASH && code !== DOT)) return at
      if (code === DASH) continue
      // A dot belongs to a token only when the token goes on behind it.
      if (at + 1 === high) break
      if ((kindOf(bytes, at + 1) & WORD) === 0 && bytes[at + 1] !== DASH) return at
    }
    this.#isCut = !this.isEnd
    return at
  }

  /** Behind the next `-----END …-----` (RFC 7468 §2), or the end of what there is. */
  #keyEnd(start: number): number {
    const { bytes, high } = this
    for (let at = start; at < high; at++) {
      at = nextDash(bytes, at, high)
      if (!this.isEnd && at + KEY_END_BYTES_MAX > high) {
        this.#isCut = true
        return Math.min(at, high)
      }
      if (!standsAt(bytes, at, high, KEY_END)) continue
      const end = labelEnd(bytes, at + KEY_END.length, high)
      if (end > 0) return end
    }
    return high
  }
}

function nextDash(bytes: Uint8Array, start: number, high: number): number {
  let at = start
  while (at < high && bytes[at] !== DASH) at++
  return at
}

/** Behind the dashes that close a label of capitals, digits and spaces; 0 when they don't. */
export function labelEnd(bytes: Uint8Array, start: number, high: number): number {
  const last = Math.min(high, start + LABEL_BYTES_MAX)
  for (let at = start; at < last; at++) {
    const code = bytes[at] ?? 0
    if (code === DASH) return standsAt(bytes, at, high, DASHES) ? at + DASHES.length : 0
    if (code !== 0x20 && (code < 0x30 || code > 0x5a)) return 0
  }
  return 0
}
