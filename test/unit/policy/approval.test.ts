// How people are asked: reasons, escalation, and what the policy file may say of them.

import { expect, test } from 'vitest'
import { explainPolicy } from '../../../policy/explain.js'
import { judgeAccess } from '../../../policy/judge-access.js'
import { judgeCommand } from '../../../policy/judge-command.js'
import { command, JOB, part, policyOf, problemsOf, SAMPLE, sampleWith } from './sample.js'

const OWNERS = 'db-owners: { members: [{ issuer: okta, group: db-admins }] }'
const escalating = (escalate: string) =>
  sampleWith(OWNERS, OWNERS.replace(' }] }', ` }], escalate: ${escalate} }`))

const WRONG: [string, string, RegExp][] = [
  [
    'to a group that is not there',
    '{ after: 5m, to: oncall }',
    /approvers\.db-owners\.escalate\.to: there is no approver group oncall; did you mean on-call\?/,
  ],
  ['to itself', '{ after: 5m, to: db-owners }', /escalate\.to: is the same group/],
  ['without a time', '{ to: on-call }', /escalate\.after: is missing/],
  ['without a group', '{ after: 5m }', /escalate\.to: is missing/],
  ['at once', '{ after: 0s, to: on-call }', /escalate\.after: must be/],
  [
    'after an ask line has timed out',
    '{ after: 11m, to: on-call }',
    /roles\[0\]\.ask\[0\]\.timeout: must be longer than 11m, after which db-owners escalates/,
  ],
  [
    'in the very moment of a timeout',
    '{ after: 10m, to: on-call }',
    /roles\[0\]\.ask\[0\]\.timeout: must be longer than 10m/,
  ],
  [
    'after an access rule has timed out',
    '{ after: 900s, to: on-call }',
    /access\[0\]\.approval\.timeout: must be longer than 900s/,
  ],
  [
    'after the timeout that nobody stated',
    '{ after: 15m, to: on-call }',
    /roles\[0\]\.ask\[1\]\.timeout: must be longer than 15m/,
  ],
  ['with a misspelt key', '{ afer: 5m, to: on-call }', /unknown key; did you mean after\?/],
]
test.each(WRONG)('an escalation %s is a problem', (_name, escalate, problem) => {
  expect(problemsOf(escalating(escalate)).join('\n')).toMatch(problem)
})

test('an escalation after the timeout of `otherwise` is a problem', () => {
  const text = sampleWith(
    'subject: [ann, bob] }] }',
    'subject: [ann, bob] }], escalate: { after: 5m, to: db-owners } }',
  )
  expect(problemsOf(text).join('\n')).toMatch(
    /roles\[2\]\.timeout: must be longer than 5m, after which on-call escalates/,
  )
})

test('two groups may stand in for each other', () => {
  const text = escalating('{ after: 1m, to: on-call }').replace(
    'subject: [ann, bob] }] }',
    'subject: [ann, bob] }], escalate: { after: 1m, to: db-owners } }',
  )
  expect(problemsOf(text)).toEqual([])
})

test('every question that a group is asked carries its escalation', () => {
  const policy = policyOf(escalating('{ after: 5m, to: on-call }'))
  const escalation = { to: 'on-call', afterMs: 300_000 }
  expect(
    judgeAccess(policy, JOB, { resource: 'orders-db', role: 'orders-migrator', reason: 'x' }, 0),
  ).toMatchObject({ outcome: 'ask', approval: { escalation } })
  const judged = judgeCommand(
    policy,
    'orders-migrator',
    'orders-db',
    command([part('create-table', 'ddl', ['write public.t'])]),
  )
  expect(judged).toMatchObject({ outcome: 'ask', approval: { escalation } })
})

test('a reason is optional for deciders, unless the line or rule that asks says otherwise', () => {
  const wish = { resource: 'orders-db', role: 'orders-migrator', reason: 'x' }
  const plain = judgeAccess(policyOf(SAMPLE), JOB, wish, 0)
  expect(JSON.stringify(plain)).not.toContain('reasonRequired')
  const strict = policyOf(
    sampleWith('db-owners, timeout: 15m }', 'db-owners, timeout: 15m, reason: required }'),
  )
  expect(judgeAccess(strict, JOB, wish, 0)).toMatchObject({ approval: { reasonRequired: true } })
})

test('of two ask lines that fit, one that wants a reason is enough', () => {
  const policy = policyOf(
    sampleWith(
      'without: where, approvers: db-owners, quorum: 2 }',
      'without: where, approvers: db-owners, reason: required }',
    ),
  )
  const both = command([
    part('create-table', 'ddl', ['write public.t']),
    part('delete', 'write', ['write public.t'], { traits: ['without-where'] }),
  ])
  const reversed = command(both.parts.toReversed())
  for (const one of [both, reversed])
    expect(judgeCommand(policy, 'orders-migrator', 'orders-db', one)).toMatchObject({
      approval: { reasonRequired: true },
    })
})

test.each([
  ['a role that asks nobody', 'on: [orders-db]\n    allow: [{ effects: [read]', 'otherwise: ask'],
  ['reason: maybe', 'db-owners, timeout: 15m }', 'must be required or optional'],
])('%s can not say that a decider needs a reason', (_name, piece, problem) => {
  const replacement = piece.startsWith('on:')
    ? piece.replace('allow:', 'reason: required\n    allow:')
    : piece.replace(' }', ', reason: maybe }')
  expect(problemsOf(sampleWith(piece, replacement)).join('\n')).toContain(problem)
})

test('in words, an escalation and a required reason are part of who is asked', () => {
  const text = escalating('{ after: 5m, to: on-call }').replace(
    'db-owners, timeout: 15m }',
    'db-owners, timeout: 15m, reason: required }',
  )
  expect(explainPolicy(policyOf(text)).join('\n')).toContain(
    'when db-owners (after 5m on-call as well), saying why, within 15m agrees',
  )
})
