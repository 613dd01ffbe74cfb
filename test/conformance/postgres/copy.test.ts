// COPY both ways, in both protocols, well and badly ended; and results of every size around it.

import { serialize } from 'pg-protocol'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import {
  e,
  frame,
  p,
  pbe,
  q,
  s,
  b,
  sqlstateOf,
  statusOf,
  tagsOf,
  valuesOf,
  WireClient,
} from './wire-client.js'

let world: PostgresWorld
let client: WireClient

beforeAll(async () => {
  world = await startPostgresWorld({ schema: 'create table t (a int, x text)' })
})

beforeEach(async () => {
  await world.admin('truncate t')
  client = await WireClient.login({ port: world.port, role: 'writer-strict' })
})

afterEach(() => client.close())
afterAll(() => world.stop())

const data = (text: string) => serialize.copyData(Buffer.from(text))
const done = serialize.copyDone()
const count = async () => Number((await world.admin('select count(*) as n from t'))[0]?.['n'])
const copyIn = async (bytes: Buffer) => {
  client.send(bytes)
  expect((await client.until((type) => type === 'G' || type === 'Z')).at(-1)?.type).toBe('G')
}

test('rows go in by a Query', async () => {
  await copyIn(q('copy t from stdin'))
  client.send(data('1\tone\n2\t'), data('two\n'), done)
  const answer = await client.ready()
  expect([tagsOf(answer), statusOf(answer)]).toEqual([['COPY 2'], 'I'])
})

test('rows go in by the extended protocol, Sync after the data', async () => {
  await copyIn(Buffer.concat([pbe('copy t from stdin'), serialize.flush()]))
  client.send(data('1\tone\n'), done, s)
  expect(tagsOf(await client.ready())).toEqual(['COPY 1'])
})

test('rows go in by the extended protocol, Sync before the data and after', async () => {
  await copyIn(Buffer.concat([pbe('copy t from stdin'), s]))
  client.send(data('1\tone\n'), s, data('2\ttwo\n'), done, s)
  expect(tagsOf(await client.ready())).toEqual(['COPY 2'])
  expect(valuesOf(await client.query('select 3'))).toEqual(['3'])
})

test('data sent before the target asked for it is not lost', async () => {
  await client.query('copy t from stdin')
  client.send(q('copy t from stdin'), data('1\tone\n'), data('2\ttwo\n'), done, q('select 4'))
  const answer = await client.ready(2)
  expect([tagsOf(answer), valuesOf(answer)]).toEqual([['COPY 2', 'SELECT 1'], ['4']])
})

test('data behind a COPY that is refused goes nowhere, and the session goes on', async () => {
  client.send(q("copy t from program 'x'"), data('1\tone\n'), done, q('select 5'))
  const answer = await client.ready(2)
  expect([sqlstateOf(answer), valuesOf(answer)]).toEqual(['42501', ['5']])
  expect(await count()).toBe(0)
})

test.each([
  ['Query', () => q('copy t from stdin'), () => [done]],
  ['extended', () => Buffer.concat([pbe('copy t from stdin'), s]), () => [done, s]],
])('bad data ends the COPY and not the session (%s)', async (_, start, end) => {
  await copyIn(start())
  client.send(data('1\tone\n'), data('not a number\tx\n'), data('3\tx\n'), ...end())
  expect(sqlstateOf(await client.ready())).toBe('22P02')
  expect(valuesOf(await client.query('select 6'))).toEqual(['6'])
  expect(await count()).toBe(0)
})

test.each([
  ['Query', () => q('copy t from stdin'), () => [serialize.copyFail('no more')]],
  [
    'extended',
    () => Buffer.concat([pbe('copy t from stdin'), s]),
    () => [serialize.copyFail('no'), s],
  ],
])('CopyFail ends the COPY and not the session (%s)', async (_, start, end) => {
  await copyIn(start())
  client.send(data('1\tone\n'), ...end())
  expect(sqlstateOf(await client.ready())).toBe('57014')
  expect(valuesOf(await client.query('select 7'))).toEqual(['7'])
  expect(await count()).toBe(0)
})

test('a COPY in a transaction is undone with it', async () => {
  await client.query('begin')
  await copyIn(q('copy t from stdin'))
  client.send(data('1\tone\n'), done)
  await client.ready()
  await client.query('rollback')
  expect(await count()).toBe(0)
})

test('PG-56 a Query in the middle of COPY ends the session, and nothing is kept', async () => {
  await copyIn(q('copy t from stdin'))
  client.send(data('1\tone\n'), q('select 1'))
  expect(sqlstateOf(await client.rest())).toBe('08P01')
  expect(await count()).toBe(0)
})

test.each(['Terminate', 'close'])('%s in the middle of COPY keeps nothing', async (how) => {
  const from = world.audit.events.length
  await copyIn(q('copy t from stdin'))
  client.send(data('1\tone\n'))
  if (how === 'Terminate') client.socket.end(frame('X'))
  else client.socket.destroy()
  const { fields } = await world.audit.until('session.ended', from)
  expect(fields).toMatchObject({ end: 'closed-by-caller' })
  expect(await count()).toBe(0)
})

test('one CopyData message of 3 MB, cut anywhere, arrives whole', async () => {
  await copyIn(q('copy t from stdin'))
  const message = data(`1\t${'x'.repeat(3_000_000)}\n`)
  client.send(message.subarray(0, 3))
  client.send(message.subarray(3, 1_000_001))
  client.send(message.subarray(1_000_001), done)
  expect(tagsOf(await client.ready())).toEqual(['COPY 1'])
  const [row] = await world.admin('select length(x) as n from t')
  expect(row?.['n']).toBe(3_000_000)
})

test('COPY to the caller comes whole, in text and binary', async () => {
  await world.admin("insert into t select n, 'x' from generate_series(1, 5000) n")
  for (const form of ['copy t to stdout', 'copy t to stdout (format binary)']) {
    const answer = await client.query(form)
    expect(answer[0]?.type).toBe('H')
    expect(answer.filter(({ type }) => type === 'd').length).toBeGreaterThanOrEqual(5000)
    expect(tagsOf(answer)).toEqual(['COPY 5000'])
  }
})

test('rows longer than any read come whole, between short ones', async () => {
  const sql =
    "select x from (values (1, repeat('a', 70000)), (2, 'b'), (3, repeat('c', 2000000)), (4, '')) v(n, x) order by n"
  for (const answer of [await client.query(sql), await client.extended(sql)]) {
    expect(valuesOf(answer).map((value) => value.length)).toEqual([70_000, 1, 2_000_000, 0])
    expect(valuesOf(answer)[2]).toBe('c'.repeat(2_000_000))
  }
})

test('a hundred thousand small rows come in order', async () => {
  const answer = await client.query('select n from generate_series(1, 100000) n')
  expect(valuesOf(answer)).toEqual(Array.from({ length: 100_000 }, (_, at) => String(at + 1)))
})

test('a slow reader gets every byte right', async () => {
  client.send(
    q("select n || repeat('y', 1000) from generate_series(1, 30000) n"),
    q('select n from t n'),
  )
  client.socket.pause()
  // The other session shows that the gateway has long had time to fill its buffers.
  const other = await WireClient.login({ port: world.port })
  for (let round = 0; round < 50; round += 1) await other.query('select 1')
  await other.close()
  client.socket.resume()
  const rows = valuesOf(await client.ready(2))
  expect(rows).toEqual(
    Array.from({ length: 30_000 }, (_, at) => `${String(at + 1)}${'y'.repeat(1000)}`),
  )
})

test('a parameter of 3 MB goes in', async () => {
  const sql = 'insert into t values (9, $1)'
  expect(tagsOf(await client.extended(sql, ['z'.repeat(3_000_000)]))).toEqual(['INSERT 0 1'])
})

test('a pipeline of 30,000 messages is worked off', async () => {
  client.send(p('select 1', 'one'), s)
  await client.ready()
  const rounds = 30_000
  const one = Buffer.concat([b('one', '', []), e(), s])
  client.send(Buffer.concat(Array.from({ length: rounds }, () => one)))
  expect(valuesOf(await client.ready(rounds))).toHaveLength(rounds)
})

test('a statement of 2 MB is refused whole, and the session goes on', async () => {
  expect(sqlstateOf(await client.query(`select '${'x'.repeat(2_000_000)}'`))).toBe('42501')
  expect(valuesOf(await client.query('select 8'))).toEqual(['8'])
})

test('notifications reach the caller', async () => {
  const listener = await WireClient.login({ port: world.port, role: 'definer' })
  await listener.query('listen ch')
  await world.admin("notify ch, 'hello'")
  const [message] = await listener.until((type) => type === 'A')
  expect(message?.body.toString()).toContain('hello')
  await listener.close()
})
