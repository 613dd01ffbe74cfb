import { expect, test } from 'vitest'
import type { Decision } from '../../../core/decision.js'
import type { Principal } from '../../../core/principal.js'
import type { Approval } from '../../../core/verdict.js'
import { decisionReasonLengthMax, isSamePerson, tally } from '../../../core/quorum.js'

const person = (name: string, fields: Partial<Principal> = {}): Principal => ({
  issuer: 'okta',
  subject: name,
  groups: [],
  attributes: {},
  actors: [],
  parties: [],
  aliases: [`okta/${name}`],
  tokenExpiresAt: 0,
  ...fields,
})

const says = (
  answer: Decision['answer'],
  approver: Principal,
  fields: Partial<Decision> = {},
): Decision => ({
  ...{ answer, approver, memberOf: ['owners'], reason: '', channel: 'cli', at: 0 },
  ...fields,
})

const approval = { approvers: 'owners', quorum: 2, timeoutMs: 1_000 }
const job = person('job', { parties: ['github/pia'], actors: [{ issuer: 'okta', subject: 'bot' }] })

const codeOf = (decision: Decision, counted: Decision[] = []) => {
  const outcome = tally(approval, job, counted, decision)
  return outcome.ok ? outcome.value : outcome.refusal.code
}

test('the requester, its agents and the people behind it may neither approve nor deny', () => {
  expect(codeOf(says('approve', job))).toBe('SELF_APPROVAL')
  expect(codeOf(says('deny', job))).toBe('SELF_APPROVAL')
  expect(codeOf(says('approve', person('bot')))).toBe('SELF_APPROVAL')
  const pia = person('pia@acme', { aliases: ['okta/pia@acme', 'github/pia'] })
  expect(codeOf(says('approve', pia))).toBe('SELF_APPROVAL')
})

test('only members of the very group that is asked count', () => {
  expect(codeOf(says('approve', person('ann'), { memberOf: [] }))).toBe('NOT_ENTITLED')
  expect(codeOf(says('deny', person('ann'), { memberOf: ['Owners'] }))).toBe('NOT_ENTITLED')
})

test('a reason has a limit', () => {
  const reason = 'x'.repeat(decisionReasonLengthMax)
  expect(codeOf(says('approve', person('ann'), { reason }))).toBe('pending')
  expect(codeOf(says('approve', person('ann'), { reason: `${reason}x` }))).toBe('LIMIT_EXCEEDED')
})

test('one person under two names counts once', () => {
  const ann = says('approve', person('ann', { aliases: ['okta/ann', 'slack/U1'] }))
  const asSlack = person('U1', { issuer: 'slack', aliases: ['slack/U1'] })
  expect(codeOf(says('approve', asSlack), [ann])).toBe('ALREADY_DECIDED')
  expect(codeOf(says('deny', asSlack), [ann])).toBe('ALREADY_DECIDED')
  expect(codeOf(says('approve', person('bob')), [ann])).toBe('approved')
})

test('one agent that speaks for two people is one voice', () => {
  const actors = [{ issuer: 'okta', subject: 'assistant' }]
  expect(isSamePerson(person('ann', { actors }), person('bob', { actors }))).toBe(true)
})

test('one denial is enough, and no quorum below one lets a request through unasked', () => {
  expect(codeOf(says('deny', person('ann')))).toBe('denied')
  const none = { ...approval, quorum: 0 }
  expect(tally(none, job, [], says('approve', person('ann'), { memberOf: [] })).ok).toBe(false)
})

const strict = { ...approval, reasonRequired: true }
const rejected = (decision: Decision, isEscalated = false, asked: Approval = strict) => {
  const outcome = tally(asked, job, [], decision, isEscalated)
  return outcome.ok ? outcome.value : outcome.refusal.code
}

test('where a reason is required, neither an approval nor a denial counts without words', () => {
  for (const reason of ['', ' ', '\n\t ']) {
    expect(rejected(says('approve', person('ann'), { reason }))).toBe('REASON_REQUIRED')
    expect(rejected(says('deny', person('ann'), { reason }))).toBe('REASON_REQUIRED')
  }
  expect(rejected(says('deny', person('ann'), { reason: 'not today' }))).toBe('denied')
})

test('whoever may not answer is not told that a reason is missing', () => {
  expect(rejected(says('approve', job))).toBe('SELF_APPROVAL')
  expect(rejected(says('approve', person('eve'), { memberOf: [] }))).toBe('NOT_ENTITLED')
})

const patient = { ...approval, escalation: { to: 'on-call', afterMs: 100 } }

test('the group to escalate to answers only once the question is escalated', () => {
  const sub = says('approve', person('sub'), { memberOf: ['on-call'] })
  expect(rejected(sub, false, patient)).toBe('NOT_ENTITLED')
  expect(rejected(sub, true, patient)).toBe('pending')
  expect(rejected(sub, true, approval)).toBe('NOT_ENTITLED')
})

test('after an escalation both groups count, each person once, and strangers still do not', () => {
  const ann = says('approve', person('ann'))
  const sub = says('approve', person('sub'), { memberOf: ['on-call'] })
  expect(tally(patient, job, [ann], sub, true)).toEqual({ ok: true, value: 'approved' })
  const both = says('approve', person('ann'), { memberOf: ['owners', 'on-call'] })
  expect(tally(patient, job, [ann], both, true).ok).toBe(false)
  expect(rejected(says('approve', person('eve'), { memberOf: ['eve'] }), true, patient)).toBe(
    'NOT_ENTITLED',
  )
})
