import type { FastifyInstance } from 'fastify'
import { beforeEach, expect, test } from 'vitest'
import { granted, refused } from '../../../core/errors.js'
import { buildApi } from '../../../web/api/server.js'
import { FakeWarder } from '../../fakes/api-ports.js'
import { call } from './call.js'

let warder: FakeWarder
let api: FastifyInstance

beforeEach(() => {
  warder = new FakeWarder()
  api = buildApi(warder.dependencies())
})

const idsSeenBy = async (as: string): Promise<unknown[]> => {
  const { body } = await call(api, as, 'GET', '/v1/inbox?state=pending')
  return (body['items'] as { id: string }[]).map(({ id }) => id)
}

test('everybody sees in the inbox what concerns him, and no more', async () => {
  const mine = warder.request('job')
  const review = warder.review('other-job', 'DROP TABLE orders')
  const unasked = warder.request('other-job', { approval: undefined })
  expect(await idsSeenBy('stranger')).toEqual([])
  expect(await idsSeenBy('job')).toEqual([mine.id])
  expect(await idsSeenBy('dana')).toEqual([mine.id, review.id])
  expect(await idsSeenBy('ada')).toEqual([unasked.id, mine.id, review.id])
})

test('a review shows all that its decision is about', async () => {
  const { id } = warder.review('job', 'DROP TABLE orders')
  const { body } = await call(api, 'dana', 'GET', `/v1/inbox/${id}`)
  expect(body).toMatchObject({
    text: 'DROP TABLE orders',
    effect: 'ddl',
    principal: 'ci/repo:acme/orders',
    parties: ['okta/pat'],
    digest: 'd'.repeat(64),
    reasons: [{ code: 'ask-line', text: 'role migrator, ask line 1' }],
  })
})

test('a decision is handed on with who, which groups, where and when', async () => {
  const { id } = warder.review('job', 'DROP TABLE orders')
  const body = { id, answer: 'approve', reason: 'seen', channel: 'cli' }
  const answer = await call(api, 'dana', 'POST', '/v1/decisions', body)
  expect(answer.body).toEqual({ id, state: 'approved' })
  expect(warder.calls[0]?.[2]).toMatchObject({
    answer: 'approve',
    approver: { subject: 'dana' },
    memberOf: ['db-owners'],
    reason: 'seen',
    channel: 'cli',
    at: warder.clock.now(),
  })
})

test.each([
  'SELF_APPROVAL',
  'NOT_ENTITLED',
  'ALREADY_DECIDED',
  'CONTROL_PLANE_UNAVAILABLE',
] as const)('an answer that the service refuses with %s is refused with it', async (code) => {
  const { id } = warder.request('job')
  warder.decideAnswer = refused(code)
  const answer = await call(api, 'pat', 'POST', '/v1/decisions', { id, answer: 'approve' })
  expect(answer.body['code']).toBe(code)
})

test.each([
  ['a stranger', 'stranger', { answer: 'approve' }, 404],
  ['a word that is no answer', 'dana', { answer: 'maybe' }, 400],
  ['a decision in the name of another', 'dana', { answer: 'approve', by: 'okta/pat' }, 400],
  ['a decision claimed to come from chat', 'dana', { answer: 'approve', channel: 'slack' }, 400],
])('%s decides nothing', async (_, as, body, status) => {
  const { id } = warder.request('job')
  const answer = await call(api, as, 'POST', '/v1/decisions', { id, ...body })
  expect(answer.status).toBe(status)
  expect(warder.calls).toEqual([])
})

test('of a quorum of two, one answer leaves the item pending', async () => {
  const { id } = warder.request('job')
  warder.decideAnswer = granted('pending')
  const answer = await call(api, 'dana', 'POST', '/v1/decisions', { id, answer: 'approve' })
  expect(answer.body['state']).toBe('pending')
})

test('on-call revokes by id, principal or resource, and gets a receipt', async () => {
  const { id } = warder.request('job', { state: 'active' })
  const selectors = [{ id }, { principal: 'ci/repo:acme/orders' }, { resource: 'orders-db' }]
  for (const selector of selectors) {
    const answer = await call(api, 'otto', 'POST', '/v1/revocations', {
      ...selector,
      reason: 'leaked',
    })
    expect(answer.body).toMatchObject({ sessionsCut: 2, grants: [{ id: 'grt_fake0001' }] })
  }
  expect(warder.calls.map(([, selector]) => (selector as { kind: string }).kind)).toEqual([
    'request',
    'principal',
    'resource',
  ])
})

test.each([
  ['nothing', 'otto', { reason: '' }, 400],
  ['two things at once', 'otto', { reason: '', resource: 'a', principal: 'ci/x' }, 400],
  ['without a reason', 'otto', { resource: 'a' }, 400],
  ['by an approver', 'dana', { reason: '', resource: 'a' }, 403],
  ['by the job', 'job', { reason: '', resource: 'a' }, 403],
  ['by an auditor', 'ada', { reason: '', resource: 'a' }, 403],
])('revoking %s is refused', async (_, as, body, status) => {
  expect((await call(api, as, 'POST', '/v1/revocations', body)).status).toBe(status)
  expect(warder.calls).toEqual([])
})

test.each([
  '/v1/audit',
  '/v1/audit/export',
  '/v1/audit/verify',
  '/v1/audit/anchor',
  '/v1/audit/keys',
  '/v1/sessions/ses_fake0001/replay',
])('%s is for auditors only', async (url) => {
  for (const as of ['job', 'dana', 'otto', 'stranger']) {
    const answer = await call(api, as, 'GET', url)
    expect(answer.body['code']).toBe('NOT_ENTITLED')
  }
  expect(warder.calls).toEqual([])
})

test('an auditor filters the log', async () => {
  warder.entries = [{ chain: 'gwy_a', seq: 1, at: 5, kind: 'grant.opened', fields: { by: 'x' } }]
  const url = '/v1/audit?kind=grant.opened&requestId=grt_fake0001&from=1&limit=5'
  const { body } = await call(api, 'ada', 'GET', url)
  expect(body['entries']).toEqual(warder.entries)
  expect(warder.calls[0]).toEqual([
    'query',
    { kinds: ['grant.opened'], requestId: 'req_fake0001', from: 1 },
    { limitCount: 5, before: undefined },
  ])
})

test.each(['limit=0', 'limit=501', 'kind=x', 'from=yesterday', 'nonsense=1', 'principal=x'])(
  'the filter %s is refused',
  async (query) => {
    expect((await call(api, 'ada', 'GET', `/v1/audit?${query}`)).status).toBe(400)
  },
)

test('the export streams lines as they are', async () => {
  const answer = await call(api, 'ada', 'GET', '/v1/audit/export')
  expect(answer.headers['content-type']).toContain('application/x-ndjson')
  expect(answer.text).toBe('{"seq":1}\n{"seq":2}\n')
})

test('a session that nobody knows has no replay', async () => {
  const answer = await call(api, 'ada', 'GET', '/v1/sessions/ses_never0001/replay')
  expect(answer.status).toBe(404)
})

test('a replay streams its lines, and says who asked for them', async () => {
  warder.replayLines = [{ type: 'end' }]
  const answer = await call(api, 'ada', 'GET', '/v1/sessions/ses_fake0001/replay')
  expect(answer.headers['content-type']).toContain('application/x-ndjson')
  expect(answer.text).toBe('{"type":"end"}\n')
  expect(warder.calls).toEqual([['replay', 'ses_fake0001', 'okta/ada']])
})

test('a policy is applied or only compared, by those who may', async () => {
  const dry = await call(api, 'otto', 'POST', '/v1/policies', { source: 'x', dryRun: true })
  expect(dry.body).toMatchObject({ changes: ['adds role x'] })
  expect(dry.body).not.toHaveProperty('version')
  const applied = await call(api, 'otto', 'POST', '/v1/policies', { source: 'x' })
  expect(applied.body['version']).toBe(2)
})

test('a policy that is not valid is refused with its mistake', async () => {
  const answer = await call(api, 'otto', 'POST', '/v1/policies', { source: 'broken' })
  expect(answer.status).toBe(422)
  expect(answer.body['detail']).toContain('alow')
})

test('a policy of a megabyte fits, a longer one does not', async () => {
  const send = (bytes: number) =>
    call(api, 'otto', 'POST', '/v1/policies', { source: 'x'.repeat(bytes), dryRun: true })
  expect((await send(1024 * 1024)).status).toBe(200)
  expect((await send(1024 * 1024 + 1)).status).toBe(400)
  expect((await send(3 * 1024 * 1024)).status).toBe(413)
})

test.each([
  ['POST', '/v1/policies', { source: 'x' }],
  ['PUT', '/v1/secrets/orders', { value: 'x' }],
  ['GET', '/v1/policies/current', undefined],
] as const)('%s %s is refused to whoever lacks the duty', async (method, url, body) => {
  for (const as of ['job', 'dana', 'stranger'])
    expect((await call(api, as, method, url, body)).body['code']).toBe('NOT_ENTITLED')
  expect(warder.calls).toEqual([])
})

test('a secret goes in and does not come back', async () => {
  const answer = await call(api, 'otto', 'PUT', '/v1/secrets/orders', { value: 'hunter2' })
  expect(answer.text).toBe('{"name":"orders","version":1}')
})

test.each([
  ['an empty value', '/v1/secrets/orders', { value: '' }],
  ['a value without end', '/v1/secrets/orders', { value: 'x'.repeat(32 * 1024 + 1) }],
  ['a name that is a path', '/v1/secrets/..%2Forders', { value: 'x' }],
])('a secret with %s is refused', async (_, url, body) => {
  expect((await call(api, 'otto', 'PUT', url, body)).status).toBe(400)
})

const DUE = {
  ...{ state: 'review-due' as const, approval: undefined, deadlineAt: undefined },
  breakGlass: { approvers: 'db-owners', commands: 'ask' as const, dueAt: 5, isOverdue: true },
}
const FOUND = { finding: 'justified', reason: 'saw the recording', channel: 'cli' }

test('a break-glass is seen by the group that has to review it, and closed by its members', async () => {
  const { id } = warder.request('job', DUE)
  expect((await call(api, 'stranger', 'GET', `/v1/inbox/${id}`)).status).toBe(404)
  const seen = await call(api, 'dana', 'GET', `/v1/inbox/${id}`)
  expect(seen.body).toMatchObject({
    state: 'review-due',
    breakGlass: { isOverdue: true, dueAt: 5 },
  })
  const answer = await call(api, 'dana', 'POST', `/v1/requests/${id}/closure`, FOUND)
  expect(answer.body).toEqual({ id, state: 'ended' })
  expect(warder.calls.at(-1)).toMatchObject([
    'review',
    id,
    { ...FOUND, reviewer: { subject: 'dana' }, memberOf: ['db-owners'] },
  ])
})

test.each([
  ['a stranger', 'stranger', FOUND, 404],
  ['no finding', 'dana', { reason: 'x' }, 400],
  ['a finding of its own', 'dana', { ...FOUND, finding: 'fine' }, 400],
  ['no reason', 'dana', { finding: 'justified' }, 400],
  ['the name of another', 'dana', { ...FOUND, by: 'okta/pat' }, 400],
])('%s closes no break-glass', async (_, as, body, status) => {
  const { id } = warder.request('job', DUE)
  const answer = await call(api, as, 'POST', `/v1/requests/${id}/closure`, body)
  expect(answer.status).toBe(status)
  expect(warder.calls).toEqual([])
})

test('the second group sees a question once it is escalated, and not before', async () => {
  const escalation = { to: 'db-owners', afterMs: 1 }
  const approval = { approvers: 'others', quorum: 1, timeoutMs: 9, escalation }
  const waiting = warder.request('job', { approval })
  expect(await idsSeenBy('dana')).toEqual([])
  warder.change(waiting.id, { escalatedTo: 'db-owners', escalatedAt: 2 })
  expect(await idsSeenBy('dana')).toEqual([waiting.id])
})
