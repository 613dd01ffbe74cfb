// A refusal inside a transaction is a failure of that transaction at the server: COMMIT, ROLLBACK and
// savepoints stay PostgreSQL's own, in both protocols.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import { shape, sqlstateOf, statusOf, tagsOf, valuesOf, WireClient } from './wire-client.js'

let world: PostgresWorld
let client: WireClient

beforeAll(async () => {
  world = await startPostgresWorld({
    schema: 'create table t (a int primary key, b text); insert into t values (1, $$one$$)',
  })
})

afterEach(async () => {
  await client.close()
  await world.admin('delete from t where a <> 1')
})

afterAll(() => world.stop())

const writer = async () => {
  client = await WireClient.login({ port: world.port, role: 'writer-strict' })
  return client
}

const rows = async () => (await world.admin('select a from t order by a')).map((row) => row['a'])

const WAYS = ['query', 'extended'] as const

test.each(WAYS)('outside a transaction a refusal leaves the session idle (%s)', async (way) => {
  await writer()
  const refused = await client[way]('drop table t')
  expect([sqlstateOf(refused), statusOf(refused)]).toEqual(['42501', 'I'])
  const next = await client[way]('select a from t')
  expect(valuesOf(next)).toEqual(['1'])
})

test.each(WAYS)('a refusal fails the transaction it stands in (%s)', async (way) => {
  await writer()
  await client[way]('begin')
  await client[way]("insert into t values (2, 'two')")
  expect(statusOf(await client[way]('grant select on t to public'))).toBe('E')
  expect(sqlstateOf(await client[way]('select 1'))).toBe('25P02')
  const end = await client[way]('commit')
  expect([tagsOf(end), statusOf(end)]).toEqual([['ROLLBACK'], 'I'])
  expect(await rows()).toEqual([1])
})

test.each(WAYS)('a savepoint brings a refused transaction back (%s)', async (way) => {
  await writer()
  await client[way]('begin')
  await client[way]("insert into t values (3, 'three')")
  await client[way]('savepoint s')
  expect(statusOf(await client[way]("select pg_read_file('x')"))).toBe('E')
  expect(statusOf(await client[way]('rollback to savepoint s'))).toBe('T')
  await client[way]("insert into t values (4, 'four')")
  expect(tagsOf(await client[way]('commit'))).toEqual(['COMMIT'])
  expect(await rows()).toEqual([1, 3, 4])
})

test.each(WAYS)('ROLLBACK after a refusal ends the transaction (%s)', async (way) => {
  await writer()
  await client[way]('begin')
  await client[way]('drop table t')
  const end = await client[way]('rollback')
  expect([tagsOf(end), statusOf(end)]).toEqual([['ROLLBACK'], 'I'])
})

test.each(WAYS)(
  'in a failed transaction even a new statement is answered 25P02 (%s)',
  async (way) => {
    await writer()
    await client[way]('begin')
    expect(sqlstateOf(await client[way]('select 1/0'))).toBe('22012')
    expect(sqlstateOf(await client[way](`select b from t where a = 99`))).toBe('25P02')
    expect(sqlstateOf(await client[way](`delete from t`))).toBe('25P02')
    expect(tagsOf(await client[way]('rollback'))).toEqual(['ROLLBACK'])
  },
)

test('several statements in one Query are refused whole', async () => {
  await writer()
  const answer = await client.query("insert into t values (5, 'five'); select pg_sleep(0)")
  expect([shape(answer), sqlstateOf(answer)]).toEqual(['EZ', '42501'])
  expect(await rows()).toEqual([1])
})

test('several statements in one Query are forwarded whole', async () => {
  await writer()
  const answer = await client.query("insert into t values (6, 'six'); select 7; ;")
  expect(shape(answer)).toBe('CTDCZ')
  expect(await rows()).toEqual([1, 6])
})

test('the error of a refusal has severity, code, message, detail with an id, and hint', async () => {
  await writer()
  const [error] = await client.query('drop table t')
  const fields = new Map(
    error?.body
      .toString('utf8')
      .split('\0')
      .map((field) => [field[0], field.slice(1)]),
  )
  expect(fields.get('S')).toBe('ERROR')
  expect(fields.get('V')).toBe('ERROR')
  expect(fields.get('C')).toBe('42501')
  expect(fields.get('M')).toMatch(/denied/)
  expect(fields.get('D')).toMatch(/REVIEW_DENIED, id cmd_/)
  expect(fields.get('H')).toMatch(/session goes on/)
})

test('the gateway’s own look-ups and refusals are never seen by the client', async () => {
  await writer()
  expect(shape(await client.query('select b from t where a = 1'))).toBe('TDCZ')
  expect(shape(await client.extended('select b, a from t where a = 1'))).toBe('12DCZ')
  expect(shape(await client.extended('drop table t'))).toBe('1EZ')
  expect(shape(await client.extended("select pg_read_file('y')"))).toBe('EZ')
  expect(shape(await client.query(''))).toBe('IZ')
  expect(shape(await client.extended(''))).toBe('12IZ')
})
