// Who may have access, for how long, and who must agree.

import { expect, test } from 'vitest'
import { judgeAccess, rolesFor } from '../../../policy/judge-access.js'
import type { AccessWish } from '../../../policy/judge-access.js'
import { EMPTY_POLICY } from '../../../policy/load.js'
import { JOB, person, policyOf, SAMPLE, sampleWith } from './sample.js'

const POLICY = policyOf(SAMPLE)
const WISH: AccessWish = { resource: 'orders-db', role: 'orders-migrator', reason: 'deploy 12' }
/** A Monday in winter, 08:00 UTC. */
const NOW = Date.UTC(2026, 10, 23, 8)
const READER: AccessWish = { resource: 'orders-db', role: 'reader', reason: '' }

const REFUSED: [string, Partial<AccessWish>, string][] = [
  ['an unknown resource', { resource: 'payroll-db' }, 'no-access'],
  ['a known resource where the rule does not hold', { resource: 'local-db' }, 'no-access'],
  ['an unknown role', { role: 'owner' }, 'no-access'],
  ['the role of somebody else', { role: 'reader' }, 'no-access'],
  ['a role in another case', { role: 'Orders-Migrator' }, 'no-access'],
  ['no role', { role: '' }, 'no-access'],
  ['longer than the maximum', { durationMs: 7_200_001 }, 'duration-too-long'],
  ['no time at all', { durationMs: 0 }, 'duration-invalid'],
  ['a negative time', { durationMs: -1 }, 'duration-invalid'],
  ['NaN', { durationMs: NaN }, 'duration-invalid'],
  ['infinity', { durationMs: Infinity }, 'duration-invalid'],
  ['half a millisecond', { durationMs: 0.5 }, 'duration-invalid'],
  ['no reason where one is required', { reason: '' }, 'reason-missing'],
  ['blanks as a reason', { reason: ' \n\t' }, 'reason-missing'],
]
test.each(REFUSED)('%s is blocked', (_name, change, code) => {
  const verdict = judgeAccess(POLICY, JOB, { ...WISH, ...change }, NOW)
  expect(verdict.outcome).toBe('block')
  expect(verdict.reasons.map((reason) => reason.code)).toEqual([code])
})

test('somebody whom no rule means gets nothing', () => {
  expect(judgeAccess(POLICY, person('eve'), READER, NOW).outcome).toBe('block')
  expect(rolesFor(POLICY, person('eve'), 'orders-db')).toEqual([])
})

test('without a policy nobody gets anything', () => {
  expect(judgeAccess(EMPTY_POLICY, JOB, WISH, NOW).outcome).toBe('block')
  expect(rolesFor(EMPTY_POLICY, JOB, 'orders-db')).toEqual([])
})

test('unknown and forbidden resources and roles answer in the same words', () => {
  const words = (change: Partial<AccessWish>) => {
    const wish = { ...WISH, ...change }
    return JSON.stringify(judgeAccess(POLICY, JOB, wish, NOW))
      .replace(wish.resource, 'RESOURCE')
      .replace(wish.role, 'ROLE')
  }
  const unknown = words({ resource: 'payroll-db' })
  expect(words({ resource: 'local-db' })).toBe(unknown)
  expect(words({ role: 'reader' })).toBe(unknown)
  expect(words({ role: 'owner' })).toBe(unknown)
  expect(words({ resource: 'local-db', durationMs: -1, reason: '' })).toBe(unknown)
})

test('what a caller typed is shown back short and visible', () => {
  const verdict = judgeAccess(POLICY, JOB, { ...WISH, role: `\u202e${'x'.repeat(9_000)}` }, NOW)
  expect(verdict.reasons[0]?.text).toContain('\\u{202e}xxx')
  expect(verdict.reasons[0]?.text.length).toBeLessThan(300)
})

test('a rule with an approval asks, and says whom, how many and how long', () => {
  expect(judgeAccess(POLICY, JOB, WISH, NOW)).toEqual({
    outcome: 'ask',
    reasons: [
      {
        code: 'asked-by-rule',
        text: 'access rule 1: orders-migrator for 30m needs approval of db-owners',
      },
    ],
    durationMs: 1_800_000,
    durationMsMax: 7_200_000,
    approval: { approvers: 'db-owners', quorum: 1, timeoutMs: 900_000 },
  })
})

test('a rule without approval allows, for the time asked for', () => {
  const verdict = judgeAccess(
    POLICY,
    person('ann', 'readers'),
    { ...READER, durationMs: 60_000 },
    NOW,
  )
  expect(verdict).toMatchObject({ outcome: 'allow', durationMs: 60_000, durationMsMax: 3_600_000 })
  expect(verdict.reasons[0]?.text).toBe('auto-approved by access rule 2: reader for 1m')
})

test('exactly the maximum may be asked for', () => {
  expect(judgeAccess(POLICY, JOB, { ...WISH, durationMs: 7_200_000 }, NOW).outcome).toBe('ask')
})

/** Two more rules for readers, in this order. */
const withRules = (...rules: string[]) =>
  policyOf(
    sampleWith(
      'approvers:\n  db-owners',
      `${rules.map((rule) => `  - ${rule}\n`).join('')}approvers:\n  db-owners`,
    ),
  )
const ASKED =
  '{ who: { issuer: okta, group: readers }, role: reader, for: 1h, max: 7d, approval: { approvers: on-call } }'
const LONGER = '{ who: { issuer: okta, subject: ann }, role: reader, for: 2h, max: 4h }'

test('of several rules the most favourable speaks', () => {
  const ann = person('ann', 'readers')
  const judged = (wish: AccessWish, ...rules: string[]) =>
    judgeAccess(withRules(...rules), ann, wish, NOW)
  expect(judged(READER, ASKED)).toMatchObject({ outcome: 'allow', durationMsMax: 3_600_000 })
  expect(judged(READER, LONGER, ASKED)).toMatchObject({
    outcome: 'allow',
    durationMsMax: 14_400_000,
  })
  expect(judged({ ...READER, durationMs: 14_400_001 }, LONGER, ASKED)).toMatchObject({
    outcome: 'ask',
  })
})

test('when every rule that fits blocks, each says why', () => {
  const verdict = judgeAccess(
    withRules(LONGER),
    person('ann', 'readers'),
    {
      ...READER,
      durationMs: 1e12,
    },
    NOW,
  )
  expect(verdict.outcome).toBe('block')
  expect(verdict.reasons.map((reason) => reason.text.slice(0, 13))).toEqual([
    'access rule 2',
    'access rule 3',
  ])
})

test('the roles that a caller may ask for are listed once each, and only there', () => {
  expect(rolesFor(POLICY, JOB, 'orders-db')).toEqual(['orders-migrator'])
  expect(rolesFor(POLICY, JOB, 'local-db')).toEqual([])
  expect(rolesFor(withRules(LONGER, ASKED), person('ann', 'readers'), 'orders-db')).toEqual([
    'reader',
  ])
})
