// Looks for what detectors find inside single values, by what their types can hold, and makes what
// stands in for them. The second net under the masked columns: an aid, not a boundary.

import type { Detection } from '../../../policy/detect/detection.js'
import { Findings } from '../../../policy/detect/findings.js'
import type { ColumnMask } from '../../../policy/masking.js'
import { FIRST_OWN_OID, isTextLike, TYPE } from './types.js'
import type { CellMask, Replacements } from './value.js'

/**
 * How a column's values are searched. `text`, `json` and `jsonb` lose what was found and keep the rest;
 * of the others nothing is kept but their type's replacement. `int8` and `numeric` are numbers in
 * binary, which look like no text: their digits are written out. `array` and `record` are binary
 * values of parts, each with its length.
 */
export type Look = 'text' | 'json' | 'jsonb' | 'whole' | 'int8' | 'numeric' | 'array' | 'record'

const ARRAYS: ReadonlySet<number> = new Set([
  TYPE.textArray,
  TYPE.varcharArray,
  TYPE.bpcharArray,
  TYPE.nameArray,
  TYPE.cstringArray,
  TYPE.jsonArray,
  TYPE.jsonbArray,
  TYPE.xmlArray,
])

/**
 * How the values of a type are searched in a format (0 text, 1 binary), or undefined when they are
 * not: bool, int2, int4, floats, money, dates and times, uuid, bit, network and geometric types hold nothing
 * that a detector knows, and bytea, ranges and arrays of numbers are not opened. Types of the
 * database’s own are searched as bytes.
 */
export function lookFor(typeOid: number, format: number): Look | undefined {
  if (isTextLike(typeOid)) return 'text'
  if (typeOid >= FIRST_OWN_OID) return 'whole'
  if (ARRAYS.has(typeOid)) return format === 1 ? 'array' : 'whole'
  switch (typeOid) {
    case TYPE.json:
      return 'json'
    case TYPE.jsonb:
      return format === 1 ? 'jsonb' : 'json'
    case TYPE.int8:
      return format === 1 ? 'int8' : 'whole'
    case TYPE.numeric:
      return format === 1 ? 'numeric' : 'whole'
    case TYPE.record:
      return format === 1 ? 'record' : 'whole'
    case TYPE.xml:
    case TYPE.tsvector:
    case TYPE.tsquery:
    case TYPE.recordArray:
      return 'whole'
    default:
      return undefined
  }
}

const BACKSLASH = 0x5c
/** Longer JSON is not put together again, which would stall other sessions. */
const JSON_BYTES_MAX = 1_048_576
/** 10^12: shorter numbers are no cards and no accounts. */
const LONG_INT8_HIGH_MIN = 232
/** Weight of a numeric of thirteen digits, and one beyond all that is looked for. */
const NUMERIC_WEIGHT_MIN = 3
const NUMERIC_WEIGHT_MAX = 9

/**
 * True when a value may hold what doesn’t show in its bytes, so that no pass over many values at once
 * can clear it: numbers in binary, JSON with escapes.
 */
export function isHidden(look: Look, bytes: Buffer, start: number, end: number): boolean {
  if (look === 'int8' || look === 'numeric') return true
  return (look === 'json' || look === 'jsonb') && includesByte(bytes, start, end, BACKSLASH)
}

/** True for looks of which some values are hidden. */
export const mayHide = (look: Look): boolean =>
  look === 'int8' || look === 'numeric' || look === 'json' || look === 'jsonb'

const includesByte = (bytes: Buffer, start: number, end: number, byte: number): boolean =>
  bytes.subarray(start, end).includes(byte)

/** A value that was found. */
export interface Finding {
  readonly start: number
  /** Offset behind its last byte. */
  readonly end: number
  readonly mask: ColumnMask
}

const NOTHING: readonly Finding[] = []

const SHORT_CHARACTERS_MAX = 1_024
/** Room for three bytes per UTF-16 unit. */
const SHORT_TEXT = Buffer.allocUnsafe(3 * SHORT_CHARACTERS_MAX)

/** Searches values and replaces what it finds. */
export class Search {
  readonly #detection: Pick<Detection, 'masks' | 'mayContain' | 'find'>
  readonly #findings = new Findings()
  readonly #replacements: Replacements
  /** What stands in for a finding within a text, by its mask. */
  readonly #inText = new Map<ColumnMask, CellMask>()

  constructor(
    detection: Pick<Detection, 'masks' | 'mayContain' | 'find'>,
    replacements: Replacements,
  ) {
    this.#detection = detection
    this.#replacements = replacements
  }

  /**
   * False only when no value among these messages of rows or of COPY data holds anything, as far as
   * that shows in the bytes: see `isHidden`.
   */
  mayContain(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#detection.mayContain(bytes, start, end)
  }

  /**
   * What stands in for the value `bytes[start, end)`: undefined when nothing was found, null for NULL.
   */
  value(
    look: Look,
    typeOid: number,
    format: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): Buffer | null | undefined {
    switch (look) {
      case 'text':
        return this.text(bytes, start, end)
      case 'json':
        return this.#json(typeOid, format, bytes, start, start, end)
      case 'jsonb':
        return this.#json(typeOid, format, bytes, Math.min(start + 1, end), start, end)
      default: {
        const mask = this.#firstMask(look, bytes, start, end)
        return mask && this.#whole(mask, typeOid, format, bytes, start, end)
      }
    }
  }

  /** As `value`, for a text. A finding whose mask is `null` makes it NULL. */
  text(bytes: Buffer, start: number, end: number): Buffer | null | undefined {
    const findings = this.find(bytes, start, end)
    return findings.length === 0 ? undefined : this.#replaced(findings, bytes, start, end)
  }

  /** A text that can’t be NULL, with what was found in it replaced. */
  inText(text: string): string {
    // Short texts, which nearly all are, go into the same bytes again and again.
    const isShort = text.length <= SHORT_CHARACTERS_MAX
    const length = isShort ? SHORT_TEXT.write(text, 'utf8') : 0
    if (isShort && !this.mayContain(SHORT_TEXT, 0, length)) return text
    const bytes = Buffer.from(text, 'utf8')
    const findings = this.find(bytes, 0, bytes.length)
    if (findings.length === 0) return text
    const parts: string[] = []
    let at = 0
    for (const { start, end, mask } of findings) {
      parts.push(bytes.toString('utf8', at, start))
      parts.push(this.#replacements.text(mask, bytes.toString('utf8', start, end)))
      at = end
    }
    return parts.join('') + bytes.toString('utf8', at)
  }

  /** Everything found in `bytes[start, end)`, in order. */
  find(bytes: Buffer, start: number, end: number): readonly Finding[] {
    const found = this.#findings
    const count = this.#detection.find(bytes, start, end, found)
    if (count === 0) return NOTHING
    const findings: Finding[] = []
    for (let index = 0; index < count; index += 1) {
      const mask = this.#detection.masks[found.masks[index] ?? 0]
      if (mask === undefined) continue
      findings.push({ start: found.starts[index] ?? start, end: found.ends[index] ?? end, mask })
    }
    return findings
  }

  #replaced(
    findings: readonly Finding[],
    bytes: Buffer,
    start: number,
    end: number,
  ): Buffer | null {
    if (findings.some(({ mask }) => mask.how === 'null')) return null
    const cells = findings.map(({ mask }) => this.#cellInText(mask))
    const room = cells.reduce((sum, { bytesMax }) => sum + bytesMax, end - start)
    const target = Buffer.allocUnsafe(room)
    let [from, at] = [start, 0]
    for (const [index, finding] of findings.entries()) {
      at += bytes.copy(target, at, from, finding.start)
      const cell = cells[index]
      if (cell === undefined) continue
      at += this.#replacements.write(cell, bytes, finding.start, finding.end, target, at)
      from = finding.end
    }
    at += bytes.copy(target, at, from, end)
    return target.subarray(0, at)
  }

  #cellInText(mask: ColumnMask): CellMask {
    let cell = this.#inText.get(mask)
    if (cell === undefined) {
      cell = this.#replacements.cell(mask, TYPE.text, 0)
      this.#inText.set(mask, cell)
    }
    return cell
  }

  #whole(
    mask: ColumnMask,
    typeOid: number,
    format: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): Buffer | null {
    const cell = this.#replacements.cell(mask, typeOid, format)
    const target = Buffer.allocUnsafe(cell.bytesMax)
    const length = this.#replacements.write(cell, bytes, start, end, target, 0)
    return length < 0 ? null : target.subarray(0, length)
  }

  /**
   * What was found goes from within the strings; where the rest would be no JSON then (a number, a
   * finding across strings), or escapes hid something, the whole value goes.
   */
  #json(
    typeOid: number,
    format: number,
    bytes: Buffer,
    from: number,
    start: number,
    end: number,
  ): Buffer | null | undefined {
    const findings = this.find(bytes, from, end)
    const hasEscapes = includesByte(bytes, from, end, BACKSLASH)
    const first = findings[0] ?? (hasEscapes ? this.#findUnescaped(bytes, from, end)[0] : undefined)
    if (first === undefined) return undefined
    if (findings.length > 0 && end - start <= JSON_BYTES_MAX) {
      const rest = this.#replaced(findings, bytes, from, end)
      if (rest === null) return null
      const isClean = !hasEscapes || this.#findUnescaped(rest, 0, rest.length).length === 0
      if (isClean && isJson(rest)) return Buffer.concat([bytes.subarray(start, from), rest])
    }
    return this.#whole(first.mask, typeOid, format, bytes, start, end)
  }

  #findUnescaped(bytes: Buffer, start: number, end: number): readonly Finding[] {
    const text = bytes.toString('utf8', start, end)
    const unescaped = Buffer.from(text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, unescapeJson))
    return this.find(unescaped, 0, unescaped.length)
  }

  #firstMask(look: Look, bytes: Buffer, start: number, end: number): ColumnMask | undefined {
    switch (look) {
      case 'int8':
        return this.#maskOfDigits(int8Digits(bytes, start, end))
      case 'numeric':
        return this.#maskOfDigits(numericDigits(bytes, start, end))
      case 'array':
        return this.#maskOfParts(bytes, arrayParts(bytes, start, end), 0, end)
      case 'record':
        return this.#maskOfParts(bytes, start + 4, 4, end)
      default:
        return this.find(bytes, start, end)[0]?.mask
    }
  }

  #maskOfDigits(digits: string): ColumnMask | undefined {
    if (digits === '') return undefined
    const text = Buffer.from(digits, 'latin1')
    return this.find(text, 0, text.length)[0]?.mask
  }

  /** Parts from `first` on: `before` bytes of something else, Int32 length, bytes. */
  #maskOfParts(bytes: Buffer, first: number, before: number, end: number): ColumnMask | undefined {
    let at = first
    while (at + before + 4 <= end) {
      const length = Math.max(0, bytes.readInt32BE(at + before))
      const start = at + before + 4
      at = Math.min(end, start + length)
      const found = this.find(bytes, start, at)[0]
      if (found !== undefined) return found.mask
    }
    return undefined
  }
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

const unescapeJson = (_: string, code: string | undefined, letter: string | undefined): string =>
  code === undefined
    ? (ESCAPES[letter ?? ''] ?? letter ?? '')
    : String.fromCharCode(Number.parseInt(code, 16))

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'))
    return true
  } catch {
    return false
  }
}

/** The digits of a positive int8 in binary, or none when they are too few to matter. */
function int8Digits(bytes: Buffer, start: number, end: number): string {
  if (end - start !== 8 || bytes.readInt32BE(start) < LONG_INT8_HIGH_MIN) return ''
  return bytes.readBigInt64BE(start).toString()
}

/** The digits before the point of a numeric in binary (types.ts), or none when too few or too many. */
function numericDigits(bytes: Buffer, start: number, end: number): string {
  if (end - start < 8) return ''
  const count = Math.min(bytes.readUInt16BE(start), (end - start - 8) >>> 1)
  const weight = bytes.readInt16BE(start + 2)
  if (weight < NUMERIC_WEIGHT_MIN || weight > NUMERIC_WEIGHT_MAX) return ''
  let digits = ''
  for (let index = 0; index <= weight; index += 1) {
    const digit = index < count ? bytes.readUInt16BE(start + 8 + 2 * index) : 0
    digits += index === 0 ? String(digit) : String(digit).padStart(4, '0')
  }
  return digits
}

/** Where the elements of an array in binary begin: Int32 dimensions, flags, OID; two Int32 each. */
function arrayParts(bytes: Buffer, start: number, end: number): number {
  if (end - start < 12) return end
  return Math.min(end, start + 12 + 8 * Math.min(6, bytes.readUInt32BE(start)))
}
