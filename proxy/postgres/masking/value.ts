// What stands in for one masked value, valid for its type in text and in binary format. A value
// that a reader could take for a real one is never made up: where a type has no obviously unreal
// value, NULL stands in. Writes into buffers that are given; keeps nothing of a value.

import { createHmac } from 'node:crypto'

import type { ColumnMask } from '../../../policy/masking.js'
import { REDACTED } from '../../../policy/redact.js'
import { asText, asValue, isTextLike, TYPE } from './types.js'

/** What `last4` puts before the four characters; always four, so that no length shows. */
const STAR = 0x2a
const STARS_COUNT = 4
const SHOWN_CHARACTERS = 4
/** Of a shorter text the last four characters would be half. */
const HIDDEN_CHARACTERS_MAX = 8
/** Four characters of UTF-8. */
const LAST4_BYTES_MAX = STARS_COUNT + 16
const NIL_UUID = '00000000-0000-0000-0000-000000000000'
const UUID_BYTES = 16
const HASH_PREFIX = 'h:'
/** 64 bits, as in policy/redact.ts. */
const HASH_BYTES = 8
/** The longest form of a digest: a UUID in text, or a text within an element. */
const HASH_ROOM_BYTES = 64

/** The form in which a digest is a value of a type. */
type HashForm = 'text' | 'int8' | 'int8-text' | 'uuid' | 'uuid-text'

/** How the cells of one column are rewritten; made once per result. */
export interface CellMask {
  readonly how: 'constant' | 'last4' | 'hash'
  /** What is written under `constant`; null is NULL. */
  readonly constant: Buffer | null
  readonly form: HashForm
  /** What stands before and after a digest of form `text`. */
  readonly before: string
  readonly after: string
  /** The first byte of a value is the version of its format (jsonb in binary). */
  readonly versioned: boolean
  /** No replacement is longer. */
  readonly bytesMax: number
}

/**
 * Replacements of one gateway. A digest is HMAC-SHA-256 under its key, so it can't be guessed
 * without; equal values of a type stay equal, in either format and in every session. That is also
 * what it gives away: who may write rows and read them back can compare guesses.
 *
 * | type                                    | redact           | last4  | hash             | fixed       |
 * | --------------------------------------- | ---------------- | ------ | ---------------- | ----------- |
 * | text, varchar, char(n), name, refcursor | `[redacted]`     | `****` and four characters | `h:` and 16 hex digits | the text |
 * | json, jsonb                             | a JSON string    | redact | a JSON string    | a JSON string |
 * | xml                                     | `<masked>` element | redact | `<masked>` element | `<masked>` element |
 * | bytea                                   | the text’s bytes | redact | redact           | the text’s bytes |
 * | uuid                                    | nil              | redact | version 8 (RFC 9562 §5.8) | the UUID, or nil |
 * | int8                                    | NULL             | NULL   | 63 bits, positive | the number, or NULL |
 * | int2, int4, oid, numeric, floats, bool, date | NULL        | NULL   | NULL (too few values, or equal ones that differ in bytes) | the value, or NULL |
 * | all others, arrays and enums included   | NULL             | NULL   | NULL             | NULL        |
 *
 * `null` is NULL everywhere. Types of the database’s own (citext, hstore …) are among the others.
 */
export class Replacements {
  readonly #key: Uint8Array

  /** @param key At least 32 random bytes; who has it can test guesses against digests. */
  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** How a column of this type is rewritten in this format (0 text, 1 binary). */
  cell(mask: ColumnMask, typeOid: number, format: number): CellMask {
    const constant = constantOf(mask, typeOid, format)
    if (mask.how === 'last4' && isTextLike(typeOid)) return cellMask('last4', constant)
    if (mask.how !== 'hash') return cellMask('constant', constant)
    switch (typeOid) {
      case TYPE.int8:
        return cellMask('hash', constant, format === 1 ? 'int8' : 'int8-text')
      case TYPE.uuid:
        return cellMask('hash', constant, format === 1 ? 'uuid' : 'uuid-text')
      case TYPE.json:
        return cellMask('hash', constant, 'text', ['"', '"'])
      case TYPE.jsonb:
        return cellMask('hash', constant, 'text', format === 1 ? ['\x01"', '"'] : ['"', '"'])
      case TYPE.xml:
        return cellMask('hash', constant, 'text', ['<masked>', '</masked>'])
      default:
        return cellMask(isTextLike(typeOid) ? 'hash' : 'constant', constant)
    }
  }

  /**
   * Writes what stands in for the value `source[start, end)` to `target` at `at`, where
   * `mask.bytesMax` bytes must be free.
   *
   * @returns The number of bytes written, or -1 for NULL.
   */
  write(
    mask: CellMask,
    source: Uint8Array,
    start: number,
    end: number,
    target: Buffer,
    at: number,
  ): number {
    if (mask.how === 'hash') return this.#writeHash(mask, source, start, end, target, at)
    if (mask.how === 'last4') return writeLast4(source, start, end, target, at)
    const { constant } = mask
    if (constant === null) return -1
    // Replacements are short: a loop beats the call into the runtime.
    for (let index = 0; index < constant.length; index += 1)
      target[at + index] = constant[index] ?? 0
    return constant.length
  }

  /** What stands in for a text; `null` gives the text of `redact`, since a text can’t be NULL. */
  text(mask: ColumnMask, value: string): string {
    const source = Buffer.from(value, 'utf8')
    const textual = mask.how === 'null' ? { ...mask, how: 'redact' as const } : mask
    const cell = this.cell(textual, TYPE.text, 0)
    const target = Buffer.allocUnsafe(cell.bytesMax)
    return target.toString('utf8', 0, this.write(cell, source, 0, source.length, target, 0))
  }

  #writeHash(
    mask: CellMask,
    source: Uint8Array,
    start: number,
    end: number,
    target: Buffer,
    at: number,
  ): number {
    const value = source.subarray(mask.versioned ? start + 1 : start, end)
    switch (mask.form) {
      case 'text': {
        const hex = this.#digest(trimEnd(value)).toString('hex', 0, HASH_BYTES)
        return target.write(`${mask.before}${HASH_PREFIX}${hex}${mask.after}`, at, 'latin1')
      }
      case 'int8':
        this.#digest(value).copy(target, at, 0, 8)
        target[at] = (target[at] ?? 0) & 0x7f
        return 8
      case 'int8-text': {
        const number = Buffer.alloc(8)
        number.writeBigInt64BE(BigInt.asIntN(64, integerOf(value)))
        const digest = this.#digest(number).readBigUInt64BE()
        return target.write(BigInt.asUintN(63, digest).toString(), at, 'latin1')
      }
      case 'uuid':
        version8(this.#digest(value)).copy(target, at, 0, UUID_BYTES)
        return UUID_BYTES
      case 'uuid-text': {
        const bytes = Buffer.from(Buffer.from(value).toString('latin1').replaceAll('-', ''), 'hex')
        const hex = version8(this.#digest(bytes)).toString('hex', 0, UUID_BYTES)
        const text = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
        return target.write(text, at, 'latin1')
      }
    }
  }

  /** The keyed digest as policy/redact.ts wants it. */
  readonly keyedDigest = (bytes: Uint8Array): string => this.#digest(bytes).toString('hex')

  #digest(value: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(value).digest()
  }
}

function cellMask(
  how: CellMask['how'],
  constant: Buffer | null,
  form: HashForm = 'text',
  [before, after]: readonly [string, string] = ['', ''],
): CellMask {
  const bytesMax = Math.max(constant?.length ?? 0, LAST4_BYTES_MAX, HASH_ROOM_BYTES)
  return { how, constant, form, before, after, versioned: before.startsWith('\x01'), bytesMax }
}

/** What stands in for every value of a column. */
function constantOf(mask: ColumnMask, typeOid: number, format: number): Buffer | null {
  if (mask.how === 'null') return null
  if (mask.how === 'fixed') {
    const text = mask.fixed ?? REDACTED
    const fixed = asText(text, typeOid, format) ?? asValue(text, typeOid, format)
    if (fixed !== undefined) return fixed
  }
  if (typeOid === TYPE.uuid) return asValue(NIL_UUID, typeOid, format) ?? null
  return asText(REDACTED, typeOid, format) ?? null
}

/** Four stars, and the last four characters unless the text is too short to show them. */
function writeLast4(
  source: Uint8Array,
  start: number,
  end: number,
  target: Buffer,
  at: number,
): number {
  let close = end
  // char(n) is padded with blanks, which say nothing.
  while (close > start && source[close - 1] === 0x20) close -= 1
  let from = close
  let open = close
  for (let count = 1; count <= HIDDEN_CHARACTERS_MAX + 1; count += 1) {
    if (open <= start) {
      from = close
      break
    }
    open = characterBefore(source, start, open)
    if (count === SHOWN_CHARACTERS) from = open
  }
  let written = at
  while (written < at + STARS_COUNT) target[written++] = STAR
  for (let index = from; index < close; index += 1) target[written++] = source[index] ?? 0
  return written - at
}

/** Where the UTF-8 character begins that ends before `end`; never more than four bytes back. */
function characterBefore(source: Uint8Array, start: number, end: number): number {
  let at = end - 1
  const lowest = Math.max(start, end - 4)
  while (at > lowest && ((source[at] ?? 0) & 0xc0) === 0x80) at -= 1
  return at
}

/** Without the blanks of char(n), which does not count them when it compares. */
function trimEnd(value: Uint8Array): Uint8Array {
  let end = value.length
  while (end > 0 && value[end - 1] === 0x20) end -= 1
  return value.subarray(0, end)
}

/** An integer in text format; what is none of 64 bits counts as its bytes do. */
function integerOf(value: Uint8Array): bigint {
  const text = Buffer.from(value).toString('latin1')
  return /^-?\d{1,20}$/.test(text)
    ? BigInt(text)
    : BigInt(`0x0${Buffer.from(text).toString('hex')}`)
}

function version8(digest: Buffer): Buffer {
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80
  return digest
}
