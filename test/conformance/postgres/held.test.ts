// A held command is an ordinary slow command of its protocol: it goes on, is refused, is cancelled or
// goes away with its caller; what stands around it keeps its order.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import {
  b,
  cancel,
  e,
  fieldOf,
  frame,
  p,
  pbe,
  q,
  s,
  shape,
  sqlstateOf,
  statusOf,
  tagsOf,
  valuesOf,
  WireClient,
} from './wire-client.js'

let world: PostgresWorld
let client: WireClient

beforeAll(async () => {
  world = await startPostgresWorld({ schema: 'create table t (a int primary key)' })
})

beforeEach(async () => {
  await world.admin('delete from t')
  world.reviews.reset()
  world.reviews.hold()
  client = await WireClient.login({ port: world.port, role: 'asker' })
})

afterEach(() => client.close())
afterAll(() => world.stop())

const rows = async () => (await world.admin('select a from t order by a')).map((row) => row['a'])
const insert = (value: number) => `insert into t values (${String(value)})`

const WAYS = [
  ['query', (sql: string) => q(sql)],
  ['extended', (sql: string) => Buffer.concat([pbe(sql), s])],
] as const

test.each(WAYS)('an approved command runs, once, and its rows come back (%s)', async (_, form) => {
  client.send(form(`${insert(1)} returning a`))
  const held = await world.reviews.next()
  expect(await rows()).toEqual([])
  held.approve()
  const answer = await client.ready()
  expect([valuesOf(answer), statusOf(answer)]).toEqual([['1'], 'I'])
  expect(await rows()).toEqual([1])
})

test.each(WAYS)('the wait is told by a NOTICE with the id of the review (%s)', async (_, form) => {
  client.send(form(insert(1)))
  const held = await world.reviews.next()
  const notice = (await client.until((type) => type === 'N')).at(-1)
  expect(notice && fieldOf(notice, 'M')).toContain(held.question.reviewId)
  held.deny()
  await client.ready()
})

test.each(WAYS)('a denial is 42501 with the id, and the session goes on (%s)', async (_, form) => {
  client.send(form(insert(1)))
  const held = await world.reviews.next()
  held.deny('not on a Friday')
  const answer = await client.ready()
  const error = answer.find(({ type }) => type === 'E')
  expect(error && fieldOf(error, 'C')).toBe('42501')
  expect(error && fieldOf(error, 'M')).toContain('not on a Friday')
  expect(error && fieldOf(error, 'D')).toContain(held.question.reviewId)
  expect(error && fieldOf(error, 'H')).toContain('session goes on')
  expect(await rows()).toEqual([])
  expect(valuesOf(await client.query('select 7'))).toEqual(['7'])
})

test.each(WAYS)('a cancel request withdraws it: 57014, nothing ran (%s)', async (_, form) => {
  client.send(form(insert(1)))
  const held = await world.reviews.next()
  await cancel(world.port, client.key)
  const answer = await client.ready()
  expect(sqlstateOf(answer)).toBe('57014')
  expect(world.reviews.withdrawn).toEqual([held.question.reviewId])
  held.approve()
  expect(valuesOf(await client.query('select 8'))).toEqual(['8'])
  expect(await rows()).toEqual([])
})

test.each(WAYS)('an answer that expired is 57014 and the session goes on (%s)', async (_, form) => {
  client.send(form(insert(1)))
  const held = await world.reviews.next()
  const { digest } = held.question
  held.end({ ok: true, value: { state: 'expired', digest, by: [], reason: '' } })
  expect(sqlstateOf(await client.ready())).toBe('57014')
  expect(valuesOf(await client.query('select 9'))).toEqual(['9'])
})

test.each(WAYS)('an approval of other bytes lets nothing through (%s)', async (_, form) => {
  client.send(form(insert(1)))
  const held = await world.reviews.next()
  const value = {
    state: 'approved',
    digest: 'f'.repeat(64),
    by: ['okta/dana'],
    reason: '',
  } as const
  held.end({ ok: true, value })
  expect(sqlstateOf(await client.ready())).toBe('57014')
  expect(await rows()).toEqual([])
})

test.each(WAYS)(
  'a control plane that is gone is 57P03 and the session goes on (%s)',
  async (_, form) => {
    client.send(form(insert(1)))
    const held = await world.reviews.next()
    held.end({ ok: false, refusal: { code: 'CONTROL_PLANE_UNAVAILABLE', details: {} } })
    expect(sqlstateOf(await client.ready())).toBe('57P03')
    expect(valuesOf(await client.query('select 10'))).toEqual(['10'])
  },
)

test.each([
  ['closing the socket', (c: WireClient) => c.socket.destroy()],
  ['a reset', (c: WireClient) => c.socket.resetAndDestroy()],
  ['Terminate and close', (c: WireClient) => c.socket.end(frame('X'))],
])('%s while a command waits withdraws it, and nothing runs', async (_, leave) => {
  const from = world.audit.events.length
  client.send(q(insert(1)))
  const held = await world.reviews.next()
  leave(client)
  await world.reviews.changes.until(() => world.reviews.withdrawn[0], 'the withdrawal')
  held.approve()
  const ended = await world.audit.until('session.ended', from)
  expect(ended.fields).toMatchObject({ end: 'closed-by-caller' })
  expect(world.audit.events.slice(from).map(({ kind }) => kind)).not.toContain('command.intended')
  expect(await rows()).toEqual([])
})

test('input sent behind a held command waits and is answered after it, in order', async () => {
  client.send(q('select 1'), q(insert(2)), q('select 3'), q(''), q('select 4'))
  const held = await world.reviews.next()
  held.approve()
  const answer = await client.ready(5)
  expect(shape(answer)).toBe('TDCZCZTDCZIZTDCZ')
  expect(valuesOf(answer)).toEqual(['1', '3', '4'])
})

test('PG-68 each Execute of a pipeline is decided alone, and a refusal skips the rest', async () => {
  client.send(pbe('select 1'), pbe(insert(2)), pbe('select 3'), s, pbe('select 4'), s)
  const held = await world.reviews.next()
  held.deny()
  const answer = await client.ready(2)
  expect(shape(answer)).toBe('12DC1EZ12DCZ')
  expect(valuesOf(answer)).toEqual(['1', '4'])
  expect(await rows()).toEqual([])
})

test('PG-68 an approval in the middle of a pipeline lets the rest go on in order', async () => {
  client.send(pbe('select 1'), pbe(insert(2)), pbe('select 3'), pbe(insert(4)), s)
  ;(await world.reviews.next()).approve()
  ;(await world.reviews.next()).approve()
  const answer = await client.ready()
  expect(shape(answer)).toBe('12DC12C12DC12CZ')
  expect(await rows()).toEqual([2, 4])
})

test('a refusal rolls the whole implicit transaction of its pipeline back', async () => {
  client.send(pbe(insert(1)), pbe(insert(2)), s)
  ;(await world.reviews.next()).approve()
  ;(await world.reviews.next()).deny()
  expect(shape(await client.ready())).toBe('12C1EZ')
  expect(await rows()).toEqual([])
})

test('people see the parameters, and each Bind is a question of its own', async () => {
  client.send(p('insert into t values ($1)', 'one'), s)
  expect(shape(await client.ready())).toBe('1Z')
  for (const value of ['21', '22']) {
    client.send(b('one', '', [value]), e(), s)
    const held = await world.reviews.next()
    expect(held.question.parameters).toEqual([value])
    held.approve()
    expect(tagsOf(await client.ready())).toEqual(['INSERT 0 1'])
  }
  const [first, second] = world.reviews.questions
  expect(first?.digest).not.toBe(second?.digest)
  expect(await rows()).toEqual([21, 22])
})

test('the same text again is a new question with another digest', async () => {
  for (const answer of ['deny', 'deny'] as const) {
    client.send(q(insert(5)))
    ;(await world.reviews.next())[answer]()
    await client.ready()
  }
  const [first, second] = world.reviews.questions
  expect(first?.digest).not.toBe(second?.digest)
})

test('a held command inside a transaction goes on in it', async () => {
  await client.query('begin')
  client.send(q(insert(6)))
  ;(await world.reviews.next()).approve()
  expect(statusOf(await client.ready())).toBe('T')
  await client.query('rollback')
  expect(await rows()).toEqual([])
})

test('other sessions go on while one is held', async () => {
  client.send(q(insert(7)))
  const held = await world.reviews.next()
  const other = await WireClient.login({ port: world.port, role: 'reader' })
  expect(valuesOf(await other.query('select 11'))).toEqual(['11'])
  await other.close()
  held.deny()
  await client.ready()
})
