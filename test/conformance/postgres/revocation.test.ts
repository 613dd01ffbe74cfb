// After a cut no byte is forwarded, wherever the conversation was: between messages, in the middle of
// a row, of a COPY, of a portal, or waiting for a person.

import { serialize } from 'pg-protocol'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { grantIdOf } from '../../../core/ids.js'
import { within } from '../../fakes/gateway-ports.js'
import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import { b, e, p, pbe, q, s, shape, sqlstateOf, valuesOf, WireClient } from './wire-client.js'

let world: PostgresWorld
let client: WireClient
let serial = 0

beforeAll(async () => {
  world = await startPostgresWorld({ schema: 'create table t (a text)' })
})

beforeEach(async () => {
  await world.admin('truncate t')
  world.reviews.reset()
})

afterEach(() => client.close())
afterAll(() => world.stop())

/** Each test has a grant of its own. */
async function login(role: string): Promise<void> {
  serial += 1
  client = await WireClient.login({ port: world.port, role, token: `good-${String(serial)}` })
}

const revoke = async () => {
  const question = world.access.questions.at(-1)
  if (question === undefined) throw new Error('nobody has asked')
  return within(world.revoke(grantIdOf(question.requestId)), 'the sessions to be cut')
}

/** Statements that run at the target on behalf of the gateway. */
const running = async () =>
  (
    await world.admin(`select query from pg_stat_activity
      where state <> 'idle' and pid <> pg_backend_pid() and backend_type = 'client backend'`)
  ).map((row) => row['query'])

test('an idle session is told 57P01 with who and the id, and both sides are closed', async () => {
  await login('reader')
  await client.query('select 1')
  expect(await revoke()).toBe(1)
  const [error] = await client.rest()
  expect(error?.body.toString()).toMatch(/SFATAL\0.*C57P01\0.*okta\/otto.*req_/s)
  const { fields } = await world.audit.until('session.ended')
  expect(fields).toMatchObject({ end: 'grant-revoked' })
  expect(world.live.count).toBe(0)
})

test('every session of the grant is cut, and no other', async () => {
  await login('reader')
  const stranger = client
  await login('reader')
  const token = `good-${String(serial)}`
  world.grants.live = () => Promise.resolve([...world.grants.rows.values()].slice(-1) as never[])
  const sibling = await WireClient.login({ port: world.port, token })
  world.grants.live = () => Promise.resolve([])
  expect(await revoke()).toBe(2)
  expect(sqlstateOf(await client.rest())).toBe('57P01')
  expect(sqlstateOf(await sibling.rest())).toBe('57P01')
  expect(valuesOf(await stranger.query('select 3'))).toEqual(['3'])
  await stranger.close()
})

test('in the middle of a stream of rows nothing follows the cut, and the target stops', async () => {
  await login('reader')
  client.send(q("select repeat('x', 1000) from generate_series(1, 10000000)"))
  await client.until((type) => type === 'D')
  const { fields } = await cutAndWait()
  expect(Number((fields as { toCallerBytes?: unknown }).toCallerBytes)).toBeGreaterThan(0)
  const messages = await client.rest()
  expect(messages.at(-1)?.type).toMatch(/[DE]/)
  expect(messages.some(({ type }) => type === 'C' || type === 'Z')).toBe(false)
  expect(await running()).toEqual([])
})

test('a caller who never reads is cut off all the same', async () => {
  await login('reader')
  client.socket.pause()
  client.send(q("select repeat('x', 100000) from generate_series(1, 10000000)"))
  await world.audit.until('session.opened')
  await revoke()
  expect(await running()).toEqual([])
  client.socket.resume()
  const messages = await client.rest()
  expect(messages.some(({ type }) => type === 'C' || type === 'Z')).toBe(false)
})

test('in the middle of COPY from the caller nothing is kept', async () => {
  await login('writer-strict')
  client.send(q('copy t from stdin'))
  await client.until((type) => type === 'G')
  client.send(serialize.copyData(Buffer.from('one\n')))
  await cutAndWait()
  client.send(serialize.copyDone())
  expect((await client.rest()).some(({ type }) => type === 'C')).toBe(false)
  expect(await world.admin('select a from t')).toEqual([])
})

test('in the middle of COPY to the caller nothing follows', async () => {
  await login('reader')
  client.send(q("copy (select repeat('x', 1000) from generate_series(1, 10000000)) to stdout"))
  await client.until((type) => type === 'd')
  await cutAndWait()
  expect((await client.rest()).some(({ type }) => type === 'c' || type === 'C')).toBe(false)
  expect(await running()).toEqual([])
})

test('a portal that was half fetched gives no more rows', async () => {
  await login('reader')
  await client.query('begin')
  client.send(p('select generate_series(1, 100)'), b('', 'c'), e('c', 3), s)
  expect(shape(await client.ready())).toBe('12DDDsZ')
  await cutAndWait()
  client.send(e('c', 3), s)
  expect(shape(await client.rest())).toBe('E')
})

test('a held command is withdrawn, and an approval that comes late runs nothing', async () => {
  await login('asker')
  world.reviews.hold()
  client.send(q("insert into t values ('late')"))
  const held = await world.reviews.next()
  await cutAndWait()
  await world.reviews.changes.until(() => world.reviews.withdrawn[0], 'the withdrawal')
  held.approve()
  expect(sqlstateOf(await client.rest())).toBe('57P01')
  expect(await world.admin('select a from t')).toEqual([])
})

test('an approval at the very moment of the cut runs nothing', async () => {
  await login('asker')
  world.reviews.hold()
  client.send(q("insert into t values ('race')"))
  const held = await world.reviews.next()
  const cut = revoke()
  held.approve()
  await cut
  await client.rest()
  expect(await world.admin('select a from t')).toEqual([])
})

test('a transaction that was open is rolled back', async () => {
  await login('writer-strict')
  await client.query('begin')
  await client.query("insert into t values ('open')")
  await cutAndWait()
  await client.rest()
  expect(await world.admin('select a from t')).toEqual([])
})

test('what was sent behind the running statement never runs', async () => {
  await login('writer-strict')
  await client.query("insert into t values ('known')")
  await world.admin('truncate t')
  const slow = 'select count(*) from generate_series(1, 1000000000) as n'
  client.send(q(slow), pbe("insert into t values ('known')"), s)
  await world.audit.until('command.intended', 0, ({ text }: { text?: unknown }) =>
    String(text).includes('known'),
  )
  await cutAndWait()
  await client.rest()
  expect(await running()).toEqual([])
  expect(await world.admin('select a from t')).toEqual([])
})

test('news on the bus cuts as well, and an old row does not', async () => {
  await login('reader')
  const row = [...world.grants.rows.values()].at(-1)
  if (row === undefined) throw new Error('no grant')
  world.bus.publishGrant({ ...row, epoch: row.epoch })
  expect(valuesOf(await client.query('select 4'))).toEqual(['4'])
  const end = { reason: 'expired', by: 'time', at: Date.now() } as const
  world.bus.publishGrant({ ...row, epoch: row.epoch + 1, end })
  expect(sqlstateOf(await client.rest())).toBe('57P01')
})

test('when every message is lost, the poll of the store cuts', async () => {
  await login('reader')
  const row = [...world.grants.rows.values()].at(-1)
  if (row === undefined) throw new Error('no grant')
  await world.grants.end(row.id, { reason: 'revoked', by: 'okta/otto', at: Date.now() })
  expect(sqlstateOf(await client.rest())).toBe('57P01')
})

async function cutAndWait() {
  const from = world.audit.events.length
  expect(await revoke()).toBe(1)
  return world.audit.until('session.ended', from)
}
