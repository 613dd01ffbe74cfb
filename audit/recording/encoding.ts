// Events as the bytes of a chunk, and back. Texts and columns that come again within a chunk are
// written once, which is most of what compression would do. Pure; never sees a key or a store.

import { EFFECTS } from '../../core/command.js'
import { WarderError } from '../../core/errors.js'
import {
  RECORDED_OUTCOMES,
  type CommandEvent,
  type RecordedColumn,
  type RecordingEvent,
  type RowsEvent,
} from '../../core/recording.js'

/*
 * A chunk is a sequence of events. Numbers are LEB128; times and durations are whole microseconds.
 *   bytes    Int32 LE length, the bytes        text     bytes in UTF-8
 *   shared   0 and a text that gets the next number of its chunk (1, 2 …), or that number
 *   columns  the same with: count, then per column shared name, type OID, format
 *   command  1 at number shared(text) count parameters… shared(effect) shared(outcome) shared(tag)
 *            shared(sqlstate) rows duration 0|1 shared(reviewId)? count shared(reason)…
 *   rows     2 at number columns omittedRows bytes
 *   output   3 at number omittedBytes bytes
 *   decision 4 at number shared(reviewId) shared(state) shared(by)
 */
const COMMAND = 1
const ROWS = 2
const OUTPUT = 3
const DECISION = 4

const FIRST_BYTES = 4_096
/** A session that filled more than this in a chunk gets as much at once for the next. */
const BUSY_BYTES = 65_536
/** Below it room for the worst case (three bytes per UTF-16 unit) is cheaper than counting. */
const COUNTED_CHARACTERS_MIN = 4_096

/** Collects the events of the next chunk. */
export class EventWriter {
  #bytes = Buffer.alloc(0)
  #length = 0
  #firstBytes = FIRST_BYTES
  readonly #texts = new Map<string, number>()
  readonly #columns = new Map<readonly RecordedColumn[], number>()

  /** Bytes so far. */
  get length(): number {
    return this.#length
  }

  /** Appends one event. */
  add(event: RecordingEvent): void {
    this.#room(1)
    switch (event.kind) {
      case 'command':
        this.#bytes[this.#length++] = COMMAND
        this.#place(event)
        this.#command(event)
        break
      case 'rows':
        this.#bytes[this.#length++] = ROWS
        this.#place(event)
        this.#rows(event)
        break
      case 'output':
        this.#bytes[this.#length++] = OUTPUT
        this.#place(event)
        this.#number(event.omittedBytes)
        this.#raw(event.bytes)
        break
      case 'decision':
        this.#bytes[this.#length++] = DECISION
        this.#place(event)
        this.#shared(event.reviewId)
        this.#shared(event.state)
        this.#shared(event.by)
    }
  }

  /** What was collected; the writer starts anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#firstBytes = this.#length > BUSY_BYTES ? this.#length : FIRST_BYTES
    this.#bytes = Buffer.alloc(0)
    this.#length = 0
    this.#texts.clear()
    this.#columns.clear()
    return taken
  }

  #place({ atMs, number }: RecordingEvent): void {
    this.#number(microseconds(atMs))
    this.#number(number)
  }

  #command(event: CommandEvent): void {
    const { parameters, reviewId, reasons } = event
    this.#shared(event.text)
    this.#number(parameters.length)
    for (const parameter of parameters) this.#text(parameter)
    this.#shared(event.effect)
    this.#shared(event.outcome)
    this.#shared(event.tag)
    this.#shared(event.sqlstate)
    this.#number(event.rows)
    this.#number(microseconds(event.durationMs))
    this.#number(reviewId === undefined ? 0 : 1)
    if (reviewId !== undefined) this.#shared(reviewId)
    this.#number(reasons === undefined ? 0 : reasons.length)
    if (reasons !== undefined) for (const reason of reasons) this.#shared(reason)
  }

  #rows({ columns, omittedRows, bytes }: RowsEvent): void {
    const known = this.#columns.get(columns)
    if (known === undefined) {
      this.#columns.set(columns, this.#columns.size + 1)
      this.#number(0)
      this.#number(columns.length)
      for (const { name, typeOid, format } of columns) {
        this.#shared(name)
        this.#number(typeOid)
        this.#number(format)
      }
    } else this.#number(known)
    this.#number(omittedRows)
    this.#raw(bytes)
  }

  #shared(text: string): void {
    const known = this.#texts.get(text)
    if (known !== undefined) {
      this.#number(known)
      return
    }
    this.#texts.set(text, this.#texts.size + 1)
    this.#number(0)
    this.#text(text)
  }

  #text(text: string): void {
    const { length } = text
    this.#room(4 + (length < COUNTED_CHARACTERS_MIN ? length * 3 : Buffer.byteLength(text)))
    const written = this.#bytes.write(text, this.#length + 4, 'utf8')
    this.#bytes.writeInt32LE(written, this.#length)
    this.#length += 4 + written
  }

  #raw(bytes: Uint8Array): void {
    this.#room(4 + bytes.length)
    this.#bytes.writeInt32LE(bytes.length, this.#length)
    this.#bytes.set(bytes, this.#length + 4)
    this.#length += 4 + bytes.length
  }

  /** A whole number from 0 to 2^53 - 1; anything else counts as 0. */
  #number(value: number): void {
    this.#room(8)
    let rest = Number.isSafeInteger(value) && value > 0 ? value : 0
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#length++] = rest
  }

  #room(byteCount: number): void {
    const needed = this.#length + byteCount
    if (needed <= this.#bytes.length) return
    const wider = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2, this.#firstBytes))
    wider.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = wider
  }
}

const microseconds = (ms: number): number => Math.round(ms * 1_000)

/**
 * The events of a chunk, one by one.
 *
 * @throws WarderError `INTERNAL` where the bytes are no event.
 */
export function* readEvents(bytes: Buffer): Generator<RecordingEvent, void, undefined> {
  const reader = new EventReader(bytes)
  while (!reader.isAtEnd) yield reader.next()
}

class EventReader {
  readonly #bytes: Buffer
  #at = 0
  readonly #texts: string[] = []
  readonly #columns: (readonly RecordedColumn[])[] = []

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  next(): RecordingEvent {
    const kind = this.#number()
    const place = { atMs: this.#number() / 1_000, number: this.#number() }
    switch (kind) {
      case COMMAND:
        return this.#command(place)
      case ROWS: {
        const columns = this.#columnsOf()
        const omittedRows = this.#number()
        return { kind: 'rows', ...place, columns, omittedRows, bytes: this.#raw() }
      }
      case OUTPUT: {
        const omittedBytes = this.#number()
        return { kind: 'output', ...place, omittedBytes, bytes: this.#raw() }
      }
      case DECISION: {
        const [reviewId, state, by] = [this.#shared(), this.#shared(), this.#shared()]
        return { kind: 'decision', ...place, reviewId, state, by }
      }
      default:
        throw malformed()
    }
  }

  #command(place: { readonly atMs: number; readonly number: number }): CommandEvent {
    const text = this.#shared()
    const parameters = this.#many(() => this.#raw().toString('utf8'))
    const effect = oneOf(EFFECTS, this.#shared())
    const outcome = oneOf(RECORDED_OUTCOMES, this.#shared())
    const [tag, sqlstate] = [this.#shared(), this.#shared()]
    const [rows, durationMs] = [this.#number(), this.#number() / 1_000]
    const reviewId = this.#number() === 0 ? undefined : this.#shared()
    const reasons = this.#many(() => this.#shared())
    return {
      ...{ kind: 'command', ...place, text, parameters, effect, outcome, tag, sqlstate },
      ...{ rows, durationMs },
      ...(reviewId === undefined ? {} : { reviewId }),
      ...(reasons.length === 0 ? {} : { reasons }),
    }
  }

  #columnsOf(): readonly RecordedColumn[] {
    const number = this.#number()
    if (number > 0) return this.#columns[number - 1] ?? broken()
    const columns = this.#many((): RecordedColumn => {
      const [name, typeOid, format] = [this.#shared(), this.#number(), this.#number()]
      return { name, typeOid, format: format === 0 ? 0 : 1 }
    })
    this.#columns.push(columns)
    return columns
  }

  #shared(): string {
    const number = this.#number()
    if (number > 0) return this.#texts[number - 1] ?? broken()
    const text = this.#raw().toString('utf8')
    this.#texts.push(text)
    return text
  }

  /** Each item takes at least one byte, so that a count can't ask for more than is there. */
  #many<T>(read: () => T): T[] {
    const count = this.#number()
    if (count > this.#bytes.length - this.#at) throw malformed()
    return Array.from({ length: count }, read)
  }

  #raw(): Buffer {
    const start = this.#at + 4
    if (start > this.#bytes.length) throw malformed()
    const length = this.#bytes.readInt32LE(this.#at)
    if (length < 0 || length > this.#bytes.length - start) throw malformed()
    this.#at = start + length
    return this.#bytes.subarray(start, this.#at)
  }

  #number(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.#bytes[this.#at] ?? broken()
      this.#at += 1
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw malformed()
  }
}

function oneOf<T extends string>(known: readonly T[], text: string): T {
  return known.find((one) => one === text) ?? broken()
}

function broken(): never {
  throw malformed()
}

const malformed = (): WarderError =>
  new WarderError('INTERNAL', { why: 'a chunk of a recording holds what is no event' })
