import { expect, test } from 'vitest'
import type { Readiness } from '../../../core/readiness.js'
import { buildApi } from '../../../web/api/server.js'
import { FakeWarder } from '../../fakes/api-ports.js'
import { call } from './call.js'

const DOWN: Readiness = {
  status: 'unready',
  parts: [{ part: 'temporal', ok: false, why: 'no answer within a second' }],
}

test('callers of the API learn only whether it is ready, and nothing of its parts', async () => {
  const warder = new FakeWarder()
  warder.readiness = DOWN
  const api = buildApi(warder.dependencies())
  const answer = await call(api, '', 'GET', '/readyz')
  expect(answer.status).toBe(503)
  expect(answer.body).toEqual({ status: 'unready' })
  warder.readiness = { status: 'draining', parts: [] }
  expect((await call(api, '', 'GET', '/readyz')).body).toEqual({ status: 'draining' })
  warder.readiness = { status: 'ready', parts: [] }
  expect((await call(api, '', 'GET', '/readyz')).status).toBe(200)
})

test.each(['otto', 'ada'])('%s, who has a duty, is told which part is down', async (as) => {
  const warder = new FakeWarder()
  warder.readiness = DOWN
  const answer = await call(buildApi(warder.dependencies()), as, 'GET', '/v1/readiness')
  expect(answer.body).toEqual(DOWN)
})

test.each(['job', 'dana'])('%s, who has none, is not told', async (as) => {
  const answer = await call(buildApi(new FakeWarder().dependencies()), as, 'GET', '/v1/readiness')
  expect(answer.body['code']).toBe('NOT_ENTITLED')
})
