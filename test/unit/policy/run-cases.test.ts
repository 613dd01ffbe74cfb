// Cases beside a policy: what is met, what is not and why, what no case touches, and bad files.

import { expect, test } from 'vitest'
import { loadCases } from '../../../policy/cases-schema.js'
import { problemText } from '../../../policy/problem.js'
import { runCases, type CaseReport } from '../../../policy/run-cases.js'
import { masked, part, policyOf, SAMPLE } from './sample.js'

async function report(cases: string, policy = SAMPLE): Promise<CaseReport> {
  const loaded = loadCases(`cases:\n${cases}`)
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'))
  return runCases(policyOf(policy), loaded.file, (_resource, text) =>
    Promise.resolve(
      text.startsWith('sel')
        ? {
            outcome: 'command',
            command: {
              ...{ protocol: 'postgres', effect: 'read' },
              parts: [part('select', 'read', ['read public.customers'])],
              columns: [{ relation: 'public.customers', column: 'ssn', use: 'output' }],
            },
          }
        : { outcome: 'invalid', message: 'syntax error at "sec"' },
    ),
  )
}
const problems = (text: string) => {
  const loaded = loadCases(text)
  return loaded.ok ? [] : loaded.problems.map(problemText)
}
const met = ({ checks }: CaseReport) => checks.map(({ isMet }) => isMet)

const JOB = 'who: { issuer: github, claims: { repository_id: 5512, environment: production } }'

test('access is judged as for the caller that is described', async () => {
  const cases = `
  - { name: a, ${JOB}, on: orders-db, role: orders-migrator, reason: x, access: ask, approvers: db-owners }
  - { name: no reason, ${JOB}, on: orders-db, role: orders-migrator, access: block }
  - { name: too long, ${JOB}, on: orders-db, role: orders-migrator, reason: x, for: 3h, access: block }
  - { name: elsewhere, ${JOB}, on: local-db, role: orders-migrator, reason: x, access: block }
  - { name: of a group, who: { issuer: okta, groups: [readers] }, on: orders-db, role: reader, access: allow }
  - { name: an agent of it, who: { issuer: okta, groups: [readers], actors: [okta/bot] }, on: orders-db, role: reader, access: block }
`
  expect(met(await report(cases))).toEqual([true, true, true, true, true, true])
})

test('described commands are judged by the lines of the role', async () => {
  const { checks } = await report(`
  - name: the migrator
    on: orders-db
    role: orders-migrator
    commands:
      - { command: { statement: create-table, writes: [public.a] }, expect: ask, approvers: db-owners }
      - { command: { statement: update, writes: [public.a] }, expect: allow }
      - { command: { statement: update, writes: [public.a], without: where }, expect: ask, quorum: 2 }
      - { command: { statement: truncate, writes: [public.a] }, expect: block }
      - { command: { effect: dangerous }, expect: block }
`)
  expect(checks.map(({ isMet, got }) => (isMet ? 'met' : got))).toEqual(Array(5).fill('met'))
})

test('what is not met says what was expected, what came, and by which line', async () => {
  const { checks } = await report(`
  - name: the migrator
    on: orders-db
    role: orders-migrator
    commands:
      - { command: { statement: drop-table, writes: [public.a] }, expect: block }
      - { command: { statement: drop-table, writes: [public.a] }, expect: ask, approvers: on-call }
`)
  expect(checks).toMatchObject([
    { isMet: false, expected: 'block', got: 'ask 1 of db-owners' },
    { isMet: false, expected: 'ask on-call', got: 'ask 1 of db-owners' },
  ])
  expect(checks[0]?.why.join()).toMatch(/role orders-migrator, ask line 1: drop-table/)
})

test('masks: which columns come back masked, and what computing with them gets', async () => {
  const policy = masked(
    '{ columns: [orders-db/public.customers.ssn], how: last4, except: [reader] }',
  )
  const { checks, untouched } = await report(
    `
  - name: masked
    on: orders-db
    role: orders-migrator
    commands:
      - { sql: select ssn from customers, expect: allow, masked: [public.customers.ssn] }
      - { sql: select ssn from customers, expect: allow, masked: [] }
      - { command: { statement: select, derives: [public.customers.ssn] }, expect: block }
      - { command: { statement: select, conditions: [public.customers.ssn] }, expect: allow }
`,
    policy,
  )
  expect(met({ checks, touchedCount: 0, untouched })).toEqual([true, false, true, false])
  expect(checks[1]?.got).toBe('allow, masked: public.customers.ssn')
  expect(untouched.map(({ label }) => label)).not.toContain('mask 1')
})

test('SQL that is none is not met, whatever is expected', async () => {
  const { checks } = await report(
    `  - { name: x, on: orders-db, role: reader, commands: [{ sql: seclect 1, expect: block }] }`,
  )
  expect(checks).toMatchObject([{ isMet: false, got: 'no SQL', why: ['syntax error at "sec"'] }])
})

test.each([
  ['role', 'on: orders-db, role: readr', 'the policy has no role readr; did you mean reader?'],
  [
    'resource',
    'on: order-db, role: reader',
    'the policy has no resource order-db; did you mean orders-db?',
  ],
])('a misspelt %s is never a block as expected', async (_what, place, why) => {
  const { checks } = await report(`  - { name: x, ${place}, who: { issuer: okta }, access: block }`)
  expect(checks).toMatchObject([{ isMet: false, why: [why] }])
})

test('lines that no case touches are named with their place', async () => {
  const { touchedCount, untouched } = await report(`
  - { name: x, who: { issuer: okta, groups: [readers] }, on: orders-db, role: reader, access: allow }
`)
  expect(touchedCount).toBe(1)
  expect(untouched.map(({ label }) => label)).toEqual([
    'role orders-migrator, block line 1',
    'role orders-migrator, ask line 1',
    'role orders-migrator, ask line 2',
    'role orders-migrator, allow line 1',
    'role reader, allow line 1',
    'access rule 1',
  ])
  expect(untouched.every(({ line = 0 }) => line > 20)).toBe(true)
})

test.each([
  [
    'a misspelt key',
    'cases: [{ name: x, on: a, role: b, acces: allow }]',
    /line 1: .*did you mean access/,
  ],
  ['no expectation', 'cases: [{ name: x, on: a, role: b }]', /expects nothing/],
  [
    'access for nobody',
    'cases: [{ name: x, on: a, role: b, access: allow }]',
    /is missing: access/,
  ],
  ['no cases', 'cases: []', /at least 1/],
  [
    'a statement that is none',
    'cases: [{ name: x, on: a, role: b, commands: [{ command: { statement: drop-tabel }, expect: ask }] }]',
    /did you mean drop-table/,
  ],
  [
    'both forms',
    'cases: [{ name: x, on: a, role: b, commands: [{ sql: x, command: { effect: ddl }, expect: ask }] }]',
    /either sql or command/,
  ],
  [
    'approvers of a block',
    'cases: [{ name: x, on: a, role: b, commands: [{ sql: x, expect: block, approvers: c }] }]',
    /only for/,
  ],
  ['something else', '- x', /must be a map/],
])('a file with %s is refused', (_what, text, why) => {
  expect(problems(text).join('\n')).toMatch(why)
})
