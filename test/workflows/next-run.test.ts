// A history that grows too long goes on in a new run, on a server that calls long what is short.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { grantIdOf } from '../../core/ids.js'
import { startDevServer } from './servers.js'
import {
  accessQuestion,
  allows,
  approval,
  asks,
  decision,
  minuteMs,
  reviewQuestion,
} from './questions.js'
import { eventually, patient, startWorld, type World } from './world.js'

let world: World

beforeAll(async () => {
  const limit = 'limit.historyCount.suggestContinueAsNew=60'
  const extraArguments = ['--dynamic-config-value', limit]
  world = await startWorld(await startDevServer({ extraArguments }))
}, 60_000)

afterAll(async () => {
  await world.stop()
  await world.env.teardown()
}, 60_000)

async function runOf(id: string): Promise<string> {
  return (await world.env.client.workflow.getHandle(id).describe()).runId
}

/** Sends harmless signals until the workflow has moved to another run. */
async function moveOn(id: string): Promise<void> {
  const before = await runOf(id)
  for (let count = 0; count < 200; count += 1) {
    await world.env.client.workflow.getHandle(id).signal('idle')
    if ((await runOf(id)) !== before) return
  }
  throw new Error('the workflow stayed in its run')
}

test('a pending request keeps its answers and its parked caller over a new run', async () => {
  world.verdict = asks({ quorum: 2 })
  const question = accessQuestion()
  const { requestId } = question
  let isTold = false
  const outcome = world.access.open(question, patient(), () => {
    isTold = true
  })
  await eventually(() => isTold, 'the caller is told')
  await world.access.decide(requestId, decision('approve', 'ann'))
  await moveOn(requestId)
  expect(await world.access.decide(requestId, decision('approve', 'ann'))).toMatchObject({
    refusal: { code: 'ALREADY_DECIDED' },
  })
  expect(await world.access.decide(requestId, decision('approve', 'bob'))).toEqual({
    ok: true,
    value: 'approved',
  })
  expect((await outcome).ok).toBe(true)
  expect(world.audit.kindsAbout(requestId)).toEqual([
    'request.opened',
    'request.judged',
    'request.decided',
    'request.decided',
    'grant.opened',
  ])
}, 30_000)

test('an active grant stays open and can still be extended and completed in a new run', async () => {
  world.verdict = allows
  const question = accessQuestion()
  const { requestId } = question
  const outcome = await world.access.open(question, patient(), () => undefined)
  if (!outcome.ok) throw new Error('not open')
  await moveOn(requestId)
  await moveOn(requestId)
  expect(world.grants.rows.get(grantIdOf(requestId))?.end).toBeUndefined()
  expect(await world.access.extend(requestId, minuteMs, 'demo/ann')).toEqual({
    ok: true,
    value: { expiresAt: outcome.value.expiresAt + minuteMs },
  })
  await world.access.complete(requestId)
  expect(world.grants.rows.get(grantIdOf(requestId))?.end?.reason).toBe('completed')
}, 30_000)

test('a held command stays held over a new run and keeps its answers', async () => {
  const question = reviewQuestion({ approval: { ...approval, quorum: 2 } })
  const { reviewId } = question
  let openedCount = 0
  const outcome = world.reviews.ask(question, patient(), () => {
    openedCount += 1
  })
  await eventually(() => openedCount === 1, 'the review is open')
  await world.reviews.decide(reviewId, decision('approve', 'ann'))
  await moveOn(reviewId)
  expect(await world.reviews.decide(reviewId, decision('approve', 'ann'))).toMatchObject({
    refusal: { code: 'ALREADY_DECIDED' },
  })
  await world.reviews.decide(reviewId, decision('approve', 'bob'))
  expect(await outcome).toMatchObject({
    ok: true,
    value: { state: 'approved', by: ['demo/ann', 'demo/bob'] },
  })
  expect(openedCount).toBe(1)
}, 30_000)
