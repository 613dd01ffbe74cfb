// Nothing becomes permanent at the target before its intent is durable, in whatever order and
// protocol it is sent; and without a log nothing goes on.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import { b, e, p, pbe, q, s, sqlstateOf, statusOf, valuesOf, WireClient } from './wire-client.js'

let world: PostgresWorld
let client: WireClient
let release: () => void = () => undefined

beforeAll(async () => {
  world = await startPostgresWorld({ schema: 'create table t (a int)' })
})

beforeEach(async () => {
  await world.admin('truncate t')
  client = await WireClient.login({ port: world.port, role: 'writer-strict' })
  // So that nothing below waits for a look-up.
  for (const value of [1, 2, 3]) await client.query(insert(value))
  await world.admin('truncate t')
})

afterEach(async () => {
  release()
  await client.close()
})

afterAll(() => world.stop())

const insert = (value: number) => `insert into t values (${String(value)})`
const rows = async () => (await world.admin('select a from t order by a')).map((row) => row['a'])
const awaited = () => world.audit.changes.until(() => world.audit.awaited[0], 'the log to be asked')
const pipeline = (sql: string) => Buffer.concat([pbe(sql), s])

test.each([
  ['a Query', q(insert(1))],
  ['a pipeline', pipeline(insert(1))],
  ['several statements', q(`${insert(1)}; ${insert(2)}`)],
])('outside a transaction a write in %s waits for its intent', async (_, bytes) => {
  release = world.audit.holdUp()
  client.send(bytes)
  await awaited()
  expect(await rows()).toEqual([])
  release()
  expect(statusOf(await client.ready())).toBe('I')
  expect(await rows()).not.toEqual([])
})

test.each([
  ['Query', q],
  ['extended', pipeline],
] as const)('in a transaction writes flow, and COMMIT waits (%s)', async (_, form) => {
  client.send(form('begin'))
  await client.ready()
  release = world.audit.holdUp()
  client.send(form(insert(1)), form(insert(2)))
  await client.ready(2)
  client.send(form('commit'))
  await awaited()
  expect(await rows()).toEqual([])
  release()
  expect(statusOf(await client.ready())).toBe('I')
  expect(await rows()).toEqual([1, 2])
})

test.each([
  ['COMMIT AND CHAIN', 'commit and chain'],
  ['END', 'end'],
])('%s waits for the intents before it', async (_, sql) => {
  await client.query('begin')
  release = world.audit.holdUp()
  await client.query(insert(1))
  client.send(q(sql))
  await awaited()
  expect(await rows()).toEqual([])
  release()
  await client.ready()
})

test.each([
  ['commit', q('commit')],
  ['rollback', q('rollback')],
  ['commit in a pipeline', pipeline('commit')],
])('a write sent behind %s is not taken to be in the transaction', async (_, end) => {
  await client.query('begin')
  client.send(end, q(insert(2)))
  release = world.audit.holdUp()
  await awaited()
  release()
  await client.ready(2)
  const [last] = world.audit.events.filter(({ kind }) => kind === 'command.intended').slice(-1)
  expect(last?.fields).toMatchObject({ text: insert(2), transaction: 'none' })
})

test('a COMMIT in a pipeline ends the transaction before the Sync says so', async () => {
  await client.query('begin')
  release = world.audit.holdUp()
  // The new text makes the gateway flush the pipeline and look names up in the middle of it.
  client.send(pbe('commit'), pbe('select a from t where a = 99'), pbe(insert(2)), s)
  await awaited()
  expect(await rows()).toEqual([])
  release()
  await client.ready()
  expect(await rows()).toEqual([2])
})

test('a COMMIT that was bound earlier waits for the intents since', async () => {
  await client.query('begin')
  client.send(p('commit', 'c'), b('c', 'done'), s)
  await client.ready()
  release = world.audit.holdUp()
  await client.query(insert(1))
  client.send(e('done'), s)
  await awaited()
  expect(await rows()).toEqual([])
  release()
  await client.ready()
  expect(await rows()).toEqual([1])
})

test('a write behind a COMMIT that was bound earlier waits, too', async () => {
  await client.query('begin')
  client.send(p('commit', 'c'), b('c', 'done'), s)
  await client.ready()
  release = world.audit.holdUp()
  client.send(e('done'), pbe(insert(1)), s)
  await awaited()
  expect(await rows()).toEqual([])
  release()
  await client.ready()
  expect(await rows()).toEqual([1])
})

test('a definition waits for its intent even in a transaction', async () => {
  const definer = await WireClient.login({ port: world.port, role: 'definer' })
  await definer.query('begin')
  release = world.audit.holdUp()
  definer.send(q('alter table t add column b int'))
  await awaited()
  release()
  expect(statusOf(await definer.ready())).toBe('T')
  await definer.query('rollback')
  await definer.close()
})

test('reads do not wait for the log', async () => {
  release = world.audit.holdUp()
  expect(valuesOf(await client.query('select 5'))).toEqual(['5'])
})

test('a caller who leaves while the log is awaited leaves nothing behind', async () => {
  const from = world.audit.events.length
  release = world.audit.holdUp()
  client.send(q(insert(1)))
  await awaited()
  client.socket.destroy()
  await world.audit.until('session.ended', from)
  release()
  expect(await rows()).toEqual([])
})

test.each(['commit', 'rollback'])('a %s before a write in one text is refused', async (end) => {
  await client.query('begin')
  await client.query(insert(1))
  expect(sqlstateOf(await client.query(`${end}; ${insert(2)}`))).toBe('42501')
  expect(await rows()).toEqual([])
})
