// `wait: retry`: a command is refused at once, and the same command passes once after approval, over
// whatever connection, while grant and policy are what they were.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import type { GrantId } from '../../../core/ids.js'
import { grantIdOf } from '../../../core/ids.js'
import type { ReviewQuestion } from '../../../core/question.js'
import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import {
  fieldOf,
  pbe,
  q,
  s,
  sqlstateOf,
  statusOf,
  tagsOf,
  valuesOf,
  WireClient,
} from './wire-client.js'

const RETRIER = {
  name: 'retrier',
  rules:
    'allow: [{ effects: [read] }], ask: [{ effects: [write, ddl, dangerous, unknown], approvers: db-owners, wait: retry }]',
}

let world: PostgresWorld
let client: WireClient
let others: WireClient[] = []

beforeAll(async () => {
  world = await startPostgresWorld({
    schema: 'create table t (a int primary key)',
    policy: { roles: [RETRIER] },
  })
})

beforeEach(async () => {
  await world.admin('delete from t')
  world.setPolicy({ roles: [RETRIER] })
  world.reviews.reset()
  world.releases.retries.clear()
  world.access.questions.length = 0
  client = await WireClient.login({ port: world.port, role: 'retrier' })
})

afterEach(async () => {
  for (const other of others) await other.close()
  others = []
  await client.close()
})
afterAll(() => world.stop())

const rows = async () => (await world.admin('select a from t order by a')).map((row) => row['a'])

const requestId = () => {
  const [question] = world.access.questions
  if (question === undefined) throw new Error('nobody has connected')
  return question.requestId
}

/** Another connection under the same grant. */
async function another(): Promise<WireClient> {
  const role = `retrier/${requestId()}`
  const other = await WireClient.login({ port: world.port, role })
  others.push(other)
  return other
}

const asked = (at = 0): ReviewQuestion => {
  const question = world.reviews.questions[at]
  if (question === undefined) throw new Error('nobody was asked')
  return question
}

async function settle(state: 'approved' | 'denied', question = asked()): Promise<void> {
  const { grantId, digest, reviewId } = question
  const by = { by: ['okta/dana'], reason: state === 'denied' ? 'not on a Friday' : '' }
  await world.releases.settle({ ...{ grantId, digest, reviewId, state }, until: Infinity, ...by })
}

const INSERT = 'insert into t values (1)'
const WAYS = [
  ['query', (sql: string) => q(sql)],
  ['extended', (sql: string) => Buffer.concat([pbe(sql), s])],
] as const

test.each(WAYS)(
  'it is refused at once with the id, and the session goes on (%s)',
  async (_, form) => {
    client.send(form(INSERT))
    const answer = await client.ready()
    const error = answer.find(({ type }) => type === 'E')
    expect(error && fieldOf(error, 'C')).toBe('55W01')
    expect(error && fieldOf(error, 'M')).toContain('waits for approval: db-owners are asked')
    expect(error && fieldOf(error, 'D')).toContain(`REVIEW_PENDING, id ${asked().reviewId}`)
    expect(error && fieldOf(error, 'H')).toContain('Run it again once it is approved')
    expect(valuesOf(await client.query('select 7'))).toEqual(['7'])
    expect(await rows()).toEqual([])
  },
)

test.each(WAYS)('it passes once when it comes again after approval (%s)', async (_, form) => {
  client.send(form(INSERT))
  await client.ready()
  await settle('approved')
  client.send(form(INSERT))
  expect(tagsOf(await client.ready())).toEqual(['INSERT 0 1'])
  await world.admin('delete from t')
  client.send(form(INSERT))
  expect(sqlstateOf(await client.ready())).toBe('55W01')
  expect(await rows()).toEqual([])
  expect(asked(1).reviewId).not.toBe(asked(0).reviewId)
})

test('while people are asked it is refused with the same id: no second question', async () => {
  const ids = []
  for (const from of [client, client, await another()]) {
    const error = (await from.query(INSERT)).find(({ type }) => type === 'E')
    ids.push(error && fieldOf(error, 'D'))
  }
  expect(new Set(ids).size).toBe(1)
  expect(new Set(world.reviews.questions.map(({ reviewId }) => reviewId)).size).toBe(1)
})

test('the question stays when the session goes, and another session may use the approval', async () => {
  await client.query(INSERT)
  const other = await another()
  client.socket.destroy()
  await world.audit.until('session.ended')
  expect(world.reviews.withdrawn).toEqual([])
  await settle('approved')
  expect(tagsOf(await other.query(INSERT))).toEqual(['INSERT 0 1'])
})

test('of two sessions at once, one gets it', async () => {
  await client.query(INSERT)
  const other = await another()
  await settle('approved')
  const answers = await Promise.all([client.query(INSERT), other.query(INSERT)])
  expect(answers.map((answer) => sqlstateOf(answer) ?? 'done').toSorted()).toEqual([
    '55W01',
    'done',
  ])
  expect(await rows()).toEqual([1])
})

test.each([
  ['other bytes', 'insert into t values (1) '],
  ['another value', 'insert into t values (2)'],
  ['a comment', 'insert into t /* x */ values (1)'],
])('%s is another command', async (_, sql) => {
  await client.query(INSERT)
  await settle('approved')
  expect(sqlstateOf(await client.query(sql))).toBe('55W01')
  expect(await rows()).toEqual([])
})

test('another parameter is another command, and so is a NULL', async () => {
  const sql = 'insert into t values ($1::text::int)'
  await client.extended(sql, ['1'])
  await settle('approved')
  expect(sqlstateOf(await client.extended(sql, ['2']))).toBe('55W01')
  expect(sqlstateOf(await client.extended(sql, [null]))).toBe('55W01')
  expect(await rows()).toEqual([])
  expect(tagsOf(await client.extended(sql, ['1']))).toEqual(['INSERT 0 1'])
})

test('the same bytes under another grant are another command', async () => {
  await client.query(INSERT)
  await settle('approved')
  const stranger = await WireClient.login({ port: world.port, role: 'retrier', token: 'good-2' })
  others.push(stranger)
  expect(sqlstateOf(await stranger.query(INSERT))).toBe('55W01')
  expect(await rows()).toEqual([])
})

test('a policy that changes after the approval ends it', async () => {
  await client.query(INSERT)
  await settle('approved')
  world.setPolicy({ roles: [RETRIER, { name: 'new', rules: 'allow: [{ effects: [read] }]' }] })
  expect(sqlstateOf(await client.query(INSERT))).toBe('55W01')
  expect(await rows()).toEqual([])
  expect(asked(1).digest).not.toBe(asked(0).digest)
})

test('a policy that blocks it after the approval blocks it', async () => {
  await client.query(INSERT)
  await settle('approved')
  world.setPolicy({ roles: [{ name: 'retrier', rules: 'allow: [{ effects: [read] }]' }] })
  expect(sqlstateOf(await client.query(INSERT))).toBe('42501')
  expect(await rows()).toEqual([])
})

test('names that mean something else after the approval make it another command', async () => {
  await world.admin('create view v as select a from t; create table other (a int)')
  const sql = 'create table copied as select * from v'
  await client.query(sql)
  await settle('approved')
  await world.admin('create or replace view v as select a from other')
  // Any definition that goes through the gateway makes it forget what it knew of names.
  const define = 'create table unrelated (a int)'
  await client.query(define)
  await settle('approved', asked(1))
  expect(tagsOf(await client.query(define))).toEqual(['CREATE TABLE'])
  expect(sqlstateOf(await client.query(sql))).toBe('55W01')
  expect(asked(2).text).toBe(asked(0).text)
  expect(asked(2).digest).not.toBe(asked(0).digest)
  await world.admin('drop view v; drop table other, unrelated')
})

test('a denial is told with its reason, and nobody is asked again', async () => {
  await client.query(INSERT)
  await settle('denied')
  for (const from of [client, await another(), client]) {
    const answer = await from.query(INSERT)
    const error = answer.find(({ type }) => type === 'E')
    expect(error && fieldOf(error, 'C')).toBe('42501')
    expect(error && fieldOf(error, 'M')).toContain('by okta/dana: not on a Friday')
  }
  expect(world.reviews.questions).toHaveLength(1)
  expect(await rows()).toEqual([])
})

test('when nobody can be asked it is refused, and the next time they are asked', async () => {
  const open = world.reviews.open.bind(world.reviews)
  world.reviews.open = () =>
    Promise.resolve({ ok: false, refusal: { code: 'CONTROL_PLANE_UNAVAILABLE', details: {} } })
  expect(sqlstateOf(await client.query(INSERT))).toBe('57P03')
  world.reviews.open = open
  expect(sqlstateOf(await client.query(INSERT))).toBe('55W01')
  expect(world.reviews.questions).toHaveLength(1)
})

test('when the store does not answer it is refused, and the session goes on', async () => {
  const take = world.releases.take.bind(world.releases)
  const { WarderError } = await import('../../../core/errors.js')
  world.releases.take = () => Promise.reject(new WarderError('CONTROL_PLANE_UNAVAILABLE'))
  expect(sqlstateOf(await client.query(INSERT))).toBe('57P03')
  world.releases.take = take
  expect(valuesOf(await client.query('select 8'))).toEqual(['8'])
})

test('a refusal fails the transaction that it comes in, as the target would', async () => {
  await client.query('begin')
  expect(statusOf(await client.query(INSERT))).toBe('E')
  await client.query('rollback')
})

test('the record says by which review it was let through, and that this one is used up', async () => {
  await client.query(INSERT)
  await settle('approved')
  const from = world.audit.events.length
  await client.query(INSERT)
  const { reviewId, digest } = asked()
  const used = await world.audit.until('release.used', from)
  expect(used.fields).toMatchObject({ reviewId, digest, release: `review ${reviewId}` })
  const intended = await world.audit.until('command.intended', from)
  expect(intended.fields).toMatchObject({ reviewId, release: `review ${reviewId}` })
  const kinds = world.audit.events.slice(from).map(({ kind }) => kind)
  expect(kinds.indexOf('release.used')).toBeLessThan(kinds.indexOf('command.intended'))
})

test('a grant that was revoked takes its approval along', async () => {
  await client.query(INSERT)
  await settle('approved')
  const id: GrantId = grantIdOf(requestId())
  await world.revoke(id)
  await client.rest()
  await expect(another()).rejects.toThrow('login refused: 28000')
  expect(await rows()).toEqual([])
})
