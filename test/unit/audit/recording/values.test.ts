// Recorded values as text, held to what PostgreSQL itself makes of the same values.

import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { textOf, textRows, valueText } from '../../../../audit/recording/values.js'
import { startPostgres, type PostgresCluster } from '../../../postgres-cluster.js'
import { random } from '../fixtures.js'
import { COLUMNS, rowBytes } from './fixtures.js'

let cluster: PostgresCluster
let client: pg.Client

beforeAll(async () => {
  cluster = await startPostgres()
  client = new pg.Client({ connectionString: await cluster.createDatabase() })
  await client.connect()
  await client.query("set timezone = 'UTC'; set datestyle = 'ISO'")
}, 60_000)

afterAll(async () => {
  await client.end()
  await cluster.stop()
})

const malformed = expect.objectContaining({ code: 'INTERNAL' }) as Error

test.each([
  ['a length without its bytes', '00000006'],
  ['a length below the count’s', '00000001 00'],
  ['a negative length', 'ffffffff'],
  ['half a length', '0000'],
  ['a count without values', '00000002 0001'],
  ['a value beyond the end', '00000007 0001 00000002 61'],
  ['a value of impossible length', '00000006 0001 fffffffe'],
])('%s is no row', (_, hex) => {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  expect(() => [...textRows(COLUMNS, bytes)]).toThrow(malformed)
})

test('random bytes are rows or a refusal, and any value has a text', () => {
  const seed = 5
  const next = random(seed)
  const oids = [16, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1700, 2950, 3802, 99]
  for (let round = 0; round < 5_000; round += 1) {
    const value = Buffer.from(Array.from({ length: next(20) }, () => next(256)))
    const typeOid = oids[next(oids.length)] ?? 0
    const text = valueText({ name: 'x', typeOid, format: 1 }, value)
    expect(typeof text, `seed ${String(seed)}, round ${String(round)}`).toBe('string')
  }
})

test('what is not UTF-8, or not as long as its type, is shown in hex', () => {
  expect(textOf(Buffer.from('c328', 'hex'))).toBe('\\xc328')
  const int4 = { name: 'x', typeOid: 23, format: 1 } as const
  expect(valueText(int4, Buffer.from('000001', 'hex'))).toBe('\\x000001')
  expect(valueText({ ...int4, typeOid: 1007 }, Buffer.from('01', 'hex'))).toBe('\\x01')
})

test('rows come back value by value, NULL and columns too many included', () => {
  const bytes = Buffer.concat([rowBytes('1', null), rowBytes('', 'ä', 'more'), rowBytes()])
  expect([...textRows(COLUMNS, bytes)]).toEqual([['1', null], ['', 'ä', 'more'], []])
})

const VALUES: readonly (readonly [type: string, ...literals: string[]])[] = [
  ['bool', 'true', 'false'],
  ['int2', '-32768', '7'],
  ['int4', '-2147483648', '2147483647'],
  ['int8', '-9223372036854775808', '9223372036854775807'],
  ['oid', '4294967295'],
  ['float4', '1.5', '-0.25', 'NaN'],
  ['float8', '0.1', '-1024.5', 'Infinity'],
  ['numeric', '0', '1', '-1', '0.1', '10000', '100000000', '-12345678901234567890.0987654321'],
  ['numeric', '0.0001', '0.00000001', '1e30', '1e-20', '9999.9999', '12300', '5.000', 'NaN'],
  ['numeric', 'Infinity', '-Infinity', '0.00', '100010001'],
  ['text', 'ü€😀', ''],
  ['varchar', 'x'],
  ['bpchar', 'x'],
  ['"char"', 'x'],
  ['name', 'x'],
  ['json', '{"a": 1}'],
  ['jsonb', '{"a": 1}'],
  ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['date', '2000-01-01', '1999-12-31', '2026-11-22', '0001-01-01', '0044-03-15 BC', 'infinity'],
  ['date', '-infinity', '9999-12-31'],
  ['time', '00:00:00', '23:59:59.999999', '12:30:00.5'],
  ['timestamp', '2026-11-22 12:00:05.000001', '1969-07-20 20:17:40', '0044-03-15 01:02:03 BC'],
  ['timestamp', 'infinity', '-infinity', '2000-01-01 00:00:00'],
  ['timestamptz', '2026-11-22 12:00:05.25+02', '1999-12-31 23:59:59+00'],
  ['xml', '<a/>'],
  ['bytea', '\\xdeadbeef'],
]

test.each(VALUES)('binary %s reads as PostgreSQL writes it in text', async (type, ...literals) => {
  const about = await client.query<{ oid: number; send: string }>(
    `select oid, typsend::text as send from pg_type where oid = '${type}'::regtype`,
  )
  const { oid: typeOid = 0, send = '' } = about.rows[0] ?? {}
  for (const literal of literals) {
    const { rows } = await client.query<{ text: string; binary: Buffer }>(
      `select format('%s', x) as text, ${send}(x) as binary from (select $1::${type} as x) as v`,
      [literal],
    )
    const { text = '', binary = Buffer.alloc(0) } = rows[0] ?? {}
    expect(valueText({ name: 'x', typeOid, format: 1 }, binary), literal).toBe(text)
  }
})
