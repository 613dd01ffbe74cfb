import { expect, test } from 'vitest'
import {
  digestRefusal,
  openReview,
  outcomeOf,
  reviewItemOf,
  reviewTransition,
  type CommandReview,
  type ReviewEvent,
} from '../../../core/command-review.js'
import type { Decision } from '../../../core/decision.js'
import type { Principal } from '../../../core/principal.js'
import type { ReviewQuestion } from '../../../core/question.js'

const person = (name: string): Principal => ({
  issuer: 'demo',
  subject: name,
  groups: [],
  attributes: {},
  actors: [],
  parties: name === 'job' ? ['demo/pusher'] : [],
  aliases: [`demo/${name}`],
  tokenExpiresAt: 0,
})

const question: ReviewQuestion = {
  ...{ reviewId: 'cmd_1', requestId: 'req_1', grantId: 'grt_1', sessionId: 'ses_1' },
  ...{ gatewayId: 'gwy_1', principal: person('job'), protocol: 'postgres' },
  ...{ resource: 'orders-db', role: 'migrator', effect: 'ddl', parts: [] },
  ...{ text: 'DROP TABLE t', textBytes: 12, parameters: [], digest: 'aa', policyDigest: 'p' },
  reasons: [],
  approval: { approvers: 'owners', quorum: 2, timeoutMs: 50 },
}

const says = (answer: Decision['answer'], name: string, memberOf = ['owners']): Decision => ({
  ...{ answer, approver: person(name), memberOf, reason: `${name}!`, channel: 'cli', at: -1 },
})

const decided = (answer: Decision['answer'], name: string, at = 1): ReviewEvent => ({
  type: 'decided',
  decision: says(answer, name),
  at,
})

const after = (...events: ReviewEvent[]): CommandReview =>
  events.reduce(
    (review, event) => reviewTransition(review, event).review,
    openReview(question, 0).review,
  )

test('only another person’s digest of the very bytes is answered', () => {
  expect(digestRefusal(after(), 'ab')?.code).toBe('INVALID_ARGUMENT')
  expect(digestRefusal(after(), 'aa')).toBeUndefined()
})

test('a pending review has no outcome', () => {
  expect(outcomeOf(after())).toBeUndefined()
  expect(outcomeOf(after(decided('approve', 'ann')))).toBeUndefined()
})

test('the outcome names those who approved, or the one who denied, and the digest', () => {
  expect(outcomeOf(after(decided('approve', 'ann'), decided('approve', 'bob')))).toEqual({
    ...{ state: 'approved', digest: 'aa', by: ['demo/ann', 'demo/bob'], reason: 'bob!' },
  })
  expect(outcomeOf(after(decided('approve', 'ann'), decided('deny', 'bob')))).toEqual({
    ...{ state: 'denied', digest: 'aa', by: ['demo/bob'], reason: 'bob!' },
  })
})

test('an answer at the deadline is late, and the deadline before its time is none', () => {
  const pending = after()
  const late = reviewTransition(pending, decided('deny', 'ann', 50))
  expect(late.refusal).toMatchObject({ code: 'ALREADY_DECIDED', details: { why: 'expired' } })
  expect(reviewTransition(pending, { type: 'deadline', at: 49 }).review).toBe(pending)
  expect(after({ type: 'deadline', at: 50 }).state).toBe('expired')
})

test('a withdrawal after the decision changes nothing and hears so', () => {
  const denied = after(decided('deny', 'ann'))
  const step = reviewTransition(denied, { type: 'withdrawn', why: 'gone' })
  expect(step.review).toBe(denied)
  expect(step.refusal?.code).toBe('ALREADY_DECIDED')
})

test('an outsider learns nothing about a review that is over', () => {
  const denied = after(decided('deny', 'ann'))
  const decision = says('approve', 'eve', [])
  const step = reviewTransition(denied, { type: 'decided', decision, at: 2 })
  expect(step.refusal?.code).toBe('NOT_ENTITLED')
})

test('every end is one fact, every counted answer another', () => {
  const step = reviewTransition(after(decided('approve', 'ann')), decided('approve', 'bob'))
  expect(step.facts.map((fact) => fact.kind)).toEqual(['review.decided', 'review.ended'])
  expect(reviewItemOf(step.review)).toMatchObject({ state: 'approved', revision: 3 })
})

test('in 10,000 random lives there is one end, and approval only by two people who may', () => {
  let state = 20_261_122
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
  const names = ['ann', 'bob', 'job', 'pusher', 'eve'] as const
  for (let life = 0; life < 10_000; life += 1) {
    const seed = state
    let review = openReview(question, 0).review
    let at = 0
    for (let count = 0; count < 12; count += 1) {
      at += Math.floor(random() * 9)
      const name = names[Math.floor(random() * names.length)] ?? 'ann'
      const decision = says(
        random() < 0.8 ? 'approve' : 'deny',
        name,
        name === 'eve' ? [] : ['owners'],
      )
      const kind = random()
      const event: ReviewEvent =
        kind < 0.8
          ? { type: 'decided', decision, at }
          : kind < 0.9
            ? { type: 'deadline', at }
            : { type: 'withdrawn', why: 'gone' }
      const next = reviewTransition(review, event).review
      if (review.state !== 'pending' && next !== review) throw new Error(`seed ${seed}`)
      review = next
    }
    if (review.state !== 'approved') continue
    const voices = new Set(review.decisions.map(({ approver }) => approver.subject))
    expect([...voices].sort(), `seed ${seed}`).toEqual(['ann', 'bob'])
  }
})

const patient: ReviewQuestion = {
  ...question,
  approval: { ...question.approval, escalation: { to: 'on-call', afterMs: 20 } },
}
const waiting = () => openReview(patient, 0).review
const escalation = (review: CommandReview, at: number) =>
  reviewTransition(review, { type: 'escalated', at })

test('a review escalates once, at its time, and never when it is over or has no group to go to', () => {
  expect(escalation(waiting(), 19).review.escalatedAt).toBeUndefined()
  expect(escalation(waiting(), 50).review.escalatedAt).toBeUndefined()
  const plain = after()
  expect(escalation(plain, 20).review).toBe(plain)
  const once = escalation(waiting(), 20).review
  expect(escalation(once, 21).review).toBe(once)
  const gone = reviewTransition(waiting(), { type: 'withdrawn', why: 'cancelled' }).review
  expect(escalation(gone, 20).review).toBe(gone)
})

test('the second group answers a command only once it is escalated', () => {
  const sub = { type: 'decided', decision: says('approve', 'sub', ['on-call']), at: 30 } as const
  expect(reviewTransition(waiting(), sub).refusal?.code).toBe('NOT_ENTITLED')
  const step = escalation(waiting(), 20)
  expect(step.facts.map(({ kind }) => kind)).toEqual(['review.escalated'])
  expect(reviewItemOf(step.review)).toMatchObject({ escalatedTo: 'on-call', escalatedAt: 20 })
  expect(reviewTransition(step.review, sub).refusal).toBeUndefined()
})

test('a command whose policy wants reasons is neither approved nor denied without one', () => {
  const strict = openReview(
    { ...question, approval: { ...question.approval, reasonRequired: true } },
    0,
  ).review
  for (const answer of ['approve', 'deny'] as const) {
    const silent = { ...says(answer, 'ann'), reason: '  ' }
    const step = reviewTransition(strict, { type: 'decided', decision: silent, at: 1 })
    expect(step.refusal?.code).toBe('REASON_REQUIRED')
    expect(step.review).toBe(strict)
  }
})
