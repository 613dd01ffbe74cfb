// Reviews in retry mode: nobody waits on the wire, and what became of them stands for whoever runs the
// command again. And what is kept with a grant whose request came with a plan.

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { grantIdOf } from '../../core/ids.js'
import type { Plan } from '../../core/plan.js'
import type { ReviewQuestion } from '../../core/question.js'
import { startDevServer } from './servers.js'
import { accessQuestion, approval, decision, minuteMs, reviewQuestion } from './questions.js'
import { eventually, patient, startWorld, type World } from './world.js'

let world: World

beforeAll(async () => {
  world = await startWorld(await startDevServer())
}, 60_000)

afterAll(async () => {
  await world.stop()
  await world.env.teardown()
}, 60_000)

/** Asks about a command in retry mode; answers once that is on record. */
async function opened(fields: Partial<ReviewQuestion> = {}): Promise<ReviewQuestion> {
  const question = reviewQuestion({
    approval: { ...approval, wait: 'retry' },
    digest: randomUUID(),
    ...fields,
  })
  const until = Date.now() + 60 * minuteMs
  await world.releases.reserve({ ...question, until })
  expect(await world.reviews.open(question)).toEqual({ ok: true, value: null })
  return question
}

const stateOf = ({ reviewId }: ReviewQuestion) => world.inbox.items.get(reviewId)?.state
const standing = async (question: ReviewQuestion) => (await world.releases.take(question)).state

test('people can see it before the command is refused, and asking again makes no second one', async () => {
  const question = await opened()
  expect(stateOf(question)).toBe('pending')
  expect(await world.reviews.open(question)).toEqual({ ok: true, value: null })
  expect(world.audit.kindsAbout(question.reviewId)).toEqual(['review.opened'])
  await world.reviews.withdraw(question.reviewId, 'enough')
})

test('an approval releases the command once', async () => {
  const question = await opened()
  expect(await standing(question)).toBe('pending')
  await world.reviews.decide(question.reviewId, decision('approve', 'ann'))
  await eventually(() => stateOf(question) === 'approved', 'the item shows it')
  expect(await standing(question)).toBe('released')
  expect(await standing(question)).toBe('none')
  expect(await world.reviews.open(question)).toEqual({ ok: true, value: null })
})

test('a denial stands', async () => {
  const question = await opened()
  await world.reviews.decide(question.reviewId, decision('deny', 'ann'))
  await eventually(() => stateOf(question) === 'denied', 'the item shows it')
  expect(await standing(question)).toBe('denied')
  expect(await standing(question)).toBe('denied')
})

test('one that is withdrawn, as by a revoke, leaves nothing', async () => {
  const question = await opened()
  await world.reviews.withdraw(question.reviewId, 'revoked')
  await eventually(() => stateOf(question) === 'withdrawn', 'the item shows it')
  expect(await standing(question)).toBe('none')
})

test('another digest learns nothing', async () => {
  const question = await opened()
  const answer = await world.reviews.open({ ...question, digest: 'f'.repeat(64) })
  expect(answer).toMatchObject({ ok: false, refusal: { code: 'INVALID_ARGUMENT' } })
  await world.reviews.withdraw(question.reviewId, 'enough')
})

test('a plan is kept with the grant that was approved, before the grant is there', async () => {
  const plan: Plan = { digest: 'f', steps: [{ text: 'vacuum', digest: 'd', parts: [] }] }
  const question = accessQuestion({ plan })
  const id = grantIdOf(question.requestId)
  const open = world.access.open(question, patient(), () => undefined)
  await eventually(
    () => world.inbox.items.get(question.requestId)?.state === 'pending',
    'people are asked',
  )
  expect(await world.releases.plan(id)).toBeUndefined()
  await world.access.decide(question.requestId, decision('approve', 'ann'))
  expect((await open).ok).toBe(true)
  const steps = [expect.objectContaining({ text: 'vacuum', digest: 'd' })]
  expect(await world.releases.plan(id)).toMatchObject({ digest: 'f', next: 0, steps })
  await world.access.complete(question.requestId)
})
