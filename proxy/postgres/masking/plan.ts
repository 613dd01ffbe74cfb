// Decides for one result which of its columns are masked, or that it must not be shown: from what
// the target says about the columns and from what the statement was judged to read. No values.

import { MASK_METHODS, type ColumnMask, type Masking } from '../../../policy/masking.js'
import { MalformedMessage } from '../messages.js'
import type { ColumnSource, Lineage, StatementLineage } from '../sql/lineage.js'

/** One column of a result, as RowDescription tells it. */
export interface ResultField {
  readonly name: string
  /** pg_class.oid of the relation it is a column of; 0 when it is none's. */
  readonly tableOid: number
  /** pg_attribute.attnum; 0 with a table OID is the whole row, below 0 a system column. */
  readonly attnum: number
  /** pg_type.oid; a domain comes as its base type. */
  readonly typeOid: number
  /** 0 text, 1 binary. */
  readonly format: number
}

/** What becomes of a result's rows. */
export type ResultPlan =
  | { readonly kind: 'clear' }
  | { readonly kind: 'withheld'; readonly why: string }
  | { readonly kind: 'masked'; readonly columns: readonly (ColumnMask | undefined)[] }

const CLEAR: ResultPlan = { kind: 'clear' }
const FIELD_BYTES = 18

const withheld = (why: string): ResultPlan => ({ kind: 'withheld', why })

/**
 * RowDescription: Int16 count, (String name, Int32 table OID, Int16 attnum, Int32 type OID, Int16
 * size, Int32 modifier, Int16 format)*. `[start, end)` is the body.
 *
 * @throws MalformedMessage
 */
export function readRowDescription(bytes: Buffer, start: number, end: number): ResultField[] {
  if (start + 2 > end) throw new MalformedMessage('a row description is too short')
  const count = bytes.readUInt16BE(start)
  const fields: ResultField[] = []
  let at = start + 2
  for (let index = 0; index < count; index += 1) {
    const close = bytes.indexOf(0, at)
    if (close < 0 || close + 1 + FIELD_BYTES > end) {
      throw new MalformedMessage('a row description is too short')
    }
    const format = bytes.readUInt16BE(close + 17)
    if (format > 1) throw new MalformedMessage('a format is neither 0 nor 1')
    fields.push({
      name: bytes.toString('utf8', at, close),
      tableOid: bytes.readUInt32BE(close + 1),
      attnum: bytes.readInt16BE(close + 5),
      typeOid: bytes.readUInt32BE(close + 7),
      format,
    })
    at = close + 1 + FIELD_BYTES
  }
  if (at !== end) throw new MalformedMessage('a row description is longer than its fields')
  return fields
}

const strictness = ({ how }: ColumnMask): number => MASK_METHODS.indexOf(how)

/** What masks a value that comes from these columns, or undefined when none of them is masked. */
function maskOf(sources: readonly ColumnSource[], masking: Masking): ColumnMask | undefined {
  let strictest: ColumnMask | undefined
  for (const { relation, column, exact } of sources) {
    const found = masking.columnMask(relation, column)
    if (found === undefined) continue
    // The last four characters of what became of a value are no longer the last four of the value.
    const mask = !exact && found.how === 'last4' ? { ...found, how: 'redact' as const } : found
    if (strictest === undefined || strictness(mask) > strictness(strictest)) {
      strictest = mask
    }
  }
  return strictest
}

const isMasked = (sources: readonly ColumnSource[], masking: Masking): boolean =>
  sources.some(({ relation, column }) => masking.columnMask(relation, column) !== undefined)

/** What one column comes to: a mask, nothing, or a reason why the result can't be shown. */
type ColumnPlan = ColumnMask | string | undefined

/** A column that the target traced to a relation's own. */
function planTraced(
  field: ResultField,
  lost: readonly ColumnSource[],
  origins: Lineage['origins'] | undefined,
  masking: Masking,
  approved: boolean,
): ColumnPlan {
  const origin = origins?.get(field.tableOid)
  if (origin === undefined) return 'it comes from a relation that was not judged'
  if (field.attnum < 0) return undefined
  if (field.attnum === 0) {
    const holdsMasked =
      masking.columnMask(origin.relation, '*') !== undefined ||
      [...origin.columns.values()].some((sources) => isMasked(sources, masking))
    return holdsMasked && !approved
      ? 'it holds whole rows of a relation with masked columns'
      : undefined
  }
  const sources = origin.columns.get(field.attnum)
  if (sources === undefined) return 'it comes from a column that was not judged'
  return maskOf([...sources, ...lost], masking)
}

/**
 * Which columns of a result are masked by their origin, or why nothing of it may be shown.
 *
 * @param fields What the target says about the result.
 * @param statement What the statement was judged to put into it; undefined when nobody could tell.
 * @param origins What the relations hold that the text reads, as it was judged.
 * @param approved True when a person let values through whose origin is lost, whole rows included. Columns whose origin is known are masked all the same.
 */
export function planResult(
  fields: readonly ResultField[],
  statement: StatementLineage | undefined,
  origins: Lineage['origins'] | undefined,
  masking: Masking,
  approved: boolean,
): ResultPlan {
  if (!masking.hasColumns) return CLEAR
  const outputs = statement?.outputs
  if (outputs === undefined && !approved)
    return withheld('nobody can tell where its values come from')
  if (outputs !== undefined && outputs.length !== fields.length) {
    return withheld('it has other columns than were judged')
  }
  const columns: (ColumnMask | undefined)[] = []
  for (const [index, field] of fields.entries()) {
    const judged = outputs?.[index] ?? []
    const plan =
      field.tableOid !== 0
        ? planTraced(field, judged, origins, masking, approved)
        : !approved && isMasked(judged, masking)
          ? 'it is made from a masked column'
          : undefined
    if (typeof plan === 'string') return withheld(`of column ${index + 1}: ${plan}`)
    columns.push(plan)
  }
  return masked(columns)
}

const masked = (columns: readonly (ColumnMask | undefined)[]): ResultPlan =>
  columns.some((mask) => mask !== undefined) ? { kind: 'masked', columns } : CLEAR

/** The head of a COPY to the caller. */
export interface CopyHead {
  readonly binary: boolean
  readonly columnCount: number
}

/**
 * CopyOutResponse: Int8 overall format, Int16 count, Int16 format each. `[start, end)` is the body.
 *
 * @throws MalformedMessage
 */
export function readCopyOut(bytes: Buffer, start: number, end: number): CopyHead {
  if (start + 3 > end) throw new MalformedMessage('the head of a copy is too short')
  const format = bytes[start] ?? 0
  const columnCount = bytes.readUInt16BE(start + 1)
  if (format > 1 || start + 3 + 2 * columnCount !== end) {
    throw new MalformedMessage('the head of a copy is not as announced')
  }
  return { binary: format === 1, columnCount }
}

/**
 * Which columns of COPY … TO STDOUT are masked, or why nothing of it may be shown. The target tells
 * no origins here, so every column with a masked source is masked, approved or not.
 *
 * @param detects True when values are searched, too: what can't be taken apart is then withheld.
 * @param approved As for planResult; a COPY that nobody could judge passes then.
 */
export function planCopy(
  head: CopyHead,
  statement: StatementLineage | undefined,
  masking: Masking,
  detects: boolean,
  approved: boolean,
): ResultPlan {
  const form = statement?.copyForm ?? 'other'
  const readable = form !== 'other' && !head.binary
  if (detects && !readable) return withheld('its form can’t be searched')
  if (!masking.hasColumns) return CLEAR
  const outputs = statement?.outputs
  if (outputs === undefined) {
    return approved ? CLEAR : withheld('nobody can tell where its values come from')
  }
  if (outputs.length !== head.columnCount) return withheld('it has other columns than were judged')
  const plan = masked(outputs.map((sources) => maskOf(sources, masking)))
  return plan.kind === 'masked' && !readable ? withheld('its form can’t be masked') : plan
}

/**
 * The names of a COPY's columns by position, as far as all that they hold has one name (a table's column
 * and its partitions'): what its header line says, if it has one.
 */
export const copyNames = (statement: StatementLineage): readonly (string | undefined)[] =>
  (statement.outputs ?? []).map(([source, ...others]) =>
    others.every((other) => other.column === source?.column) ? source?.column : undefined,
  )
