import { expect, test } from 'vitest'
import { openReview, reviewItemOf, reviewTransition } from '../../../core/command-review.js'
import type { ReviewEvent } from '../../../core/command-review.js'
import type { Principal } from '../../../core/principal.js'
import type { ReviewQuestion } from '../../../core/question.js'
import { settledRetry } from '../../../core/release.js'

const person = (name: string): Principal => ({
  ...{ issuer: 'demo', subject: name, groups: [], attributes: {}, actors: [], parties: [] },
  ...{ aliases: [`demo/${name}`], tokenExpiresAt: 0 },
})

const question: ReviewQuestion = {
  ...{ reviewId: 'cmd_1', requestId: 'req_1', grantId: 'grt_1', sessionId: 'ses_1' },
  ...{ gatewayId: 'gwy_1', principal: person('job'), protocol: 'postgres' },
  ...{ resource: 'orders-db', role: 'migrator', effect: 'ddl', parts: [] },
  ...{ text: 'DROP TABLE t', textBytes: 12, parameters: [], digest: 'aa', policyDigest: 'p' },
  reasons: [],
  approval: { approvers: 'owners', quorum: 2, timeoutMs: 50, wait: 'retry' },
}

const decided = (answer: 'approve' | 'deny', name: string, at: number): ReviewEvent => ({
  type: 'decided',
  at,
  decision: {
    ...{ answer, approver: person(name), memberOf: ['owners'], reason: `${name}!` },
    ...{ channel: 'cli', at: -1 },
  },
})

const left = (...events: ReviewEvent[]) =>
  settledRetry(
    reviewItemOf(
      events.reduce(
        (review, event) => reviewTransition(review, event).review,
        openReview(question, 100).review,
      ),
    ),
  )

const KEY = { grantId: 'grt_1', digest: 'aa', reviewId: 'cmd_1' }

test('a review that is pending, one of two people having agreed, releases nothing', () => {
  expect(left()).toBeUndefined()
  expect(left(decided('approve', 'ann', 110))).toBeUndefined()
})

test('an approval counts for the time that was asked for, from its last answer on', () => {
  expect(left(decided('approve', 'ann', 110), decided('approve', 'bob', 120))).toEqual({
    ...{ ...KEY, state: 'approved', until: 170, by: ['demo/ann', 'demo/bob'], reason: 'bob!' },
  })
})

test('a denial stands until the question would have ended', () => {
  expect(left(decided('deny', 'ann', 110))).toEqual({
    ...{ ...KEY, state: 'denied', until: 150, by: ['demo/ann'], reason: 'ann!' },
  })
})

test.each([
  ['nobody decided', { type: 'deadline', at: 150 } as const],
  ['it was withdrawn', { type: 'withdrawn', why: 'revoked' } as const],
])('nothing is left when %s', (_, event) => {
  expect(left(event)).toEqual({ ...KEY, state: 'gone', until: 0, by: [], reason: '' })
})
