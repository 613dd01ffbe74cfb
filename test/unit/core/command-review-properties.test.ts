// Command reviews in ten thousand random lives: one decision per command, by enough people, in time,
// and nothing that comes later changes it.

import { expect, test } from 'vitest'
import type { AuditEvent } from '../../../core/audit.js'
import {
  openReview,
  outcomeOf,
  reviewTransition,
  type CommandReview,
  type ReviewEvent,
  type ReviewStep,
} from '../../../core/command-review.js'
import type { ReviewQuestion } from '../../../core/question.js'
import type { Approval } from '../../../core/verdict.js'
import { seeded, seedOfRun } from '../../random.js'
import {
  areEntitled,
  Chance,
  count,
  INTERLEAVING_COUNT,
  must,
  peopleAmong,
  person,
  restarted,
  statesIn,
} from './lives.js'

const EVENT_COUNT_MAX = 14
const TIMEOUT_MS = 40

const questionWith = (approval: Approval): ReviewQuestion => ({
  ...{ reviewId: 'cmd_1', requestId: 'req_1', grantId: 'grt_1', sessionId: 'ses_1' },
  ...{ gatewayId: 'gwy_1', principal: person('job'), protocol: 'postgres' },
  ...{ resource: 'orders-db', role: 'migrator', effect: 'ddl', parts: [] },
  ...{ text: 'DROP TABLE t', textBytes: 12, parameters: [], digest: 'aa', policyDigest: 'p' },
  reasons: [],
  approval,
})

/** Decisions, the deadline, and what withdraws: cancel, disconnect, expiry, revoke, a lapsed lease. */
function nextEvent(chance: Chance, at: number): ReviewEvent {
  if (chance.is(0.65)) return { type: 'decided', decision: chance.decision(), at }
  if (chance.is(0.3)) return { type: 'escalated', at }
  if (chance.is(0.5)) return { type: 'deadline', at }
  return { type: 'withdrawn', why: chance.of(['cancel', 'disconnect', 'revoked', 'lease']) }
}

/** What must be so after every event. */
function check(
  before: CommandReview,
  event: ReviewEvent,
  { review, refusal, facts }: ReviewStep,
  story: readonly AuditEvent[],
): void {
  const { state, decisions, question, deadlineAt } = review
  const isSame = review === before
  must(review.revision - before.revision === (isSame ? 0 : 1), 'a change is one revision')
  must(refusal === undefined || isSame, 'a refusal changes nothing')
  must(!isSame || facts.length === 0, 'without a change there is no fact')
  must(before.state === 'pending' || isSame, 'one decision per command')
  must(question === before.question, 'what is decided about never changes')
  must(peopleAmong(decisions) === decisions.length, 'each answer is another person’s')
  must(
    areEntitled(decisions, question.approval, review.escalatedAt),
    'only who may answer is counted',
  )
  const approvals = decisions.filter(({ answer }) => answer === 'approve').length
  const isApproved = state === 'approved'
  must(isApproved === approvals >= question.approval.quorum, 'approved is its quorum')
  must(!isApproved || approvals === decisions.length, 'approved is nobody against')
  if (isApproved && !isSame) {
    must(event.type === 'decided' && event.at < deadlineAt, 'approved in time')
  }
  if (state === 'expired' && !isSame) {
    must(event.type === 'deadline' && event.at >= deadlineAt, 'expired when its time had come')
  }
  const outcome = outcomeOf(review)
  must(outcome?.state === (state === 'pending' ? undefined : state), 'the outcome is the state')
  must(outcome === undefined || outcome.digest === question.digest, 'the outcome names the bytes')
  must(count(story, 'review.decided') === decisions.length, 'every counted answer is a fact')
  const told = statesIn(story, 'review.ended')
  must(told === (state === 'pending' ? '' : state), 'the end that is told is the end that is')
}

test('ten thousand lives of a review keep every promise after every event', () => {
  const seed = seedOfRun()
  const chance = new Chance(seeded(seed))
  const states = new Map<string, number>()
  for (let life = 0; life < INTERLEAVING_COUNT; life += 1) {
    const history = ['ask']
    let { review, facts: story } = openReview(questionWith(chance.approval(TIMEOUT_MS)), 0)
    let now = 0
    try {
      for (let events = chance.below(EVENT_COUNT_MAX); events >= 0; events -= 1) {
        now += chance.below(15)
        if (chance.is(0.1)) review = restarted(review)
        const event = nextEvent(chance, now)
        const step = reviewTransition(review, event)
        history.push(event.type === 'decided' ? event.decision.answer : event.type)
        story = [...story, ...step.facts]
        check(review, event, step, story)
        review = step.review
      }
    } catch (failure) {
      throw new Error(`life ${life} of seed ${seed}: ${history.join(' → ')}`, { cause: failure })
    }
    states.set(review.state, (states.get(review.state) ?? 0) + 1)
  }
  for (const state of ['pending', 'approved', 'denied', 'expired', 'withdrawn']) {
    expect(states.get(state) ?? 0, `${state}, seed ${seed}`).toBeGreaterThan(20)
  }
}, 120_000)
