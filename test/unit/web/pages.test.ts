import type { FastifyInstance } from 'fastify'
import { beforeEach, expect, test } from 'vitest'
import { buildApi } from '../../../web/api/server.js'
import { FakeWarder } from '../../fakes/api-ports.js'
import { call } from './call.js'

let warder: FakeWarder
let api: FastifyInstance

beforeEach(() => {
  warder = new FakeWarder()
  api = buildApi(warder.dependencies())
})

const page = async (as: string, query: string) => {
  const { status, body } = await call(api, as, 'GET', `/v1/inbox?${query}`)
  const items = (body['items'] ?? []) as { id: string }[]
  return { status, ids: items.map(({ id }) => id), next: body['next'] as string | undefined }
}

test.each([
  ...['limit=0', 'limit=501', 'limit=x', 'before=x', 'before=%00', 'before=WzFd'],
  `before=${Buffer.from('[1,"ses_fake0001"]').toString('base64url')}`,
  `before=${'x'.repeat(257)}`,
])('%s is refused', async (query) => {
  warder.request('job')
  expect((await page('otto', query)).status).toBe(400)
})

test('pages show everything once, newest first, also among those of one moment', async () => {
  for (let index = 0; index < 7; index += 1) {
    if (index % 3 === 0) warder.clock.advance(1)
    warder.request('job')
  }
  const seen: string[] = []
  let query = 'limit=2'
  for (let count = 0; count < 9; count += 1) {
    const { ids, next } = await page('otto', query)
    seen.push(...ids)
    if (next === undefined) break
    query = `limit=2&before=${next}`
  }
  expect(seen).toEqual([...warder.items.keys()].reverse())
})

test('what the caller may not see is left out, and the page is filled from what is behind it', async () => {
  const own = warder.request('job')
  for (let index = 0; index < 5; index += 1) {
    warder.clock.advance(1)
    warder.request('other-job', { approval: undefined })
  }
  expect(await page('job', 'limit=1')).toMatchObject({ ids: [own.id] })
})

test('whoever may see nothing looks no further than a bound, and is told where to go on', async () => {
  for (let index = 0; index < 2_050; index += 1) {
    warder.clock.advance(1)
    warder.request('job', { approval: undefined })
  }
  const first = await page('stranger', 'limit=500')
  expect(first.ids).toEqual([])
  expect(first.next).toBeDefined()
  const second = await page('stranger', `limit=500&before=${first.next ?? ''}`)
  expect(second).toMatchObject({ ids: [], next: undefined })
})
