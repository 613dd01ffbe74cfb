// Rewrites the rows of one result: masked columns cell by cell, and what detectors find in the others.
// Stretches that nothing touches stay slices of where they came in. No object per row.

import type { ColumnMask } from '../../../policy/masking.js'
import { HEADER_BYTES, Outbox } from '../codec.js'
import { MalformedMessage, TARGET } from '../messages.js'
import { MessageEdits, NULL_LENGTH } from './edits.js'
import type { ResultField } from './plan.js'
import { readInt32, type Rewritten } from './rewritten.js'
import { isHidden, lookFor, mayHide, type Look, type Search } from './search.js'
import type { CellMask, Replacements } from './value.js'

/** How one result is masked. */
export interface RowMasking {
  /** As the target described them, in the formats that the rows come in. */
  readonly fields: readonly ResultField[]
  /** By column; undefined when none is masked. */
  readonly columns: readonly (ColumnMask | undefined)[] | undefined
  /** Set when unmasked columns are searched. */
  readonly search: Search | undefined
  readonly replacements: Replacements
  readonly rewritten: Rewritten
}

/** A column that is searched. */
interface Searched {
  readonly look: Look
  readonly typeOid: number
  readonly format: number
  /** Some of its values don’t show in the bytes. */
  readonly mayHide: boolean
}

/** Masks the rows of one result. NULL stays NULL, whatever the mask. */
export class RowMasker {
  readonly #masks: readonly (CellMask | undefined)[]
  readonly #searched: readonly (Searched | undefined)[]
  readonly #hasMasks: boolean
  readonly #mayHide: boolean
  readonly #search: Search | undefined
  /** What the masked columns came to, before it is known whether the rest has to be searched. */
  readonly #draft = new Outbox()
  readonly #edits: MessageEdits

  constructor({ fields, columns, search, replacements, rewritten }: RowMasking) {
    this.#masks = fields.map(({ typeOid, format }, index) => {
      const mask = columns?.[index]
      return mask && replacements.cell(mask, typeOid, format)
    })
    this.#searched = fields.map(({ typeOid, format }, index) => {
      const look = search && !this.#masks[index] ? lookFor(typeOid, format) : undefined
      return look && { look, typeOid, format, mayHide: mayHide(look) }
    })
    this.#hasMasks = this.#masks.some((mask) => mask !== undefined)
    this.#mayHide = this.#searched.some((column) => column?.mayHide === true)
    this.#search = this.#searched.some((column) => column !== undefined) ? search : undefined
    this.#edits = new MessageEdits(fields.length, true, replacements, rewritten)
  }

  /**
   * Takes a run of whole DataRow messages, headers included, and adds what may be seen of it to `out`.
   *
   * @throws MalformedMessage when a row is not as described, MessageTooLong when it gets too long; what
   *   `out` got before holds nothing that was to be masked.
   */
  rows(bytes: Buffer, start: number, end: number, out: Outbox): void {
    const search = this.#search
    if (search === undefined) {
      if (this.#hasMasks) this.#run(bytes, start, end, out, false)
      else out.slice(bytes, start, end)
      return
    }
    if (!this.#hasMasks) {
      const dirty = search.mayContain(bytes, start, end)
      if (dirty || this.#mayHide) this.#run(bytes, start, end, out, dirty)
      else out.slice(bytes, start, end)
      return
    }
    // The masked columns are what detectors would find most: they go first, then one pass tells.
    this.#draft.take(false)
    this.#run(bytes, start, end, this.#draft, false)
    const draft = this.#draft.take(false)
    if (draft === undefined) return
    if (search.mayContain(draft, 0, draft.length)) this.#run(bytes, start, end, out, true)
    else out.add(draft)
  }

  #run(bytes: Buffer, start: number, end: number, out: Outbox, searches: boolean): void {
    const edits = this.#edits
    edits.begin(bytes, start, end)
    let at = start
    while (at < end) {
      const rowEnd = at + 1 + (at + HEADER_BYTES <= end ? readInt32(bytes, at + 1) : 0)
      if (rowEnd < at + HEADER_BYTES || rowEnd > end || bytes[at] !== TARGET.dataRow) {
        throw new MalformedMessage('a run of rows holds something else')
      }
      this.#read(bytes, at, rowEnd, searches)
      if (edits.count > 0) edits.apply(at, rowEnd, out)
      at = rowEnd
    }
    edits.finish(end, out)
  }

  /**
   * DataRow: Int16 count, (Int32 length, bytes)*. Reads all of it before anything is written, and
   * notes which cells are replaced by what.
   */
  #read(bytes: Buffer, start: number, end: number, searches: boolean): void {
    const masks = this.#masks
    const fieldCount = masks.length
    let at = start + HEADER_BYTES
    if (at + 2 > end || (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)) !== fieldCount) {
      throw new MalformedMessage('a row has other columns than were described')
    }
    at += 2
    for (let index = 0; index < fieldCount; index += 1) {
      if (at + 4 > end) throw new MalformedMessage('a row is too short')
      const length = readInt32(bytes, at)
      at += 4
      if (length === NULL_LENGTH) continue
      if (length < 0 || length > end - at) {
        throw new MalformedMessage('a value is longer than its row')
      }
      const mask = masks[index] ?? this.#look(index, bytes, at, at + length, searches)
      if (mask !== undefined) this.#edits.add(at, at + length, mask)
      at += length
    }
    if (at !== end) throw new MalformedMessage('a row is longer than its values')
  }

  #look(
    index: number,
    bytes: Buffer,
    start: number,
    end: number,
    searches: boolean,
  ): Buffer | null | undefined {
    const column = this.#searched[index]
    if (column === undefined || this.#search === undefined) return undefined
    const { look } = column
    if (!searches && !(column.mayHide && isHidden(look, bytes, start, end))) return undefined
    return this.#search.value(look, column.typeOid, column.format, bytes, start, end)
  }
}
