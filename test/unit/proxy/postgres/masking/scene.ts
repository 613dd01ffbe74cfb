// Results, masks and detectors for the tests of this folder.

import { Outbox } from '../../../../../proxy/postgres/codec.js'
import { message } from '../../../../../proxy/postgres/messages.js'
import type { ResultField } from '../../../../../proxy/postgres/masking/plan.js'
import { Rewritten } from '../../../../../proxy/postgres/masking/rewritten.js'
import { RowMasker } from '../../../../../proxy/postgres/masking/rows.js'
import { Search } from '../../../../../proxy/postgres/masking/search.js'
import { Replacements } from '../../../../../proxy/postgres/masking/value.js'
import type { Findings } from '../../../../../policy/detect/findings.js'
import type { ColumnMask, DetectMask, Masking, MaskMethod } from '../../../../../policy/masking.js'

export const TEXT = 25
export const replacements = new Replacements(Buffer.alloc(32, 7))

export const mask = (how: MaskMethod, fixed?: string): ColumnMask => ({
  label: 'mask 1',
  how,
  fixed,
})

/** Masks columns by `schema.table.column`. */
export function maskingOf(columns: Readonly<Record<string, ColumnMask>>): Masking {
  return {
    hasColumns: Object.keys(columns).length > 0,
    detect: [],
    columnMask: (relation, column) =>
      column === '*'
        ? Object.entries(columns).find(([name]) => name.startsWith(`${relation}.`))?.[1]
        : columns[`${relation}.${column}`],
  }
}

/** Finds `secret-` with four digits, and sixteen digits in a row. */
export class TestDetection {
  readonly masks: readonly DetectMask[]
  /** Values that were searched. */
  calls = 0

  constructor(by: ColumnMask) {
    this.masks = [{ ...by, detectors: [], patterns: [] }]
  }

  mayContain(bytes: Uint8Array, start: number, end: number): boolean {
    return placesOf(bytes, start, end).length > 0
  }

  find(bytes: Uint8Array, start: number, end: number, findings: Findings): number {
    this.calls += 1
    findings.clear()
    for (const [from, to] of placesOf(bytes, start, end)) findings.add(from, to, 0)
    return findings.count
  }
}

function placesOf(bytes: Uint8Array, start: number, end: number): [number, number][] {
  const text = Buffer.from(bytes.subarray(start, end)).toString('latin1')
  return [...text.matchAll(/secret-\d{4}|\d{16}/g)].map(({ index, 0: found }) => [
    start + index,
    start + index + found.length,
  ])
}

export const searchOf = (how: MaskMethod = 'redact'): Search =>
  new Search(new TestDetection(mask(how, 'X')), replacements)

export const field = (typeOid: number, format: 0 | 1 = 0): ResultField => ({
  name: 'c',
  tableOid: 0,
  attnum: 0,
  typeOid,
  format,
})

export type Cell = string | Buffer | null

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** The body of a DataRow, from its meaning. */
export function rowBody(cells: readonly Cell[]): Buffer {
  const parts = cells.flatMap((cell) => {
    if (cell === null) return [int32(-1)]
    const bytes = Buffer.from(cell)
    return [int32(bytes.length), bytes]
  })
  return Buffer.concat([int32(cells.length).subarray(2), ...parts])
}

export const row = (cells: readonly Cell[]): Buffer => message(0x44, rowBody(cells))

/** Cuts a stream into messages; fails on a length that does not fit. */
export function messagesOf(bytes: Buffer): { type: number; body: Buffer }[] {
  const messages: { type: number; body: Buffer }[] = []
  let at = 0
  while (at < bytes.length) {
    const next = at + 1 + bytes.readUInt32BE(at + 1)
    if (next > bytes.length) throw new Error('a message is longer than the stream')
    messages.push({ type: bytes[at] ?? 0, body: bytes.subarray(at + 5, next) })
    at = next
  }
  return messages
}

/** The cells of each row of a stream, as text. */
export const rowsOf = (bytes: Buffer): (string | null)[][] =>
  messagesOf(bytes).map(({ body }) => {
    let at = 2
    const cells = Array.from({ length: body.readUInt16BE(0) }, () => {
      const length = body.readInt32BE(at)
      at += 4
      if (length === -1) return null
      at += length
      return body.toString('utf8', at - length, at)
    })
    if (at !== body.length) throw new Error('a row is longer than its cells')
    return cells
  })

/** A masker for columns of the given types. */
export const maskerOf = (
  fields: readonly ResultField[],
  columns: readonly (ColumnMask | undefined)[] | undefined,
  search?: Search,
): RowMasker => new RowMasker({ fields, columns, search, replacements, rewritten: new Rewritten() })

/** What a masker makes of a run of rows, none of which may be written to. */
export function masked(masker: RowMasker, run: Buffer): Buffer {
  const before = Buffer.from(run)
  const out = new Outbox()
  masker.rows(run, 0, run.length, out)
  const bytes = out.take(true) ?? Buffer.alloc(0)
  if (!run.equals(before)) throw new Error('the source was written to')
  return bytes
}
