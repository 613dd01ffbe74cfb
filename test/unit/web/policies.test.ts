// Versions, differences and proposals over the API, and who may see or decide what.

import type { FastifyInstance } from 'fastify'
import { beforeEach, expect, test } from 'vitest'
import { refused } from '../../../core/errors.js'
import { buildApi } from '../../../web/api/server.js'
import { FakeWarder } from '../../fakes/api-ports.js'
import { call } from './call.js'

let warder: FakeWarder
let api: FastifyInstance

beforeEach(() => {
  warder = new FakeWarder()
  api = buildApi(warder.dependencies())
  warder.versions = [1, 2, 3].map((version) => ({
    ...{ version, digest: 'd', source: 's', by: 'okta/otto', at: version, reason: 'because' },
  }))
  warder.proposals = [
    {
      ...{ id: 'pol_fake0001', state: 'pending', digest: 'd', base: 3, by: 'okta/ann' },
      ...{ reason: '', at: 1, expiresAt: 2 },
    },
  ]
})

test('versions come in pages, newest first, without their text', async () => {
  const first = await call(api, 'otto', 'GET', '/v1/policies?limit=2')
  expect(first.body).toMatchObject({ versions: [{ version: 3 }, { version: 2 }], next: 2 })
  expect(first.text).not.toContain('source')
  const second = await call(api, 'ada', 'GET', '/v1/policies?limit=2&before=2')
  expect(second.body).toMatchObject({ versions: [{ version: 1 }] })
  expect(second.body).not.toHaveProperty('next')
})

test.each(['limit=0', 'limit=501', 'limit=x', 'before=-1', 'after=1'])(
  'a page of %s is refused',
  async (query) => {
    expect((await call(api, 'otto', 'GET', `/v1/policies?${query}`)).status).toBe(400)
  },
)

test('one version, or that there is none', async () => {
  expect((await call(api, 'otto', 'GET', '/v1/policies/2')).body).toMatchObject({ source: 's' })
  expect((await call(api, 'otto', 'GET', '/v1/policies/9')).status).toBe(404)
  expect((await call(api, 'otto', 'GET', '/v1/policies/latest')).status).toBe(400)
})

test.each([
  ['GET', '/v1/policies'],
  ['GET', '/v1/policies/1'],
  ['GET', '/v1/policies/current'],
  ['GET', '/v1/policies/processes'],
  ['GET', '/v1/policies/difference?from=1&to=2'],
  ['GET', '/v1/policies/proposals'],
  ['GET', '/v1/policies/proposals/pol_fake0001'],
] as const)('%s %s is refused to whoever has no duty for it', async (method, url) => {
  for (const as of ['job', 'dana', 'stranger'])
    expect((await call(api, as, method, url)).body['code']).toBe('NOT_ENTITLED')
  expect(warder.calls).toEqual([])
})

test.each([
  ['/v1/policies/1/rollback', { reason: 'x' }],
  ['/v1/policies/proposals/pol_fake0001/decision', { answer: 'confirm' }],
  ['/v1/policies/proposals/pol_fake0001/decision', { answer: 'reject', reason: 'x' }],
])('POST %s is refused to an auditor', async (url, body) => {
  expect((await call(api, 'ada', 'POST', url, body)).body['code']).toBe('NOT_ENTITLED')
  expect(warder.calls).toEqual([])
})

test('what is expected and why reach the port with the person', async () => {
  const body = { source: 'x', expect: 3, reason: 'ticket 1' }
  await call(api, 'otto', 'POST', '/v1/policies', body)
  await call(api, 'otto', 'POST', '/v1/policies/1/rollback', { reason: 'incident', dryRun: true })
  expect(warder.calls).toEqual([
    ['apply', { ...body, dryRun: false }, 'okta/otto'],
    ['rollback', 1, { reason: 'incident', dryRun: true }, 'okta/otto'],
  ])
})

test('a decision says what became of the proposal', async () => {
  const url = '/v1/policies/proposals/pol_fake0001/decision'
  expect((await call(api, 'otto', 'POST', url, { answer: 'confirm' })).body).toEqual({
    ...{ id: 'pol_fake0001', state: 'applied', version: 2 },
  })
  expect((await call(api, 'otto', 'POST', url, { answer: 'reject', reason: 'no' })).body).toEqual({
    ...{ id: 'pol_fake0001', state: 'rejected' },
  })
  expect((await call(api, 'otto', 'POST', url, { answer: 'maybe' })).status).toBe(400)
})

test.each([
  ['SELF_APPROVAL', 403],
  ['POLICY_CONFLICT', 409],
  ['ALREADY_DECIDED', 409],
] as const)('%s is answered with %i', async (code, status) => {
  warder.confirmAnswer = refused(code)
  const url = '/v1/policies/proposals/pol_fake0001/decision'
  const answer = await call(api, 'otto', 'POST', url, { answer: 'confirm' })
  expect([answer.status, answer.body['code']]).toEqual([status, code])
})
