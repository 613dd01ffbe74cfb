// The bytes of rewritten messages: a buffer that is written from front to back, and handed to an
// outbox as slices between those of what was left as it came. No knowledge of messages.

import type { Outbox } from '../codec.js'

/** Shorter stretches are copied, longer ones passed on as slices of where they are. */
export const COPIED_BYTES_MAX = 2_048
/** One allocation serves many rows; small enough that what a slow reader keeps alive stays small. */
const PIECE_BYTES = 114_688
/**
 * Room at the front of each piece for the source at hand. Moving bytes within one buffer costs a
 * third of copying them from another, which makes an object each time, so they come over in bulk first.
 */
const STAGE_BYTES = 16_384
/** Up to here a loop is faster than the call into the runtime. */
const LOOPED_BYTES_MAX = 12

/**
 * Collects rewritten and untouched stretches for an outbox. No byte that went to an outbox is written
 * again, so one serves all sessions of a process, as long as each calls `begin` first and `flush`
 * before it returns.
 */
export class Rewritten {
  /** Where the next bytes go; changes with `reserve` only. */
  bytes: Buffer = Buffer.alloc(0)
  /** Offset of the next byte in `bytes`. */
  at = 0
  #flushed = 0
  #source: Buffer = this.bytes
  #sourceEnd = 0
  /** What of the source stands at the front of `bytes`. */
  #stagedFrom = 0
  #stagedTo = 0

  /**
   * Starts on another source, of which nothing behind `end` is used. Forgets what was written and
   * never flushed, by a run that failed.
   */
  begin(source: Buffer, end: number): void {
    this.#flushed = this.at
    this.#source = source
    this.#sourceEnd = end
    this.#stagedTo = 0
  }

  /** Makes room for `count` bytes in one piece; what was written before goes to `out`. */
  reserve(count: number, out: Outbox): void {
    if (this.at + count <= this.bytes.length) return
    this.flush(out)
    this.bytes = Buffer.allocUnsafeSlow(STAGE_BYTES + Math.max(count, PIECE_BYTES))
    this.at = STAGE_BYTES
    this.#flushed = STAGE_BYTES
    this.#stagedTo = 0
  }

  /** Hands what was written to `out`. */
  flush(out: Outbox): void {
    out.slice(this.bytes, this.#flushed, this.at)
    this.#flushed = this.at
  }

  /** Adds `[start, end)` of the source: copied if short, for which there is room, else as a slice. */
  stretch(start: number, end: number, out: Outbox): void {
    if (end - start <= COPIED_BYTES_MAX) {
      this.copy(start, end)
      return
    }
    this.flush(out)
    out.slice(this.#source, start, end)
  }

  /** Copies `[start, end)` of the source, COPIED_BYTES_MAX at most, for which there is room. */
  copy(start: number, end: number): void {
    const { bytes } = this
    let { at } = this
    this.at = at + end - start
    if (end - start <= LOOPED_BYTES_MAX) {
      const source = this.#source
      for (let index = start; index < end; index += 1) bytes[at++] = source[index] ?? 0
      return
    }
    if (end > this.#stagedTo || start < this.#stagedFrom) {
      this.#stagedFrom = start
      this.#stagedTo = Math.min(start + STAGE_BYTES, this.#sourceEnd)
      this.#source.copy(bytes, 0, start, this.#stagedTo)
    }
    bytes.copyWithin(at, start - this.#stagedFrom, end - this.#stagedFrom)
  }

  /** Adds another buffer: copied if short, for which there is room, else as it is. */
  put(bytes: Buffer, out: Outbox): void {
    if (bytes.length <= COPIED_BYTES_MAX) {
      bytes.copy(this.bytes, this.at)
      this.at += bytes.length
      return
    }
    this.flush(out)
    out.add(bytes)
  }

  /** Writes an Int32, for which there is room. */
  int32(value: number): void {
    writeInt32(this.bytes, this.at, value)
    this.at += 4
  }
}

/** Int32, most significant byte first; a call into the runtime would cost more. */
export function writeInt32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** Int32, most significant byte first; the caller knows that four bytes are there. */
export const readInt32 = (bytes: Buffer, at: number): number =>
  ((bytes[at] ?? 0) << 24) |
  ((bytes[at + 1] ?? 0) << 16) |
  ((bytes[at + 2] ?? 0) << 8) |
  (bytes[at + 3] ?? 0)
