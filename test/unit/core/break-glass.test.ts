// What an emergency opens, and what it leaves behind.

import { expect, test } from 'vitest'
import { openAccessRequest, transition, type AccessEvent } from '../../../core/access-request.js'
import {
  extensionOf,
  isOver,
  isSpent,
  itemOf,
  refusalOf,
  type AccessRequest,
} from '../../../core/access-standing.js'
import type { Closure } from '../../../core/closure.js'
import type { AccessVerdict } from '../../../core/verdict.js'
import { accessQuestion, allows, principal } from '../../workflows/questions.js'

const hourMs = 3_600_000
const question = accessQuestion({
  requestId: 'req_1',
  breakGlass: true,
  reason: 'the disk is full',
})
const emergency: AccessVerdict = {
  ...{ outcome: 'allow', reasons: [], durationMs: hourMs, durationMsMax: hourMs },
  breakGlass: { approvers: 'security', withinMs: 24 * hourMs, commands: 'ask' },
}

const finds = (name: string, fields: Partial<Closure> = {}): Closure => ({
  ...{ finding: 'justified', reviewer: principal(name), memberOf: ['security'], at: -1 },
  ...{ reason: 'saw the recording', channel: 'cli', ...fields },
})
const reviewed = (closure: Closure, at = 2 * hourMs): AccessEvent => ({
  type: 'reviewed',
  closure,
  at,
})

function after(...events: AccessEvent[]): AccessRequest {
  return events.reduce(
    (request, event) => transition(request, event).request,
    openAccessRequest(question, 0).request,
  )
}

const judged: AccessEvent = { type: 'judged', verdict: emergency, policyDigest: 'p', at: 0 }

function running(): AccessRequest {
  const opening = after(judged)
  if (opening.grant === undefined) throw new Error('no grant')
  return transition(opening, { type: 'opened', row: opening.grant }).request
}

function spent(): AccessRequest {
  const end = { reason: 'completed', by: 'demo/job', at: hourMs } as const
  const ending = transition(running(), { type: 'ending', ...end }).request
  return transition(ending, { type: 'closed', end }).request
}

test('it opens at once and loudly: the log says who, why, and by when somebody has to look', () => {
  const step = transition(openAccessRequest(question, 0).request, judged)
  expect(step.request.phase).toBe('opening')
  expect(step.request.grant?.breakGlass).toBe('ask')
  expect(step.facts.map(({ kind }) => kind)).toEqual([
    'request.judged',
    'grant.opened',
    'grant.break-glass',
  ])
  expect(step.facts[2]?.fields).toMatchObject({
    principal: 'demo/job',
    parties: ['demo/pusher'],
    reason: 'the disk is full',
    approvers: 'security',
    dueAt: 24 * hourMs,
  })
})

test('an ordinary grant leaves no review, and there is none to close', () => {
  const plain = after({ type: 'judged', verdict: allows, policyDigest: 'p', at: 0 })
  expect(plain.breakGlass).toBeUndefined()
  expect(itemOf(plain).breakGlass).toBeUndefined()
  expect(transition(plain, reviewed(finds('sue'))).refusal?.code).toBe('NOT_FOUND')
})

const REFUSED: [string, Closure, string][] = [
  ['the job itself', finds('job'), 'SELF_APPROVAL'],
  ['whoever triggered the job', finds('pusher'), 'SELF_APPROVAL'],
  ['somebody of another group', finds('ann', { memberOf: ['db-owners'] }), 'NOT_ENTITLED'],
  ['somebody of no group', finds('eve', { memberOf: [] }), 'NOT_ENTITLED'],
  ['a reviewer without a reason', finds('sue', { reason: '' }), 'REASON_REQUIRED'],
  ['a reviewer with blanks for a reason', finds('sue', { reason: ' \t\n' }), 'REASON_REQUIRED'],
  ['a reviewer with a novel', finds('sue', { reason: 'x'.repeat(2_001) }), 'LIMIT_EXCEEDED'],
]
test.each(REFUSED)('%s closes no review', (_name, closure, code) => {
  const due = spent()
  const step = transition(due, reviewed(closure))
  expect(step.refusal?.code).toBe(code)
  expect(step.request).toBe(due)
  expect(step.facts).toEqual([])
})

test('while the grant runs there is nothing to close yet', () => {
  expect(transition(running(), reviewed(finds('sue'))).refusal?.code).toBe('INVALID_ARGUMENT')
  expect(transition(after(judged), reviewed(finds('sue'))).refusal?.code).toBe('INVALID_ARGUMENT')
})

test('when it is over it gives nobody access, and waits for its review', () => {
  const due = spent()
  expect([due.phase, isOver(due), isSpent(due)]).toEqual(['review-due', false, true])
  expect(refusalOf(due).code).toBe('GRANT_EXPIRED')
  expect(itemOf(due)).toMatchObject({
    state: 'review-due',
    breakGlass: { approvers: 'security', dueAt: 24 * hourMs, isOverdue: false },
  })
})

test('nothing but its review ends it: no withdrawal, no end, no extension, no decision', () => {
  const due = spent()
  const at = 3 * hourMs
  const events: AccessEvent[] = [
    { type: 'withdrawn', why: 'never mind', at },
    { type: 'ending', reason: 'revoked', by: 'demo/oncall', at },
    { type: 'deadline', at },
    { type: 'escalated', at },
    judged,
  ]
  for (const event of events) expect(transition(due, event).request).toBe(due)
  expect(extensionOf(due, 1_000)).toHaveProperty('refusal')
})

test('it is overdue once, at its time, and only while nobody has closed it', () => {
  const due = spent()
  expect(transition(due, { type: 'overdue', at: 24 * hourMs - 1 }).request).toBe(due)
  const late = transition(due, { type: 'overdue', at: 24 * hourMs })
  expect(late.facts.map(({ kind }) => kind)).toEqual(['break-glass.overdue'])
  expect(itemOf(late.request).breakGlass?.isOverdue).toBe(true)
  expect(transition(late.request, { type: 'overdue', at: 25 * hourMs }).request).toBe(late.request)
  const closed = transition(due, reviewed(finds('sue'))).request
  expect(transition(closed, { type: 'overdue', at: 25 * hourMs }).request).toBe(closed)
  expect(transition(running(), { type: 'overdue', at: 25 * hourMs }).facts).toEqual([])
})

test('a review that is overdue can still be closed, and stays marked', () => {
  const late = transition(spent(), { type: 'overdue', at: 24 * hourMs }).request
  const closed = transition(late, reviewed(finds('sue', { finding: 'unjustified' }), 30 * hourMs))
  expect(closed.request.phase).toBe('ended')
  expect(itemOf(closed.request).breakGlass).toMatchObject({
    isOverdue: true,
    closure: { finding: 'unjustified', by: 'demo/sue', at: 30 * hourMs },
  })
  expect(closed.facts.map(({ kind }) => kind)).toEqual(['break-glass.closed', 'request.ended'])
})

test('the first finding stays', () => {
  const closed = transition(spent(), reviewed(finds('sue'))).request
  const second = transition(closed, reviewed(finds('tim', { finding: 'unjustified' })))
  expect(second.refusal?.code).toBe('ALREADY_DECIDED')
  expect(second.request).toBe(closed)
})

test('one that was revoked is to be reviewed as well', () => {
  const end = { reason: 'revoked', by: 'demo/oncall', at: 5 } as const
  const ending = transition(running(), { type: 'ending', ...end }).request
  const due = transition(ending, { type: 'closed', end }).request
  expect(due.phase).toBe('review-due')
  expect(refusalOf(due).code).toBe('GRANT_REVOKED')
})
