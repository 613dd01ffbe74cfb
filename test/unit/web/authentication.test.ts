import type { FastifyInstance } from 'fastify'
import { beforeEach, expect, test } from 'vitest'
import { WarderError } from '../../../core/errors.js'
import { buildApi, listenApi } from '../../../web/api/server.js'
import { FakeWarder } from '../../fakes/api-ports.js'
import { call } from './call.js'

let warder: FakeWarder
let api: FastifyInstance

beforeEach(() => {
  warder = new FakeWarder()
  api = buildApi(warder.dependencies())
})

const ROUTES = [
  ['POST', '/v1/requests'],
  ['GET', '/v1/requests/req_fake0001'],
  ['GET', '/v1/requests/req_fake0001/decision'],
  ['POST', '/v1/requests/req_fake0001/complete'],
  ['POST', '/v1/extensions'],
  ['GET', '/v1/inbox'],
  ['GET', '/v1/inbox/req_fake0001'],
  ['POST', '/v1/decisions'],
  ['POST', '/v1/requests/req_fake0001/closure'],
  ['POST', '/v1/revocations'],
  ['GET', '/v1/audit'],
  ['GET', '/v1/audit/export'],
  ['GET', '/v1/audit/verify'],
  ['GET', '/v1/audit/anchor'],
  ['GET', '/v1/audit/keys'],
  ['GET', '/v1/sessions/ses_fake0001/replay'],
  ['POST', '/v1/policies'],
  ['GET', '/v1/policies'],
  ['GET', '/v1/policies/current'],
  ['GET', '/v1/policies/difference?from=1&to=2'],
  ['GET', '/v1/policies/processes'],
  ['GET', '/v1/policies/proposals'],
  ['GET', '/v1/policies/proposals/pol_fake0001'],
  ['POST', '/v1/policies/proposals/pol_fake0001/decision'],
  ['GET', '/v1/policies/1'],
  ['POST', '/v1/policies/1/rollback'],
  ['PUT', '/v1/secrets/orders'],
  ['POST', '/v1/resources/orders-db/rotation'],
  ['POST', '/v1/service-keys'],
  ['GET', '/v1/service-keys'],
  ['POST', '/v1/service-keys/nightly/revocation'],
  ['GET', '/v1/whoami'],
  ['GET', '/v1/gateway'],
  ['GET', '/v1/readiness'],
] as const

test.each(ROUTES)('%s %s is refused without a token', async (method, url) => {
  const answer = await call(api, '', method, url)
  expect(answer.status).toBe(401)
  expect(answer.body['code']).toBe('UNAUTHENTICATED')
  expect(answer.headers['www-authenticate']).toBe('Bearer')
  expect(warder.calls).toEqual([])
})

test('a caller who is not authenticated goes on record with his address', async () => {
  await call(api, 'expired', 'GET', '/v1/whoami')
  expect(warder.refusedCallers).toEqual(['127.0.0.1 UNAUTHENTICATED'])
  await call(api, 'job', 'GET', '/v1/whoami')
  expect(warder.refusedCallers).toHaveLength(1)
})

test('every route that is mounted stands in the list above', () => {
  const mounted = api.printRoutes({ commonPrefix: false, includeHooks: false })
  const count = [...mounted.matchAll(/\b(?:GET|POST|PUT|DELETE|PATCH)\b/g)].length
  expect(count).toBe(ROUTES.length + 3)
})

test('a token that proves nothing is refused with the reason', async () => {
  const answer = await call(api, 'expired', 'GET', '/v1/whoami')
  expect(answer.status).toBe(401)
  expect(answer.body['detail']).toBe('The token was not accepted: expired 12 s ago.')
  expect(answer.headers['content-type']).toContain('application/problem+json')
})

test.each(['Basic am9iOg==', 'Bearer', 'Bearer a b', 'job', 'Bearer job, Bearer dana'])(
  'the header %s is not a bearer token',
  async (authorization) => {
    const answer = await api.inject({ url: '/v1/whoami', headers: { authorization } })
    expect(answer.statusCode).toBe(401)
  },
)

test('a token in the query is not taken', async () => {
  const answer = await call(api, '', 'GET', '/v1/whoami?access_token=job')
  expect(answer.status).toBe(401)
})

test('failed authentications use up what an address may try, valid tokens included', async () => {
  for (let index = 0; index < 30; index += 1) await call(api, 'junk', 'GET', '/v1/whoami')
  const answer = await call(api, 'job', 'GET', '/v1/whoami')
  expect(answer.status).toBe(429)
  expect(answer.headers['retry-after']).toBe('1')
  expect(answer.headers['ratelimit']).toBeUndefined()
  warder.clock.advance(1_000)
  expect((await call(api, 'job', 'GET', '/v1/whoami')).status).toBe(200)
})

test('one principal who calls too often does not slow another down', async () => {
  for (let index = 0; index < 60; index += 1) await call(api, 'job', 'GET', '/v1/whoami')
  expect((await call(api, 'job', 'GET', '/v1/whoami')).status).toBe(429)
  expect((await call(api, 'dana', 'GET', '/v1/whoami')).status).toBe(200)
  warder.clock.advance(100)
  expect((await call(api, 'job', 'GET', '/v1/whoami')).status).toBe(200)
})

test('every authenticated answer says how many calls are left, and of how many', async () => {
  const first = await call(api, 'job', 'GET', '/v1/whoami')
  expect(first.headers['ratelimit-policy']).toBe('"principal";q=60;w=3')
  expect(first.headers['ratelimit']).toBe('"principal";r=59;t=1')
  const second = await call(api, 'job', 'GET', '/v1/nowhere')
  expect(second.headers['ratelimit']).toBeUndefined()
  expect((await call(api, 'job', 'GET', '/v1/whoami')).headers['ratelimit']).toContain('r=58')
})

test('health needs no token and says nothing else', async () => {
  const answer = await call(api, '', 'GET', '/healthz')
  expect(answer.body).toEqual({ status: 'ok' })
})

test('an unknown path is a problem too', async () => {
  const answer = await call(api, 'job', 'DELETE', '/v1/requests')
  expect(answer.status).toBe(404)
  expect(answer.body['code']).toBe('NOT_FOUND')
})

test('whoami tells what policy makes of a caller', async () => {
  const { body } = await call(api, 'dana', 'GET', '/v1/whoami')
  expect(body).toMatchObject({ principal: 'okta/dana', approverGroups: ['db-owners'], duties: [] })
})

test('no token and no secret reaches the log', async () => {
  const lines: string[] = []
  const logging = buildApi(warder.dependencies(), {
    log: { level: 'trace', write: (line) => lines.push(line) },
  })
  await call(logging, 'otto', 'PUT', '/v1/secrets/orders', { value: 'hunter2' })
  expect(lines.join('')).toContain('/v1/secrets/orders')
  expect(lines.join('')).not.toContain('hunter2')
  expect(lines.join('')).not.toContain('Bearer')
})

test('plain HTTP is not served beyond loopback', async () => {
  const refusal = await listenApi(api, {}, { host: '0.0.0.0', port: 0 }).catch((e: unknown) => e)
  expect(refusal).toBeInstanceOf(WarderError)
  expect(refusal).toMatchObject({ code: 'TLS_REQUIRED' })
})

test('a body is too long, of another kind, or not JSON: each is a problem', async () => {
  const headers = { authorization: 'Bearer job' }
  const send = (type: string, payload: string) =>
    api.inject({
      method: 'POST',
      url: '/v1/requests',
      headers: { ...headers, 'content-type': type },
      payload,
    })
  expect((await send('application/json', `"${'x'.repeat(600_000)}"`)).statusCode).toBe(413)
  expect((await send('text/plain', 'hi')).statusCode).toBe(415)
  const malformed = await send('application/json', '{"a":')
  expect(malformed.statusCode).toBe(400)
  expect(malformed.json()).toMatchObject({ code: 'INVALID_ARGUMENT' })
  const polluting = await send('application/json', '{"__proto__":{"x":1}}')
  expect(polluting.statusCode).toBe(400)
})

test('a failure of ours is a 500 that says nothing of its inside', async () => {
  warder.onLook = () => {
    throw new TypeError('secret detail')
  }
  const answer = await call(api, 'job', 'GET', '/v1/requests/req_fake0001')
  expect(answer.status).toBe(500)
  expect(answer.text).not.toContain('secret detail')
  expect(answer.body['code']).toBe('INTERNAL')
  expect(answer.body['id']).toMatch(/^api_/)
})

test('a store that is away is a 503, not a 500', async () => {
  warder.onLook = () => {
    throw new WarderError('CONTROL_PLANE_UNAVAILABLE')
  }
  const answer = await call(api, 'job', 'GET', '/v1/requests/req_fake0001')
  expect(answer.status).toBe(503)
})
