import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Outcome } from '../../core/errors.js'
import type { ReviewOutcome, ReviewQuestion } from '../../core/question.js'
import { startDevServer } from './servers.js'
import { approval, decision, minuteMs, reviewQuestion } from './questions.js'
import { eventually, patient, startWorld, type World } from './world.js'

let world: World

beforeAll(async () => {
  world = await startWorld(await startDevServer())
}, 60_000)

afterAll(async () => {
  await world.stop()
  await world.env.teardown()
}, 60_000)

/** Asks, and returns once the review is open. */
async function askOpen(question: ReviewQuestion, signal = patient()) {
  let isOpen = false
  const outcome = world.reviews.ask(question, signal, () => {
    isOpen = true
  })
  await eventually(() => isOpen, 'the review is open')
  return { outcome }
}

const code = (outcome: Outcome<unknown>) => (outcome.ok ? 'ok' : outcome.refusal.code)

const stateIn = (outcome: Outcome<ReviewOutcome>) =>
  outcome.ok ? outcome.value.state : outcome.refusal.code

const stateOf = ({ reviewId }: ReviewQuestion) => world.inbox.items.get(reviewId)?.state

test('people can see a review before its caller hears that it is open', async () => {
  const question = reviewQuestion()
  const { outcome } = await askOpen(question)
  expect(stateOf(question)).toBe('pending')
  expect(world.audit.kindsAbout(question.reviewId)).toEqual(['review.opened'])
  await world.reviews.withdraw(question.reviewId, 'enough')
  expect(stateIn(await outcome)).toBe('withdrawn')
})

test('an approval releases the command with the digest that was decided about', async () => {
  const question = reviewQuestion()
  const { outcome } = await askOpen(question)
  const answer = await world.reviews.decide(question.reviewId, decision('approve', 'ann'))
  expect(answer).toEqual({ ok: true, value: 'approved' })
  expect(await outcome).toEqual({
    ok: true,
    value: {
      state: 'approved',
      digest: question.digest,
      by: ['demo/ann'],
      reason: 'ann says approve',
    },
  })
  await eventually(() => stateOf(question) === 'approved', 'the item shows it')
  expect(world.audit.kindsAbout(question.reviewId)).toEqual([
    'review.opened',
    'review.decided',
    'review.ended',
  ])
})

test('one denial ends a review whatever the quorum', async () => {
  const question = reviewQuestion({ approval: { ...approval, quorum: 3 } })
  const { outcome } = await askOpen(question)
  await world.reviews.decide(question.reviewId, decision('approve', 'ann'))
  await world.reviews.decide(question.reviewId, decision('deny', 'bob'))
  expect(await outcome).toMatchObject({ ok: true, value: { state: 'denied', by: ['demo/bob'] } })
})

test('the wrong person, the same person again and a late answer change nothing', async () => {
  const question = reviewQuestion({ approval: { ...approval, quorum: 2 } })
  const { outcome } = await askOpen(question)
  const decide = async (name: string, memberOf?: readonly string[]) =>
    code(await world.reviews.decide(question.reviewId, decision('approve', name, memberOf)))
  expect(await decide('job')).toBe('SELF_APPROVAL')
  expect(await decide('pusher')).toBe('SELF_APPROVAL')
  expect(await decide('eve', [])).toBe('NOT_ENTITLED')
  expect(await decide('ann')).toBe('ok')
  expect(await decide('ann')).toBe('ALREADY_DECIDED')
  expect(await decide('bob')).toBe('ok')
  expect(stateIn(await outcome)).toBe('approved')
  expect(await decide('carl')).toBe('ALREADY_DECIDED')
  await world.env.client.workflow.getHandle(question.reviewId).result()
  expect(await decide('carl')).toBe('ALREADY_DECIDED')
})

test('two racing approvers: the first wins, the other hears so', async () => {
  const question = reviewQuestion()
  const { outcome } = await askOpen(question)
  const answers = await Promise.all([
    world.reviews.decide(question.reviewId, decision('approve', 'ann')),
    world.reviews.decide(question.reviewId, decision('deny', 'bob')),
  ])
  expect(answers.map(code).sort()).toEqual(['ALREADY_DECIDED', 'ok'])
  const winner = answers.find((answer) => answer.ok)
  expect(await outcome).toMatchObject({ ok: true, value: { state: winner?.value } })
})

test('nobody decides in time: the review expires', async () => {
  const question = reviewQuestion({ approval: { ...approval, timeoutMs: 300 } })
  expect(stateIn(await world.reviews.ask(question, patient()))).toBe('expired')
  expect(code(await world.reviews.decide(question.reviewId, decision('approve', 'ann')))).toBe(
    'ALREADY_DECIDED',
  )
})

test('a caller who goes away while the command is held withdraws the review', async () => {
  const question = reviewQuestion()
  const controller = new AbortController()
  const { outcome } = await askOpen(question, controller.signal)
  controller.abort()
  expect(code(await outcome)).toBe('REVIEW_WITHDRAWN')
  await eventually(() => stateOf(question) === 'withdrawn', 'the card shows it')
  expect(code(await world.reviews.decide(question.reviewId, decision('approve', 'ann')))).toBe(
    'ALREADY_DECIDED',
  )
})

test('a caller who was gone before asking asks nobody', async () => {
  const question = reviewQuestion()
  const controller = new AbortController()
  controller.abort()
  expect(code(await world.reviews.ask(question, controller.signal))).toBe('REVIEW_WITHDRAWN')
  expect(stateOf(question)).toBeUndefined()
})

test('other bytes under a known id are refused and the review goes on', async () => {
  const question = reviewQuestion()
  const { outcome } = await askOpen(question)
  const other = { ...question, digest: 'b'.repeat(64) }
  const elsewhere = world.services('another-process').reviews
  expect(code(await elsewhere.ask(other, patient()))).toBe('INVALID_ARGUMENT')
  expect(stateOf(question)).toBe('pending')
  await world.reviews.decide(question.reviewId, decision('approve', 'ann'))
  expect(stateIn(await outcome)).toBe('approved')
})

test('a review that is over does not start again', async () => {
  const question = reviewQuestion()
  const { outcome } = await askOpen(question)
  await world.reviews.decide(question.reviewId, decision('approve', 'ann'))
  await outcome
  await world.env.client.workflow.getHandle(question.reviewId).result()
  expect(code(await world.reviews.ask(question, patient()))).toBe('CONTROL_PLANE_UNAVAILABLE')
})

test('a cancel by an operator withdraws the review and answers its caller', async () => {
  const question = reviewQuestion()
  const { outcome } = await askOpen(question)
  await world.env.client.workflow.getHandle(question.reviewId).cancel()
  expect(stateIn(await outcome)).toBe('withdrawn')
  await eventually(() => stateOf(question) === 'withdrawn', 'the item shows it')
})

test('a terminated review is a refusal, never an approval', async () => {
  const question = reviewQuestion()
  const { outcome } = await askOpen(question)
  await world.env.client.workflow.getHandle(question.reviewId).terminate()
  expect(code(await outcome)).toBe('CONTROL_PLANE_UNAVAILABLE')
})

test('thirty commands are held at once and each gets its own answer', async () => {
  const questions = Array.from({ length: 30 }, () => reviewQuestion())
  const held = await Promise.all(questions.map((question) => askOpen(question)))
  await Promise.all(
    questions.map(({ reviewId }, index) =>
      world.reviews.decide(reviewId, decision(index % 2 === 0 ? 'approve' : 'deny', 'ann')),
    ),
  )
  const states = await Promise.all(held.map(async ({ outcome }) => stateIn(await outcome)))
  expect(states).toEqual(questions.map((_, index) => (index % 2 === 0 ? 'approved' : 'denied')))
}, 30_000)

test('no history holds anything in the clear', async () => {
  const question = reviewQuestion({ text: 'CREATE TABLE plainly_visible (a int)' })
  const { outcome } = await askOpen(question)
  await world.reviews.decide(question.reviewId, decision('deny', 'ann'))
  await outcome
  const handle = world.env.client.workflow.getHandle(question.reviewId)
  await handle.result()
  const history = await handle.fetchHistory()
  const bytes = Buffer.from(JSON.stringify(history, (_, value: unknown) => clear(value)))
  expect(bytes.includes('demo')).toBe(false)
  expect(bytes.includes('plainly_visible')).toBe(false)
  expect(bytes.includes('commandReview')).toBe(true)
})

const clear = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value

test('the deadline of a review is on its item', async () => {
  const question = reviewQuestion()
  const { outcome } = await askOpen(question)
  const item = world.inbox.items.get(question.reviewId)
  expect((item?.deadlineAt ?? 0) - (item?.openedAt ?? 0)).toBe(15 * minuteMs)
  await world.reviews.withdraw(question.reviewId, 'enough')
  await outcome
})

test('no record, no review: nobody hears that people were asked while the log is away', async () => {
  const durable = world.audit.durable.bind(world.audit)
  world.audit.durable = () => Promise.reject(new Error('log away'))
  const question = reviewQuestion()
  let isOpen = false
  const { reviews } = world.services('hopeful', { openMsMax: 4_000 })
  const outcome = await reviews.ask(question, patient(), () => {
    isOpen = true
  })
  expect(code(outcome)).toBe('CONTROL_PLANE_UNAVAILABLE')
  expect(isOpen).toBe(false)
  expect(stateOf(question)).toBeUndefined()
  world.audit.durable = durable
  await eventually(() => stateOf(question) === 'withdrawn', 'the review is taken back')
}, 30_000)
