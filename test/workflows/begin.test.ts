// Requests that are made over the API: nobody waits for them, and they live all the same.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { grantIdOf, type RequestId } from '../../core/ids.js'
import { accessQuestion, allows, asks, blocks, decision } from './questions.js'
import { startDevServer } from './servers.js'
import { eventually, patient, startWorld, type World } from './world.js'

let world: World

beforeAll(async () => {
  world = await startWorld(await startDevServer())
}, 60_000)

afterAll(async () => {
  await world.stop()
  await world.env.teardown()
}, 60_000)

beforeEach(() => {
  world.verdict = asks()
})

const stateOf = (id: RequestId) => world.inbox.items.get(id)?.state

test('a request that people are asked about is begun once it is on record', async () => {
  const question = accessQuestion()
  expect(await world.access.begin(question)).toEqual({ ok: true, value: 'pending' })
  expect(stateOf(question.requestId)).toBe('pending')
})

test('a blocked request is refused, and nothing is left for people to answer', async () => {
  world.verdict = blocks
  const question = accessQuestion()
  expect(await world.access.begin(question)).toMatchObject({ refusal: { code: 'FORBIDDEN' } })
  await eventually(() => stateOf(question.requestId) === 'refused', 'the card says so')
})

test('an allowed request is active at once', async () => {
  world.verdict = allows
  const question = accessQuestion()
  expect(await world.access.begin(question)).toEqual({ ok: true, value: 'active' })
})

test('a caller who came and went does not take a begun request with him', async () => {
  const question = accessQuestion()
  await world.access.begin(question)
  const other = world.services(randomUUID()).access
  const stop = new AbortController()
  await other.open(question, stop.signal, () => {
    stop.abort()
  })
  // Goes through the workflow, behind what the other process had to say.
  expect(await world.access.decide(question.requestId, decision('approve', 'alice'))).toEqual({
    ok: true,
    value: 'approved',
  })
  await eventually(() => stateOf(question.requestId) === 'active', 'it is open')
})

test('what one process began another one decides, and a third one joins', async () => {
  const question = accessQuestion()
  await world.services(randomUUID()).access.begin(question)
  const decided = world.services(randomUUID()).access
  await decided.decide(question.requestId, decision('approve', 'alice'))
  const joined = await world
    .services(randomUUID())
    .access.open(question, patient(), () => undefined)
  expect(joined).toMatchObject({ ok: true, value: { id: grantIdOf(question.requestId) } })
})

test('a request that can not be begun in time is refused', async () => {
  const slow = world.services(randomUUID(), { openMsMax: 1 }).access
  const outcome = await slow.begin(accessQuestion())
  expect(outcome).toMatchObject({ refusal: { code: 'CONTROL_PLANE_UNAVAILABLE' } })
})
