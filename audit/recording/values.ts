// Recorded PostgreSQL rows as text that people can read: values in text format as they are, binary
// ones of the common types decoded, anything else in hex. Pure; what doesn't fit its type is hex.

import { isUtf8 } from 'node:buffer'
import { WarderError } from '../../core/errors.js'
import type { RecordedColumn } from '../../core/recording.js'

/** Type byte and Int32 length (manual, "Message Formats"). */
const HEADER_BYTES = 5
/** 'D' */
const DATA_ROW = 0x44

/** One row as text; NULL is null. */
export type TextRow = readonly (string | null)[]

/**
 * The rows of a recorded piece (see `RowsEvent.bytes` for its form).
 *
 * @throws WarderError `INTERNAL` where the bytes are no rows.
 */
export function* textRows(
  columns: readonly RecordedColumn[],
  bytes: Uint8Array,
): Generator<TextRow, void, undefined> {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < data.length;) {
    const end = at + 1 + lengthAt(data, at)
    if (end > data.length) throw malformed()
    yield rowOf(columns, data.subarray(at + HEADER_BYTES, end))
    at = end
  }
}

function rowOf(columns: readonly RecordedColumn[], body: Buffer): TextRow {
  if (body.length < 2) throw malformed()
  const count = body.readInt16BE(0)
  const values: (string | null)[] = []
  let at = 2
  for (let index = 0; index < count; index += 1) {
    if (at + 4 > body.length) throw malformed()
    const length = body.readInt32BE(at)
    at += 4
    if (length === -1) {
      values.push(null)
      continue
    }
    if (length < 0 || at + length > body.length) throw malformed()
    values.push(valueText(columns[index], body.subarray(at, at + length)))
    at += length
  }
  return values
}

/** The length that a message announces, which counts itself and not the type byte. */
function lengthAt(data: Buffer, at: number): number {
  if (at + HEADER_BYTES > data.length || data[at] !== DATA_ROW) throw malformed()
  const length = data.readInt32BE(at + 1)
  if (length < 6) throw malformed()
  return length
}

/** One value as text. */
export function valueText(column: RecordedColumn | undefined, value: Buffer): string {
  const format = column?.format ?? 0
  const decode = format === 0 ? textOf : (BINARY[column?.typeOid ?? 0] ?? hexOf)
  try {
    return decode(value)
  } catch {
    // Shorter than its type: reading beyond the end of a Buffer is a RangeError.
    return hexOf(value)
  }
}

/** Bytes as text where they are UTF-8, else as `bytea` in hex. */
export const textOf = (bytes: Uint8Array): string =>
  isUtf8(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    : hexOf(bytes)

const hexOf = (bytes: Uint8Array): string =>
  `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`

type Decode = (value: Buffer) => string

/** A value whose length is not the type's is not read as one. */
const fixed =
  (length: number, decode: Decode): Decode =>
  (value) =>
    value.length === length ? decode(value) : hexOf(value)

/** By type OID (pg_type.dat), as the types' send functions write them. */
const BINARY: Readonly<Record<number, Decode>> = {
  16: fixed(1, (value) => (value[0] === 0 ? 'f' : 't')),
  18: textOf,
  19: textOf,
  20: fixed(8, (value) => String(value.readBigInt64BE(0))),
  21: fixed(2, (value) => String(value.readInt16BE(0))),
  23: fixed(4, (value) => String(value.readInt32BE(0))),
  25: textOf,
  26: fixed(4, (value) => String(value.readUInt32BE(0))),
  114: textOf,
  142: textOf,
  700: fixed(4, (value) => String(value.readFloatBE(0))),
  701: fixed(8, (value) => String(value.readDoubleBE(0))),
  1042: textOf,
  1043: textOf,
  1082: fixed(4, (value) => dateText(value.readInt32BE(0))),
  1083: fixed(8, (value) => timeText(value.readBigInt64BE(0))),
  1114: fixed(8, (value) => timestampText(value.readBigInt64BE(0))),
  1184: fixed(8, (value) => timestampText(value.readBigInt64BE(0), '+00')),
  1700: numericText,
  2950: fixed(16, uuidText),
  // jsonb: a version byte, then the text.
  3802: (value) => (value[0] === 1 ? textOf(value.subarray(1)) : hexOf(value)),
}

/** Days and microseconds are counted from 2000-01-01. */
const EPOCH_MS = Date.UTC(2000, 0, 1)
const DAY_MS = 86_400_000
const DAY_US = 86_400_000_000n
const DAYS_MAX = 100_000_000

function dateText(days: number): string {
  if (days === 2 ** 31 - 1) return 'infinity'
  if (days === -(2 ** 31)) return '-infinity'
  // Beyond what Date can say; such dates are only in test data.
  if (Math.abs(days) > DAYS_MAX - 20_000) throw malformed()
  const date = new Date(EPOCH_MS + days * DAY_MS)
  const year = date.getUTCFullYear()
  const shown = String(year > 0 ? year : 1 - year).padStart(4, '0')
  return `${shown}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}${year > 0 ? '' : ' BC'}`
}

function timestampText(us: bigint, zone = ''): string {
  if (us === 2n ** 63n - 1n) return 'infinity'
  if (us === -(2n ** 63n)) return '-infinity'
  const time = ((us % DAY_US) + DAY_US) % DAY_US
  const [date = '', era] = dateText(Number((us - time) / DAY_US)).split(' ')
  return `${date} ${timeText(time)}${zone}${era === undefined ? '' : ` ${era}`}`
}

function timeText(us: bigint): string {
  const seconds = Number(us / 1_000_000n)
  const fraction = String(us % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const clock = `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return fraction === '' ? clock : `${clock}.${fraction}`
}

const two = (value: number): string => String(value).padStart(2, '0')

/** Int16 digit count, weight, sign, digits after the point; then digits of base 10,000 (numeric.c). */
function numericText(value: Buffer): string {
  const [count, weight, sign] = [value.readInt16BE(0), value.readInt16BE(2), value.readUInt16BE(4)]
  const scale = value.readInt16BE(6)
  const special = { 0xc000: 'NaN', 0xd000: 'Infinity', 0xf000: '-Infinity' }[sign]
  if (special !== undefined) return special
  if (value.length !== 8 + 2 * count || scale < 0) return hexOf(value)
  const digit = (place: number): string => {
    const index = weight - place
    const read = index >= 0 && index < count ? value.readInt16BE(8 + 2 * index) : 0
    return String(read).padStart(4, '0')
  }
  let whole = ''
  for (let place = Math.max(weight, 0); place >= 0; place -= 1) whole += digit(place)
  let rest = ''
  for (let place = -1; rest.length < scale; place -= 1) rest += digit(place)
  const text = whole.replace(/^0+(?=\d)/, '')
  return `${sign === 0x4000 ? '-' : ''}${text}${scale === 0 ? '' : `.${rest.slice(0, scale)}`}`
}

function uuidText(value: Buffer): string {
  const hex = value.toString('hex')
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)]
  return [...parts, hex.slice(20)].join('-')
}

const malformed = (): WarderError =>
  new WarderError('INTERNAL', { why: 'a recording holds rows that are none' })
