// A policy, a change of one, a mistake and a duration in words.

import { expect, test } from 'vitest'
import { describeDifference } from '../../../policy/difference.js'
import { DURATION_MS_MAX, durationMs, durationText } from '../../../policy/duration.js'
import { explainPolicy } from '../../../policy/explain.js'
import { EMPTY_POLICY } from '../../../policy/load.js'
import { nearestOf, problemText } from '../../../policy/problem.js'
import { masked, policyOf, SAMPLE, sampleWith } from './sample.js'

const POLICY = policyOf(SAMPLE)
const differenceTo = (piece: string, replacement: string) =>
  describeDifference(POLICY, policyOf(sampleWith(piece, replacement)))

test('a policy that means the same shows no difference', () => {
  expect(differenceTo('for: 1h', '"for": "1h"')).toEqual([])
  expect(differenceTo('gateway:', '# moved\ngateway:')).toEqual([])
  expect(differenceTo('timeout: 10m', 'timeout: 10m, quorum: 1')).toEqual([])
})

test('each change is one line with its place', () => {
  expect(differenceTo('relations: [public.*]', "relations: ['*']")).toEqual([
    '- roles.orders-migrator.allow: { effects: [read, write], relations: [public.*] }',
    '+ roles.orders-migrator.allow: { effects: [read, write], relations: [*] }',
  ])
  expect(differenceTo('on: [orders-db, local-db]', 'on: [orders-db]')).toEqual([
    '- roles.orders-migrator.on: local-db',
  ])
  expect(differenceTo('replay: once', 'replay: none')).toEqual([
    '~ issuers.github.replay: once → none',
  ])
  expect(differenceTo('tier: 1', 'tier: 1, team: a')).toEqual([
    '+ resources.orders-db.labels.team: a',
  ])
  expect(differenceTo('[ann, bob]', '[ann]')).toEqual([
    '- approvers.on-call.members: { issuer: okta, subject: [ann, bob] }',
    '+ approvers.on-call.members: { issuer: okta, subject: [ann] }',
  ])
})

test('a list entry that is there twice and then once is a change', () => {
  expect(differenceTo('apply: [db-owners]', 'apply: [db-owners, db-owners]')).toEqual([
    '+ duties.apply: db-owners',
  ])
})

test('from no policy everything is added, towards none everything goes', () => {
  const added = describeDifference(EMPTY_POLICY, POLICY)
  expect(added.length).toBeGreaterThan(8)
  expect(added.every((line) => line.startsWith('+ '))).toBe(true)
  expect(describeDifference(POLICY, EMPTY_POLICY).every((line) => line.startsWith('- '))).toBe(true)
  expect(Math.max(...added.map((line) => line.length))).toBeLessThan(500)
})

const SSN = 'orders-db/public.customers.ssn'
const maskDifference = (before: string[], after: string[]) =>
  describeDifference(policyOf(masked(...before)), policyOf(masked(...after)))

test('a change of masks is told by what they mask', () => {
  const one = `{ columns: [${SSN}], how: last4 }`
  expect(describeDifference(POLICY, policyOf(masked(one)))).toEqual([
    `+ masks.${SSN}: { conditions: block, derived: block, how: last4 }`,
  ])
  expect(maskDifference([one], [`{ columns: [${SSN}], how: last4, derived: block }`])).toEqual([])
  expect(maskDifference([one], [`{ columns: [${SSN}], how: null, except: [reader] }`])).toEqual([
    `~ masks.${SSN}.how: last4 → null`,
    `+ masks.${SSN}.except: [reader]`,
  ])
  expect(maskDifference([one], [one, `{ columns: [${SSN}], how: hash }`])).toEqual([
    `~ masks.${SSN}: { conditions: block, derived: block, how: last4 } → [{ conditions: block, derived: block, how: last4 }, { conditions: block, derived: block, how: hash }]`,
  ])
  const find = (pattern: string, more = '') =>
    `{ detect: [email${more}], patterns: [{ name: id, pattern: ${pattern} }], how: redact }`
  expect(maskDifference([find('E1')], [find('E2', ', jwt')])).toEqual([
    '~ masks.id.pattern: E1 → E2',
    '+ masks.jwt: { how: redact }',
  ])
})

test('a column that is taken out of a long mask is not lost behind a cut', () => {
  const columns = Array.from({ length: 200 }, (_, at) => `orders-db/public.customers.c${at}`)
  const list = (names: string[]) => `{ columns: [${names.join(', ')}], how: last4 }`
  expect(maskDifference([list(columns)], [list(columns.toSpliced(150, 1))])).toEqual([
    '- masks.orders-db/public.customers.c150: { conditions: block, derived: block, how: last4 }',
  ])
})

test('masks and the way of the audit log are explained', () => {
  const lines = explainPolicy(
    policyOf(
      masked(
        `{ columns: [${SSN}, '*/*.pin'], how: last4, except: [reader, asker] }`,
        `{ columns: [${SSN}], how: fixed, value: "-", derived: ask, conditions: allow, approvers: db-owners }`,
        `{ columns: [${SSN}], how: hash, derived: ask, conditions: ask, approvers: on-call, quorum: 2, timeout: 5m }`,
        "{ detect: [email, jwt], patterns: [{ name: id, pattern: 'E\\d' }], how: redact, on: { env: [prod, test], tier: 1 } }",
        '{ detect: [iban], how: null, on: [orders-db, local-db] }',
        '{ detect: [iban], how: null }',
      ).replace('gateway: {', 'gateway: { audit: strict,'),
    ),
  )
  for (const line of [
    `mask 1: ${SSN}, */*.pin by last4, but for reader, asker; blocks what is derived, blocks conditions`,
    `mask 2: ${SSN} by fixed "-"; asks db-owners within 15m about what is derived, allows conditions`,
    `mask 3: ${SSN} by hash; asks 2 of on-call within 5m about what is derived, asks 2 of on-call within 5m about conditions`,
    'mask 4: email, jwt, id (E\\d) in any value on resources with env prod or test, tier 1 by redact',
    'mask 5: iban in any value on orders-db, local-db by null',
    'mask 6: iban in any value on any resource by null',
    'audit: reads are forwarded when they are on record',
  ])
    expect(lines).toContain(line)
  expect(explainPolicy(POLICY)).toContain('audit: reads are forwarded before they are on record')
})

test('a policy is explained line by line', () => {
  const lines = explainPolicy(POLICY)
  for (const line of [
    'issuer github: tokens of https://token.actions.githubusercontent.com, each good for one request',
    'resource orders-db: postgres at orders.internal:5432 as warder, TLS verify-full',
    'role orders-migrator on orders-db, local-db',
    '  blocks any effect by drop-database, truncate',
    '  asks db-owners within 10m about ddl',
    '  asks 2 of db-owners within 15m about write of a whole table (no WHERE)',
    '  allows read, write on public.*',
    '  blocks whatever else',
    '  asks on-call within 5m about whatever else',
    'access rule 1: github (repository_id 5512, environment production) gets orders-migrator on orders-db for 30m (at most 2h) when db-owners within 15m agrees, reason required',
    'access rule 2: okta (group readers) gets reader on orders-db for 1h (at most 1h) at once',
    'approvers on-call: okta (subject ann or bob)',
    'duty apply: db-owners',
  ])
    expect(lines).toContain(line)
})

test('no policy is explained as what it is', () => {
  expect(explainPolicy(EMPTY_POLICY)).toContain('no access rule: nobody gets anything')
  expect(explainPolicy(EMPTY_POLICY)).toContain('duty revoke: nobody')
})

test('a mistake is one line', () => {
  expect(
    problemText({ path: 'roles[0].alow', line: 12, what: 'unknown key', nearest: 'allow' }),
  ).toBe('line 12: roles[0].alow: unknown key; did you mean allow?')
  expect(problemText({ path: '', what: 'is empty' })).toBe('the policy: is empty')
})

test('nothing is near when nothing is known, or the word is absurdly long', () => {
  expect(nearestOf('x', [])).toBeUndefined()
  expect(nearestOf('x'.repeat(10_000), ['x'])).toBeUndefined()
})

test('durations read and write the same', () => {
  for (const text of ['1s', '90s', '15m', '2h', '36h', '7d'])
    expect(durationMs(durationText(durationMs(text)))).toBe(durationMs(text))
  expect(durationText(durationMs('120m'))).toBe('2h')
  expect(durationText(1_500)).toBe('1500ms')
  expect(durationText(0)).toBe('0ms')
  expect(durationMs('7d')).toBe(DURATION_MS_MAX)
})

test.each(['', '1', 'm', '-1m', '1.5h', '1 h', '1H', '0m', '12345678s', '1w', '1m\n', '1e3s'])(
  '%j is no duration',
  (text) => {
    expect(durationMs(text)).toBeNaN()
  },
)
