import { expect, test } from 'vitest'

import { MalformedMessage } from '../../../../../proxy/postgres/messages.js'
import {
  copyNames,
  planCopy,
  planResult,
  readCopyOut,
  readRowDescription,
  type ResultField,
} from '../../../../../proxy/postgres/masking/plan.js'
import type { ColumnSource, RelationOrigin } from '../../../../../proxy/postgres/sql/lineage.js'
import { mask, maskingOf } from './scene.js'

const USERS = 100
const USERS_VIEW = 200
const ORDERS = 300

const source = (relation: string, column: string, exact = true): ColumnSource => ({
  relation,
  column,
  exact,
})
const SSN = source('public.users', 'ssn')
const NAME = source('public.users', 'name')
const origin = (
  relation: string,
  columns: readonly (readonly ColumnSource[])[],
): RelationOrigin => ({
  relation,
  columns: new Map(columns.map((sources, index) => [index + 1, sources])),
})
const ORIGINS = new Map([
  [USERS, origin('public.users', [[NAME], [SSN]])],
  [
    USERS_VIEW,
    origin('public.users_view', [[NAME], [SSN], [source('public.users', 'ssn', false)]]),
  ],
  [ORDERS, origin('public.orders', [[source('public.orders', 'id')]])],
])
const MASKING = maskingOf({ 'public.users.ssn': mask('last4') })

const at = (tableOid: number, attnum: number): ResultField => ({
  ...{ name: 'x', tableOid, attnum, typeOid: 25, format: 0 },
})
const LOST = at(0, 0)
const plan = (
  fields: readonly ResultField[],
  outputs: readonly (readonly ColumnSource[])[] | undefined,
  approved = false,
  masking = MASKING,
) => planResult(fields, { outputs }, ORIGINS, masking, approved)
const WITHHELD = { kind: 'withheld', why: expect.any(String) as string }

test('a masked column is masked, and its neighbours are not', () => {
  expect(plan([at(USERS, 1), at(USERS, 2)], [[NAME], [SSN]])).toEqual({
    kind: 'masked',
    columns: [undefined, mask('last4')],
  })
})

test('a view’s column is masked by what it selects, and redacted when the view changed it', () => {
  expect(plan([at(USERS_VIEW, 2)], [[SSN]])).toMatchObject({ columns: [mask('last4')] })
  expect(plan([at(USERS_VIEW, 3)], [[SSN]])).toMatchObject({ columns: [mask('redact')] })
})

test.each(['hash', 'null', 'fixed', 'redact'] as const)(
  '%s stays what it is for a changed value',
  (how) => {
    const masking = maskingOf({ 'public.users.ssn': mask(how) })
    expect(plan([at(USERS_VIEW, 3)], [[SSN]], false, masking)).toMatchObject({
      columns: [mask(how)],
    })
  },
)

test('of several masks the strictest counts', () => {
  const masking = maskingOf({ 'public.users.ssn': mask('null'), 'public.users.name': mask('hash') })
  expect(plan([at(USERS, 1)], [[NAME, SSN]], false, masking)).toMatchObject({
    columns: [mask('null')],
  })
})

test('a column that could be any of a masked table is masked', () => {
  expect(plan([at(ORDERS, 1)], [[source('public.users', '*')]])).toMatchObject({ kind: 'masked' })
})

test('a result without masked columns is clear', () => {
  expect(plan([at(USERS, 1), at(ORDERS, 1), LOST], [[NAME], [], []])).toEqual({ kind: 'clear' })
  expect(plan([], [])).toEqual({ kind: 'clear' })
})

test('system columns hold no column’s value', () => {
  expect(plan([at(USERS, -1), at(USERS, -6)], [[], []])).toEqual({ kind: 'clear' })
})

test.each([
  ['a relation that was not judged', [at(999, 1)], [[]]],
  ['a system column of a relation that was not judged', [at(999, -1)], [[]]],
  ['a column that was not judged', [at(USERS, 3)], [[]]],
  ['whole rows of a table with a masked column', [at(USERS, 0)], [[]]],
  ['whole rows of a view of it', [at(USERS_VIEW, 0)], [[]]],
  ['a value made from a masked column', [LOST], [[source('public.users', 'ssn', false)]]],
  ['a masked value whose origin is lost', [LOST], [[SSN]]],
  ['a value from anywhere in a masked table', [LOST], [[source('public.users', '*')]]],
  ['fewer columns than were judged', [at(USERS, 1)], [[NAME], [NAME]]],
  ['more columns than were judged', [at(USERS, 1), LOST], [[NAME]]],
  ['a statement that nobody could judge', [at(USERS, 1)], undefined],
] as const)('%s: the result is withheld', (_, fields, outputs) => {
  expect(plan(fields, outputs)).toEqual(WITHHELD)
})

test('a result of a text without lineage is withheld', () => {
  expect(planResult([LOST], undefined, undefined, MASKING, false)).toEqual(WITHHELD)
  expect(planResult([at(USERS, 1)], { outputs: [[NAME]] }, undefined, MASKING, false)).toEqual(
    WITHHELD,
  )
})

test('what was approved shows values whose origin is lost', () => {
  expect(plan([LOST], [[SSN]], true)).toEqual({ kind: 'clear' })
  expect(plan([LOST, LOST], undefined, true)).toEqual({ kind: 'clear' })
  expect(plan([at(USERS, 0)], [[SSN]], true)).toEqual({ kind: 'clear' })
})

test('what was approved still masks columns whose origin is known', () => {
  expect(plan([LOST, at(USERS, 2)], undefined, true)).toMatchObject({
    columns: [undefined, mask('last4')],
  })
})

test.each([
  ['another relation', [at(999, 1)], undefined],
  ['another column', [at(USERS, 9)], undefined],
  ['another number of columns', [LOST], [[], []]],
] as const)('an approval does not cover %s', (_, fields, outputs) => {
  expect(plan(fields, outputs, true)).toEqual(WITHHELD)
})

test('where no column is masked nothing is withheld', () => {
  expect(planResult([at(999, 0)], undefined, undefined, maskingOf({}), false)).toEqual({
    kind: 'clear',
  })
})

const COPY = { binary: false, columnCount: 2 }
const OUTPUTS = [[NAME], [SSN]]

test('a copy is masked by position, approved or not', () => {
  const columns = [undefined, mask('last4')]
  for (const approved of [false, true]) {
    for (const copyForm of ['text', 'csv'] as const) {
      const statement = { outputs: OUTPUTS, copyForm }
      expect(planCopy(COPY, statement, MASKING, false, approved)).toEqual({
        kind: 'masked',
        columns,
      })
    }
  }
})

test('a copy of nothing masked is clear, in any form', () => {
  for (const copyForm of ['text', 'csv', 'other'] as const) {
    const statement = { outputs: [[NAME], []], copyForm }
    expect(planCopy(COPY, statement, MASKING, false, false)).toEqual({ kind: 'clear' })
  }
})

test.each([
  ['of another form', { outputs: OUTPUTS, copyForm: 'other' as const }, COPY, false],
  ['in binary', { outputs: OUTPUTS, copyForm: 'text' as const }, { ...COPY, binary: true }, false],
  ['of other columns', { outputs: [[SSN]], copyForm: 'text' as const }, COPY, false],
  ['that nobody could judge', { outputs: undefined, copyForm: 'text' as const }, COPY, false],
  ['without lineage', undefined, COPY, false],
  [
    'in binary that is to be searched',
    { outputs: [[], []], copyForm: 'text' as const },
    { ...COPY, binary: true },
    true,
  ],
  [
    'of another form that is to be searched',
    { outputs: [[], []], copyForm: 'other' as const },
    COPY,
    true,
  ],
])('a copy %s is withheld', (_, statement, head, detects) => {
  expect(planCopy(head, statement, MASKING, detects, false)).toEqual(WITHHELD)
})

test('a header line is known by the columns that hold one table column each', () => {
  expect(copyNames({ outputs: [[NAME], [NAME, SSN], []] })).toEqual(['name', undefined, undefined])
  expect(copyNames({ outputs: undefined })).toEqual([])
})

/** Name, table OID, attnum, type OID, size, modifier, format. */
const description = (fields: readonly (readonly [string, ...number[]])[]): Buffer => {
  const parts = fields.map(([name, table = 0, attnum = 0, type = 0, format = 0]) => {
    const rest = Buffer.alloc(18)
    rest.writeUInt32BE(table, 0)
    rest.writeInt16BE(attnum, 4)
    rest.writeUInt32BE(type, 6)
    rest.writeInt16BE(-1, 10)
    rest.writeInt32BE(-1, 12)
    rest.writeUInt16BE(format, 16)
    return Buffer.concat([Buffer.from(`${name}\0`), rest])
  })
  const count = Buffer.alloc(2)
  count.writeUInt16BE(fields.length)
  return Buffer.concat([count, ...parts])
}
const DESCRIBED = description([
  ['id', 4_000_000_000, 1, 20, 1],
  ['naïve', 16_384, -3, 25, 0],
])

test('a row description is read whole', () => {
  expect(readRowDescription(DESCRIBED, 0, DESCRIBED.length)).toEqual([
    { name: 'id', tableOid: 4_000_000_000, attnum: 1, typeOid: 20, format: 1 },
    { name: 'naïve', tableOid: 16_384, attnum: -3, typeOid: 25, format: 0 },
  ])
})

test('a row description cut short anywhere is malformed', () => {
  for (let end = 0; end < DESCRIBED.length; end += 1) {
    expect(() => readRowDescription(DESCRIBED, 0, end)).toThrow(MalformedMessage)
  }
})

test('a row description with more behind it, or another format, is malformed', () => {
  const longer = Buffer.concat([DESCRIBED, Buffer.alloc(1)])
  expect(() => readRowDescription(longer, 0, longer.length)).toThrow(MalformedMessage)
  const strange = description([['x', 0, 0, 25, 2]])
  expect(() => readRowDescription(strange, 0, strange.length)).toThrow(MalformedMessage)
})

test('the head of a copy is read, and nothing else is taken for one', () => {
  const head = Buffer.from([0, 0, 2, 0, 0, 0, 0])
  expect(readCopyOut(head, 0, head.length)).toEqual({ binary: false, columnCount: 2 })
  for (let end = 0; end < head.length; end += 1) {
    expect(() => readCopyOut(head, 0, end)).toThrow(MalformedMessage)
  }
  expect(() => readCopyOut(Buffer.from([2, 0, 0]), 0, 3)).toThrow(MalformedMessage)
})
