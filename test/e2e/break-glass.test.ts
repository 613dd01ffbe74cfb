// An emergency on a real Warder: it opens at once, and somebody else has to look at it afterwards.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { CommandLine } from './command-line.js'
import { API_POLL_MS, codeOf, Stage } from './stage.js'
import { until } from './until.js'

const PLAIN = 'role: migrator, for: 30m, max: 2h }'
const CAREFUL =
  'role: migrator, for: 30m, max: 2h, approval: { approvers: db-owners, timeout: 10m }, ' +
  'breakGlass: { approvers: db-owners, max: 1h, within: 1d } }'

let stage: Stage
let cli: CommandLine
let id: string

beforeAll(async () => {
  stage = await Stage.open({ policy: (policy) => policy.replace(PLAIN, CAREFUL) })
  await stage.start()
  cli = new CommandLine(stage)
})
afterAll(async () => {
  cli.close()
  await stage.close()
})

const EMERGENCY = { resource: 'orders-db', role: 'migrator', breakGlass: true }
const REASON = 'the replica is down'

const close = (player: 'ana' | 'maria' | 'migrate-job' | 'guest-job') =>
  cli.run(player, ['review-close', id, '--finding', 'justified', '--reason', 'incident 7'])

test('an emergency without a reason opens nothing', async () => {
  const { status, body } = await stage.call('migrate-job', 'POST', '/v1/requests', EMERGENCY)
  expect({ status, code: body['code'] }).toEqual({ status: 422, code: 'REASON_REQUIRED' })
})

test('a rule that knows no emergency gives none', async () => {
  const wish = { ...EMERGENCY, role: 'reader', reason: REASON }
  const { status, body } = await stage.call('guest-job', 'POST', '/v1/requests', wish)
  expect({ status, code: body['code'] }).toEqual({ status: 403, code: 'FORBIDDEN' })
})

test('an emergency opens at once, where others wait for people, and is loud in the log', async () => {
  const wish = { ...EMERGENCY, reason: REASON }
  const { status, body } = await stage.call('migrate-job', 'POST', '/v1/requests', wish)
  expect({ status, state: body['state'] }).toEqual({ status: 201, state: 'active' })
  id = String(body['id'])
  const [entry, ...others] = await stage.log('grant.break-glass')
  expect(others).toEqual([])
  expect(entry?.fields).toMatchObject({ requestId: id, reason: REASON, approvers: 'db-owners' })
  const { client } = await stage.connect()
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  expect(await codeOf(client.query('DROP TABLE orders'))).not.toBe('it ran')
  await client.end()
})

test('while the grant runs, its review can’t be closed', async () => {
  const { code, err } = await close('ana')
  expect(code).not.toBe(0)
  expect(err).toContain('still runs')
})

test('once the grant is over, its review waits for people', async () => {
  const { status } = await stage.call('migrate-job', 'POST', `/v1/requests/${id}/complete`)
  expect(status).toBe(200)
  const due = await until(
    'the review is due',
    15_000,
    async () => (await stage.inbox()).find((item) => item.id === id),
    API_POLL_MS,
  )
  expect(due.state).toBe('review-due')
})

test.each([
  ['who triggered the job', 'maria', /own|party|behind/i],
  ['the job itself', 'migrate-job', /./],
  ['somebody of no such group', 'guest-job', /./],
] as const)('%s can’t close it', async (_who, player, why) => {
  const { code, err } = await close(player)
  expect(code).toBe(77)
  expect(err).toMatch(why)
  expect((await stage.item(id)).state).toBe('review-due')
})

test('another person closes it, once, and the log says what was found', async () => {
  expect(await close('ana')).toMatchObject({ code: 0, err: '' })
  const ended = await until(
    'the request is over',
    15_000,
    async () => ((await stage.item(id)).state === 'ended' ? true : undefined),
    API_POLL_MS,
  )
  expect(ended).toBe(true)
  const [entry] = await stage.log('break-glass.closed')
  expect(entry?.fields).toMatchObject({ requestId: id, finding: 'justified', by: 'test/ana' })
  expect((await close('ana')).code).not.toBe(0)
  expect(await stage.log('break-glass.closed')).toHaveLength(1)
  expect(await stage.logProblems()).toEqual([])
})
