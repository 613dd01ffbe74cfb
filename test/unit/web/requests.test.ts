import type { FastifyInstance } from 'fastify'
import { beforeEach, expect, test } from 'vitest'
import { refused, WarderError } from '../../../core/errors.js'
import { buildApi } from '../../../web/api/server.js'
import { FakeWarder, type OpenScript } from '../../fakes/api-ports.js'
import { call } from './call.js'

let warder: FakeWarder
let api: FastifyInstance

beforeEach(() => {
  warder = new FakeWarder()
  api = buildApi(warder.dependencies())
})

const WISH = { resource: 'orders-db', role: 'migrator', reason: 'migration 42', origin: 'exec' }
/** People are asked; the inbox knows it. */
const pending: OpenScript = (question, onPending) => {
  const id = question.requestId
  const item = warder.request(
    question.principal.subject === 'repo:acme/orders' ? 'job' : 'other-job',
  )
  warder.items.delete(item.id)
  warder.items.set(id, { ...item, id, question })
  onPending({ requestId: id, approval: { approvers: 'db-owners', quorum: 1, timeoutMs: 1 } })
  return new Promise(() => undefined)
}
const open = (as: string, changes: Record<string, unknown> = {}) =>
  call(api, as, 'POST', '/v1/requests', { ...WISH, ...changes })

test.each([
  ['no resource', { resource: undefined }],
  ['a resource with a dot', { resource: 'orders.db' }],
  ['a role with a slash', { role: 'a/b' }],
  ['a reason without end', { reason: 'x'.repeat(2_001) }],
  ['a length of time that is a text', { durationMs: '30m' }],
  ['a length of time of nothing', { durationMs: 0 }],
  ['a length of time of a year', { durationMs: 365 * 86_400_000 }],
  ['the origin of a connection', { origin: 'connect' }],
  ['an unknown field', { principal: 'ci/root' }],
])('a request with %s is refused', async (_, changes) => {
  const answer = await open('job', changes)
  expect(answer.status).toBe(400)
  expect(answer.body['code']).toBe('INVALID_ARGUMENT')
  expect(warder.calls).toEqual([])
})

test('a request is opened as whoever the token says, and is active at once', async () => {
  const answer = await open('job')
  expect(answer.status).toBe(201)
  expect(answer.body).toEqual({ id: 'req_new00001', state: 'active' })
  expect(warder.calls[0]?.[1]).toMatchObject({
    requestId: 'req_new00001',
    principal: { issuer: 'ci', subject: 'repo:acme/orders' },
    origin: 'exec',
  })
})

test('a plan comes with its request as statements, not as the text that was sent', async () => {
  expect((await open('job', { plan: 'drop table a;drop table b' })).status).toBe(201)
  expect(warder.calls[0]?.[1]).toMatchObject({
    plan: {
      digest: 'f'.repeat(64),
      steps: [{ text: 'drop table a' }, { text: 'drop table b', parts: [{ kind: 'drop-table' }] }],
    },
  })
})

test.each([
  ['that can’t be read', ''],
  ['that is too long', 'x'.repeat(65_537)],
])('a plan %s is refused, and nobody is asked', async (_, plan) => {
  expect((await open('job', { plan })).status).toBe(400)
  expect(warder.calls).toEqual([])
})

test('a request that waits for people is answered with its id while it waits', async () => {
  warder.open = pending
  const answer = await open('job')
  expect(answer.status).toBe(201)
  expect(answer.body['state']).toBe('pending')
})

test('what one replica opened another one shows, and nobody else sees it', async () => {
  warder.open = pending
  const { body } = await open('job')
  const other = buildApi(warder.dependencies())
  const url = `/v1/requests/${String(body['id'])}`
  expect((await call(other, 'job', 'GET', url)).body['state']).toBe('pending')
  expect((await call(other, 'other-job', 'GET', url)).status).toBe(404)
})

test.each([
  ['FORBIDDEN', 403],
  ['REQUEST_DENIED', 403],
  ['CONTROL_PLANE_UNAVAILABLE', 503],
] as const)('a request that is over at once answers %s', async (code, status) => {
  warder.open = () => Promise.resolve(refused(code, { what: 'orders-db' }))
  const answer = await open('job')
  expect(answer.status).toBe(status)
  expect(answer.body).toMatchObject({ code, id: 'req_new00001' })
})

test('a failure while opening is told, and nothing of its inside', async () => {
  warder.open = () => Promise.reject(new WarderError('CONTROL_PLANE_UNAVAILABLE'))
  expect((await open('job')).status).toBe(503)
  warder.open = () => Promise.reject(new TypeError('bug'))
  const { status, text } = await open('job')
  expect(status).toBe(500)
  expect(text).not.toContain('bug')
})

test('one job can not have more than twenty requests waiting, on whatever replica', async () => {
  warder.open = pending
  const replicas = [api, buildApi(warder.dependencies())]
  for (const replica of replicas)
    for (let index = 0; index < 10; index += 1)
      expect((await call(replica, 'job', 'POST', '/v1/requests', WISH)).status).toBe(201)
  const answer = await open('job')
  expect(answer.status).toBe(429)
  expect(answer.headers['retry-after']).toBe('1')
  expect((await open('other-job')).status).toBe(201)
})

test('unknown and forbidden requests answer in the same words', async () => {
  const { id } = warder.request('job')
  const forbidden = await call(api, 'stranger', 'GET', `/v1/requests/${id}`)
  const unknown = await call(api, 'stranger', 'GET', '/v1/requests/req_never0001')
  const words = (body: Record<string, unknown>) =>
    JSON.stringify({ ...body, instance: '' }).replaceAll(/req_\w+/g, 'ID')
  expect(forbidden.status).toBe(404)
  expect(words(forbidden.body)).toBe(words(unknown.body))
})

test.each(['req_', 'req_x', 'ses_fake0001', 'req_%00%00%00%00%00%00', `req_${'x'.repeat(65)}`])(
  'the id %s is refused',
  async (id) => {
    expect((await call(api, 'job', 'GET', `/v1/requests/${id}`)).status).toBe(400)
  },
)

test('waiting answers when the request is decided', async () => {
  const { id } = warder.request('job')
  let looks = 0
  warder.onLook = () => {
    looks += 1
    if (looks === 2) warder.change(id, { state: 'active' })
  }
  const answer = await call(api, 'job', 'GET', `/v1/requests/${id}/decision?waitS=30`)
  expect(answer.body['state']).toBe('active')
  expect(looks).toBe(2)
})

test('waiting ends when its time is over', async () => {
  const { id } = warder.request('job')
  warder.onLook = () => {
    warder.clock.advance(20_000)
  }
  const answer = await call(api, 'job', 'GET', `/v1/requests/${id}/decision?waitS=30`)
  expect(answer.body['state']).toBe('pending')
})

test.each(['61', '-1', '1.5', 'long'])('waiting for %s seconds is refused', async (waitS) => {
  const { id } = warder.request('job')
  const answer = await call(api, 'job', 'GET', `/v1/requests/${id}/decision?waitS=${waitS}`)
  expect(answer.status).toBe(400)
})

test('a decision that another replica took ends the wait here', async () => {
  const { id } = warder.request('job')
  const other = buildApi(warder.dependencies())
  let looks = 0
  warder.onLook = () => {
    looks += 1
    // What the workflow writes once the other replica has passed the answer on.
    if (looks === 2) warder.change(id, { state: 'denied' })
  }
  const answer = await call(other, 'job', 'GET', `/v1/requests/${id}/decision?waitS=60`)
  expect(answer.body['state']).toBe('denied')
})

test('a held command is waited for in the same way', async () => {
  const { id } = warder.review('job', 'DROP TABLE orders')
  warder.onLook = () => {
    const item = warder.items.get(id)
    if (item?.kind === 'review') warder.items.set(id, { ...item, state: 'approved' })
  }
  const answer = await call(api, 'job', 'GET', `/v1/requests/${id}/decision?waitS=30`)
  expect(answer.body).toMatchObject({ kind: 'review', state: 'approved' })
})

test('nobody waits for what he may not see', async () => {
  const { id } = warder.request('job')
  const answer = await call(api, 'stranger', 'GET', `/v1/requests/${id}/decision?waitS=60`)
  expect(answer.status).toBe(404)
})

test('what a requester sees holds no digest of his token', async () => {
  const { id, question } = warder.request('job')
  const { text } = await call(api, 'job', 'GET', `/v1/requests/${id}`)
  expect(text).not.toContain(question.tokenDigest)
  expect(text).not.toContain(question.principalKey)
})

test('completing an active request completes it, by either id', async () => {
  const { id } = warder.request('job', { state: 'active' })
  const grant = id.replace('req_', 'grt_')
  expect((await call(api, 'job', 'POST', `/v1/requests/${grant}/complete`, {})).status).toBe(200)
  expect(warder.calls).toEqual([['complete', id]])
})

test('completing a request that still waits withdraws it', async () => {
  const { id } = warder.request('job')
  await call(api, 'job', 'POST', `/v1/requests/${id}/complete`, {})
  expect(warder.calls[0]?.[0]).toBe('withdraw')
})

test.each([
  ['another job', 'other-job', 404],
  ['an approver', 'dana', 403],
  ['on-call', 'otto', 403],
])('%s can not complete a request', async (_, as, status) => {
  const { id } = warder.request('job', { state: 'active' })
  expect((await call(api, as, 'POST', `/v1/requests/${id}/complete`, {})).status).toBe(status)
  expect(warder.calls).toEqual([])
})

test('a requester extends what nobody had to approve', async () => {
  const { id } = warder.request('job', { state: 'active', approval: undefined })
  const answer = await call(api, 'job', 'POST', '/v1/extensions', { id, byMs: 60_000 })
  expect(answer.status).toBe(200)
  expect(warder.calls).toEqual([['extend', id, 60_000, 'ci/repo:acme/orders']])
})

test.each([
  ['the requester himself', 'job', 'SELF_APPROVAL'],
  ['the person behind the job', 'pat', 'SELF_APPROVAL'],
  ['on-call outside the group', 'otto', 'NOT_ENTITLED'],
  ['an auditor', 'ada', 'NOT_ENTITLED'],
  ['a stranger', 'stranger', 'NOT_FOUND'],
])('%s does not extend what others approved', async (_, as, code) => {
  const { id } = warder.request('job', { state: 'active' })
  const answer = await call(api, as, 'POST', '/v1/extensions', { id, byMs: 60_000 })
  expect(answer.body['code']).toBe(code)
  expect(warder.calls).toEqual([])
})

test('those who approved it extend it', async () => {
  const { id } = warder.request('job', { state: 'active' })
  const answer = await call(api, 'dana', 'POST', '/v1/extensions', { id, byMs: 60_000 })
  expect(answer.status).toBe(200)
})
