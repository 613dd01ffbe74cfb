import type { FastifyInstance } from 'fastify'
import { beforeEach, expect, test } from 'vitest'
import { granted, refused } from '../../../core/errors.js'
import { buildApi } from '../../../web/api/server.js'
import { FakeWarder } from '../../fakes/api-ports.js'

let warder: FakeWarder
let replicas: readonly [FastifyInstance, FastifyInstance]

beforeEach(() => {
  warder = new FakeWarder()
  const parts = warder.dependencies()
  replicas = [buildApi(parts), buildApi(parts)]
})

const WISH = { resource: 'orders-db', role: 'migrator', reason: 'migration 42', origin: 'exec' }

const open = (at: 0 | 1, key: string, payload: Record<string, unknown> = WISH, as = 'job') =>
  replicas[at].inject({
    method: 'POST',
    url: '/v1/requests',
    headers: { authorization: `Bearer ${as}`, 'idempotency-key': key },
    payload,
  })

test.each(['""', '"', 'a b', '"a"; x=1', '"ä"', `"${'x'.repeat(129)}"`, '"a\\b"'])(
  'the key %s is refused, and nothing is run',
  async (key) => {
    const answer = await open(0, key)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(warder.calls).toEqual([])
  },
)

test('a repeated call is answered as before, by another replica, and not run again', async () => {
  const first = await open(0, '"k1"')
  const second = await open(1, '"k1"')
  expect(second.statusCode).toBe(201)
  expect(second.body).toBe(first.body)
  expect(second.headers['content-type']).toBe(first.headers['content-type'])
  expect(first.headers['idempotency-replayed']).toBeUndefined()
  expect(second.headers['idempotency-replayed']).toBe('true')
  expect(warder.calls).toHaveLength(1)
})

test('the same key under another body is refused', async () => {
  await open(0, '"k1"')
  const answer = await open(1, '"k1"', { ...WISH, role: 'admin' })
  expect(answer.statusCode).toBe(422)
  expect(answer.json()).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  expect(warder.calls).toHaveLength(1)
})

test('the same key on another path is refused', async () => {
  await open(0, '"k1"')
  const answer = await replicas[0].inject({
    method: 'POST',
    url: '/v1/decisions',
    headers: { authorization: 'Bearer job', 'idempotency-key': '"k1"' },
    payload: { id: 'req_fake0001', answer: 'deny' },
  })
  expect(answer.statusCode).toBe(422)
})

test('somebody else’s key is another key: nobody reads the answer of another', async () => {
  await open(0, '"k1"')
  const answer = await open(0, '"k1"', WISH, 'other-job')
  expect(answer.headers['idempotency-replayed']).toBeUndefined()
  expect(warder.calls).toHaveLength(2)
})

test('a call that still runs is not run beside itself', async () => {
  let finish = (): void => undefined
  const begun = new Promise<void>((resolve) => {
    warder.open = (question) => {
      resolve()
      return new Promise((answer) => {
        finish = () => {
          answer(granted(warder.grantOf(question)))
        }
      })
    }
  })
  const first = open(0, '"k1"').then((answer) => answer.statusCode)
  await begun
  const second = await open(1, '"k1"')
  expect(second.statusCode).toBe(409)
  expect(second.headers['retry-after']).toBe('1')
  expect(second.json()).toMatchObject({ code: 'IDEMPOTENCY_KEY_BUSY' })
  finish()
  expect(await first).toBe(201)
  expect((await open(1, '"k1"')).statusCode).toBe(201)
  expect(warder.calls).toHaveLength(1)
})

test('a final no is repeated as it was said', async () => {
  warder.open = () => Promise.resolve(refused('FORBIDDEN', { what: 'orders-db' }))
  const first = await open(0, '"k1"')
  const second = await open(1, '"k1"')
  expect(second.statusCode).toBe(403)
  expect(second.body).toBe(first.body)
  expect(second.headers['content-type']).toBe(first.headers['content-type'])
  expect(warder.calls).toHaveLength(1)
})

test('what failed for the moment may be tried again under the same key', async () => {
  const { open: grantIt } = warder
  warder.open = () => Promise.resolve(refused('CONTROL_PLANE_UNAVAILABLE'))
  expect((await open(0, '"k1"')).statusCode).toBe(503)
  warder.open = () => Promise.reject(new TypeError('bug'))
  expect((await open(0, '"k1"')).statusCode).toBe(500)
  warder.open = grantIt
  expect((await open(1, '"k1"')).statusCode).toBe(201)
})

test('a call whose process died may be run again after a minute, not before', async () => {
  warder.open = () => new Promise(() => undefined)
  void open(0, '"k1"').then()
  while (warder.calls.length === 0) await new Promise(setImmediate)
  warder.clock.advance(59_000)
  expect((await open(1, '"k1"')).statusCode).toBe(409)
  warder.open = (question) => Promise.resolve(granted(warder.grantOf(question)))
  warder.clock.advance(2_000)
  expect((await open(1, '"k1"')).statusCode).toBe(201)
})

test('a key is forgotten after a day', async () => {
  await open(0, '"k1"')
  warder.clock.advance(24 * 3_600_000 + 1)
  const answer = await open(0, '"k1"')
  expect(answer.headers['idempotency-replayed']).toBeUndefined()
  expect(warder.calls).toHaveLength(2)
})
