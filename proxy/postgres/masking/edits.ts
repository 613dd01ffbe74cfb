// Replaces parts of messages whose length stands in their header, message by message within a run.
// Knows neither rows nor lines. No object per message.

import { LIMITS } from '../../limits.js'
import { HEADER_BYTES, MessageTooLong, type Outbox } from '../codec.js'
import { COPIED_BYTES_MAX, type Rewritten, writeInt32 } from './rewritten.js'
import type { CellMask, Replacements } from './value.js'

/** Length of a NULL in a row. */
export const NULL_LENGTH = -1
/** Bytes of the length before each value of a row. */
const PREFIX_BYTES = 4

/** The edits of one message at a time. */
export class MessageEdits {
  /** How many parts of the message at hand are replaced. */
  count = 0
  readonly #prefixBytes: number
  readonly #replacements: Replacements
  readonly #rewritten: Rewritten
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  readonly #by: (CellMask | Buffer | null)[] = []
  #source: Buffer = Buffer.alloc(0)
  /** Everything of the source before has been added. */
  #done = 0
  #from = 0

  /**
   * @param capacity Parts that a message can have at most.
   * @param prefixed True when an Int32 length stands before each part, -1 for NULL.
   */
  constructor(
    capacity: number,
    prefixed: boolean,
    replacements: Replacements,
    rewritten: Rewritten,
  ) {
    this.#prefixBytes = prefixed ? PREFIX_BYTES : 0
    this.#replacements = replacements
    this.#rewritten = rewritten
    this.#starts = new Int32Array(capacity)
    this.#ends = new Int32Array(capacity)
  }

  /** Starts on a run of messages, `source[start, end)`. */
  begin(source: Buffer, start: number, end: number): void {
    this.#source = source
    this.#from = start
    this.#done = start
    this.count = 0
    this.#rewritten.begin(source, end)
  }

  /** Replaces `[start, end)` of the source, behind all parts so far. null is NULL. */
  add(start: number, end: number, by: CellMask | Buffer | null): void {
    this.#starts[this.count] = start
    this.#ends[this.count] = end
    this.#by[this.count] = by
    this.count += 1
  }

  /**
   * Adds everything up to the last edit of the message `[start, end)`, and forgets its edits.
   *
   * @throws MessageTooLong
   */
  apply(start: number, end: number, out: Outbox): void {
    if (this.count === 0) return
    const rewritten = this.#rewritten
    const done = this.#done
    let at = done
    rewritten.reserve(this.#room(end - done), out)
    if ((this.#starts[0] ?? 0) - done > COPIED_BYTES_MAX) {
      rewritten.stretch(done, start, out)
      rewritten.copy(start, start + HEADER_BYTES)
      at = start + HEADER_BYTES
    }
    // Nothing is reserved within a message: its header can be set right when its length is known.
    const header = rewritten.at + (at === done ? start - done : -HEADER_BYTES)
    let grownBytes = 0
    for (let index = 0; index < this.count; index += 1) {
      const partStart = this.#starts[index] ?? 0
      const partEnd = this.#ends[index] ?? 0
      rewritten.stretch(at, partStart - this.#prefixBytes, out)
      grownBytes += this.#replace(partStart, partEnd, this.#by[index] ?? null, out)
      at = partEnd
    }
    const length = end - start - 1 + grownBytes
    if (length - 4 > LIMITS.messageBytesMax) {
      throw new MessageTooLong('a masked message is longer than the limit')
    }
    if (grownBytes !== 0) writeInt32(rewritten.bytes, header + 1, length)
    this.#done = at
    this.count = 0
  }

  /** Adds what is left of the run up to `end`. */
  finish(end: number, out: Outbox): void {
    const rewritten = this.#rewritten
    const done = this.#done
    if (done > this.#from && end - done <= COPIED_BYTES_MAX) {
      rewritten.reserve(end - done, out)
      rewritten.copy(done, end)
      rewritten.flush(out)
      return
    }
    rewritten.flush(out)
    out.slice(this.#source, done, end)
  }

  /** Enough for what is copied of a message and of what came before it, and for what is put in. */
  #room(sourceBytes: number): number {
    let room = Math.min(sourceBytes, (this.count + 2) * COPIED_BYTES_MAX) + HEADER_BYTES
    for (let index = 0; index < this.count; index += 1) {
      const by = this.#by[index] ?? null
      room += this.#prefixBytes
      if (by !== null)
        room += Buffer.isBuffer(by) ? Math.min(by.length, COPIED_BYTES_MAX) : by.bytesMax
    }
    return room
  }

  /** Writes a part, with its length; returns by how many bytes it is longer than it was. */
  #replace(start: number, end: number, by: CellMask | Buffer | null, out: Outbox): number {
    const rewritten = this.#rewritten
    const prefixBytes = this.#prefixBytes
    if (by === null) {
      if (prefixBytes > 0) rewritten.int32(NULL_LENGTH)
      return start - end
    }
    if (Buffer.isBuffer(by)) {
      if (prefixBytes > 0) rewritten.int32(by.length)
      rewritten.put(by, out)
      return by.length - (end - start)
    }
    const at = rewritten.at + prefixBytes
    const length = this.#replacements.write(by, this.#source, start, end, rewritten.bytes, at)
    if (prefixBytes > 0) rewritten.int32(length)
    const written = Math.max(length, 0)
    rewritten.at += written
    return written - (end - start)
  }
}
