// Rewrites what COPY … TO STDOUT sends: masked columns by their position, and what detectors find in
// the other fields. What can't be taken apart as it was judged is withheld.

import { WarderError } from '../../../core/errors.js'
import type { ColumnMask } from '../../../policy/masking.js'
import { LIMITS } from '../../limits.js'
import { HEADER_BYTES, MessageTooLong, Outbox } from '../codec.js'
import { MalformedMessage, message, TARGET } from '../messages.js'
import type { CopyForm } from '../sql/lineage.js'
import { CSV_SYNTAX, type CopySyntax, FieldPlaces, TEXT_SYNTAX } from './copy-fields.js'
import { MessageEdits } from './edits.js'
import type { CopyHead } from './plan.js'
import { readInt32, type Rewritten } from './rewritten.js'
import type { Finding, Search } from './search.js'
import { TYPE } from './types.js'
import type { CellMask, Replacements } from './value.js'

/** How one COPY is masked. */
export interface CopyMasking {
  readonly form: CopyForm
  readonly head: CopyHead
  /** By position; undefined when none is masked. */
  readonly columns: readonly (ColumnMask | undefined)[] | undefined
  /** The columns' names, by which a first line is known to be a header. */
  readonly names?: readonly (string | undefined)[] | undefined
  /** Set when unmasked fields are searched. */
  readonly search: Search | undefined
  /** Columns that are not searched, by position. */
  readonly settled?: readonly boolean[] | undefined
  readonly replacements: Replacements
  readonly rewritten: Rewritten
}

const withheld = (why: string) => new WarderError('RESULT_WITHHELD', { why })

/** A masked column; `constant` is the field that always stands in. */
interface MaskedField {
  readonly cell: CellMask
  readonly constant: Buffer | undefined
}

/**
 * Masks the data of one COPY. Its types are not known: every replacement is that of a text, NULL stays
 * NULL. Data comes and goes as whole lines, one in each message as servers send them; lines that
 * come in pieces are put together.
 */
export class CopyMasker {
  readonly #syntax: CopySyntax
  readonly #fieldCount: number
  readonly #masks: readonly (MaskedField | undefined)[]
  readonly #names: readonly (string | undefined)[]
  readonly #search: Search | undefined
  readonly #settled: readonly boolean[]
  /** Searches what this one has masked: detectors would find most in the masked columns. */
  readonly #second: CopyMasker | undefined
  readonly #draft = new Outbox()
  readonly #replacements: Replacements
  readonly #edits: MessageEdits
  readonly #places: FieldPlaces
  /** A line whose end has not come. */
  #rest: Buffer[] = []
  #restBytes = 0
  #atFirstLine = true

  /** @throws WarderError `RESULT_WITHHELD` when data of this form can't be taken apart */
  constructor(masking: CopyMasking) {
    const { form, head, columns, names, search, settled, replacements, rewritten } = masking
    if (form === 'other' || head.binary) throw withheld('its form can’t be masked')
    this.#syntax = form === 'csv' ? CSV_SYNTAX : TEXT_SYNTAX
    this.#fieldCount = head.columnCount
    this.#masks = Array.from({ length: head.columnCount }, (_, index) => {
      const mask = columns?.[index]
      if (mask === undefined) return undefined
      const cell = replacements.cell(mask, TYPE.text, 0)
      const constant = cell.how === 'constant' ? this.#syntax.encode(cell.constant) : undefined
      return { cell, constant }
    })
    this.#names = names ?? []
    const isMasked = this.#masks.map((mask) => mask !== undefined)
    const isTwice = search !== undefined && isMasked.includes(true)
    this.#second = isTwice
      ? new CopyMasker({ ...masking, columns: undefined, settled: isMasked })
      : undefined
    this.#search = isTwice ? undefined : search
    this.#settled = settled ?? []
    this.#replacements = replacements
    this.#edits = new MessageEdits(head.columnCount, false, replacements, rewritten)
    this.#places = new FieldPlaces(head.columnCount)
  }

  /**
   * Takes a run of whole CopyData messages, headers included, and adds whole lines to `out`.
   *
   * @throws MalformedMessage, MessageTooLong, WarderError `RESULT_WITHHELD` when a line has other
   *   fields than were judged
   */
  data(bytes: Buffer, start: number, end: number, out: Outbox): void {
    if (this.#second === undefined) this.#lines(bytes, start, end, out)
    else {
      this.#lines(bytes, start, end, this.#draft)
      this.#searchDraft(this.#second, out)
    }
  }

  #searchDraft(second: CopyMasker, out: Outbox): void {
    const draft = this.#draft.take(false)
    if (draft !== undefined) second.data(draft, 0, draft.length, out)
  }

  #lines(bytes: Buffer, start: number, end: number, out: Outbox): void {
    const searches = this.#search?.mayContain(bytes, start, end) === true
    let at = start
    /** Whole lines from here on are one run. */
    let from = start
    this.#edits.begin(bytes, start, end)
    while (at < end) {
      const next = at + 1 + (at + HEADER_BYTES <= end ? readInt32(bytes, at + 1) : 0)
      if (next < at + HEADER_BYTES || next > end || bytes[at] !== TARGET.copyData) {
        throw new MalformedMessage('a run of copy data holds something else')
      }
      if (this.#restBytes === 0 && this.#line(bytes, at, next, searches)) {
        this.#edits.apply(at, next, out)
      } else {
        if (at > from) this.#edits.finish(at, out)
        this.#join(bytes, at + HEADER_BYTES, next, out)
        from = next
        this.#edits.begin(bytes, next, end)
      }
      at = next
    }
    if (end > from) this.#edits.finish(end, out)
  }

  /** The data is complete: a last line without an end gets one. To be called before CopyDone passes. */
  done(out: Outbox): void {
    if (this.#restBytes === 0) return
    this.#join(Buffer.from('\n', 'latin1'), 0, 1, this.#second === undefined ? out : this.#draft)
    if (this.#restBytes > 0) throw withheld('its last line is not complete')
    if (this.#second !== undefined) this.#searchDraft(this.#second, out)
  }

  /**
   * Reads the message `[start, end)` and notes what is replaced in it; false when it is not exactly
   * one line.
   */
  #line(bytes: Buffer, start: number, end: number, searches: boolean): boolean {
    const bodyStart = start + HEADER_BYTES
    if (end - bodyStart > LIMITS.maskedRowBytesMax) throw tooLong()
    const places = this.#places
    const lineEnd = this.#syntax.fields(bytes, bodyStart, end, places)
    if (lineEnd !== end - 1) return false
    // A line of no columns is empty, which looks like one empty field.
    if (places.count !== Math.max(this.#fieldCount, 1)) {
      throw withheld('a line has other fields than were judged')
    }
    const isFirst = this.#atFirstLine
    this.#atFirstLine = false
    const findings = searches ? (this.#search?.find(bytes, bodyStart, lineEnd) ?? []) : []
    for (let index = 0; index < this.#fieldCount; index += 1) {
      const fieldStart = places.starts[index] ?? 0
      const fieldEnd = places.ends[index] ?? 0
      const mask = this.#masks[index]
      let by: Buffer | undefined
      if (mask !== undefined) by = this.#masked(index, mask, bytes, fieldStart, fieldEnd, isFirst)
      else if (this.#isSearched(index, searches)) {
        const touching = findings.filter((one) => one.start < fieldEnd && one.end > fieldStart)
        by = this.#searched(touching, bytes, fieldStart, fieldEnd)
      }
      if (by !== undefined) this.#edits.add(fieldStart, fieldEnd, by)
    }
    return true
  }

  #isSearched(index: number, searches: boolean): boolean {
    if (this.#search === undefined || this.#settled[index] === true) return false
    return searches || this.#places.escaped[index] === 1
  }

  #masked(
    index: number,
    { cell, constant }: MaskedField,
    bytes: Buffer,
    start: number,
    end: number,
    isFirst: boolean,
  ): Buffer | undefined {
    if (isFirst && this.#isName(index, bytes, start, end)) return undefined
    if (this.#syntax.isNull(bytes, start, end)) return undefined
    if (constant !== undefined) return constant
    return this.#replaced(cell, this.#syntax.decode(bytes, start, end))
  }

  /** A value that is the name of its column gives nothing away, header or not. */
  #isName(index: number, bytes: Buffer, start: number, end: number): boolean {
    const name = this.#names[index]
    return name !== undefined && this.#syntax.decode(bytes, start, end).toString('utf8') === name
  }

  #replaced(cell: CellMask, value: Buffer): Buffer {
    const target = Buffer.allocUnsafe(cell.bytesMax)
    const length = this.#replacements.write(cell, value, 0, value.length, target, 0)
    return this.#syntax.encode(length < 0 ? null : target.subarray(0, length))
  }

  /**
   * Searches a field by what it means. What was found in the line as it is written, but not there, or
   * reaches into other fields, takes the whole field with it.
   */
  #searched(
    touching: readonly Finding[],
    bytes: Buffer,
    start: number,
    end: number,
  ): Buffer | undefined {
    if (this.#syntax.isNull(bytes, start, end)) return undefined
    const value = this.#syntax.decode(bytes, start, end)
    const left = this.#search?.text(value, 0, value.length)
    const first = touching[0]
    const across = touching.some((one) => one.start < start || one.end > end)
    if (first !== undefined && (left === undefined || across)) {
      return this.#replaced(this.#replacements.cell(first.mask, TYPE.text, 0), value)
    }
    return left === undefined ? undefined : this.#syntax.encode(left)
  }

  /** Puts lines together from pieces, each into a message of its own. */
  #join(bytes: Buffer, start: number, end: number, out: Outbox): void {
    // The piece outlives the chunk it came in.
    this.#rest.push(Buffer.from(bytes.subarray(start, end)))
    this.#restBytes += end - start
    if (this.#restBytes > LIMITS.maskedRowBytesMax) throw tooLong()
    if (bytes.subarray(start, end).indexOf(0x0a) < 0) return
    const whole = Buffer.concat(this.#rest)
    const lines: Buffer[] = []
    let at = 0
    while (at < whole.length) {
      const lineEnd = this.#syntax.fields(whole, at, whole.length, this.#places)
      if (lineEnd < 0) break
      lines.push(message(TARGET.copyData, whole.subarray(at, lineEnd + 1)))
      at = lineEnd + 1
    }
    this.#rest = at < whole.length ? [whole.subarray(at)] : []
    this.#restBytes = 0
    const run = Buffer.concat(lines)
    this.#lines(run, 0, run.length, out)
    this.#restBytes = whole.length - at
  }
}

const tooLong = () => new MessageTooLong('a line of a copy is longer than the limit')
