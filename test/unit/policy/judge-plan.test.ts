// A plan is put to those who approve plans of the role, and only if its text holds nothing blocked.

import { expect, test } from 'vitest'
import type { CommandPart } from '../../../core/command.js'
import type { Plan } from '../../../core/plan.js'
import type { AccessVerdict } from '../../../core/verdict.js'
import { judgeCommand } from '../../../policy/judge-command.js'
import { judgePlan } from '../../../policy/judge-plan.js'
import { policyOf } from './sample.js'

const PLANS = 'plans: { approvers: db-owners, quorum: 2, timeout: 20m }'
const policy = (more = PLANS) =>
  policyOf(`
resources:
  - { name: db, protocol: postgres, address: "db:5432", credential: { user: w, password: { env: P } } }
roles:
  - name: migrator
    on: [db]
    ask: [{ effects: [ddl], approvers: db-owners }]
    block: [{ statements: [drop-database, truncate] }, { relations: [secret.*] }]
    ${more}
approvers:
  db-owners: { members: [{ issuer: okta, group: dba }] }
  leads: { members: [{ issuer: okta, group: leads }] }
issuers: [{ name: okta, issuer: https://okta.example, audience: a, groups: g }]
`)

const part = (kind: string, relation?: string): CommandPart => ({
  ...{ kind, effect: 'ddl', traits: [], because: [] },
  relations: relation === undefined ? [] : [{ relation, access: 'write' }],
})
const plan = (...parts: CommandPart[]): Plan => ({
  digest: 'f',
  steps: parts.map((one) => ({ text: one.kind, digest: 'd', parts: [one] })),
})
const TIMES = { durationMs: 1, durationMsMax: 2 }
const given: AccessVerdict = { outcome: 'allow', reasons: [{ code: 'a', text: 'given' }], ...TIMES }
const asked = (approvers: string): AccessVerdict => ({
  ...{ outcome: 'ask', reasons: [{ code: 'b', text: 'asked' }], ...TIMES },
  approval: { approvers, quorum: 1, timeoutMs: 60_000 },
})
const CREATE = plan(part('create-table'))

test('access that would be given at once is asked about when it comes with a plan', () => {
  expect(judgePlan(policy(), 'migrator', given, CREATE)).toEqual({
    outcome: 'ask',
    ...TIMES,
    reasons: [
      { code: 'a', text: 'given' },
      {
        code: 'asked-by-rule',
        text: 'role migrator: a plan of 1 statements needs approval of db-owners',
      },
    ],
    approval: { approvers: 'db-owners', quorum: 2, timeoutMs: 1_200_000 },
  })
})

test('of two approvals by one group the stricter parts hold', () => {
  expect(judgePlan(policy(), 'migrator', asked('db-owners'), CREATE)).toMatchObject({
    outcome: 'ask',
    approval: { approvers: 'db-owners', quorum: 2, timeoutMs: 60_000 },
  })
})

test.each<[string, AccessVerdict, Plan, string, string]>([
  ['a role that takes none', given, CREATE, '', 'no-plans'],
  ['access that other people approve', asked('leads'), CREATE, PLANS, 'approvers-differ'],
  ['a blocked kind', given, plan(part('vacuum'), part('truncate')), PLANS, 'plan-step-blocked'],
  ['a blocked relation', given, plan(part('drop-table', 'secret.t')), PLANS, 'plan-step-blocked'],
])('%s is a block', (_, access, steps, more, code) => {
  const verdict = judgePlan(policy(more), 'migrator', access, steps)
  expect(verdict).toMatchObject({ outcome: 'block' })
  expect(verdict.reasons[0]?.code).toBe(code)
})

test('the reason names the step', () => {
  const { reasons } = judgePlan(policy(), 'migrator', given, plan(part('vacuum'), part('truncate')))
  expect(reasons[0]?.text).toMatch(/^plan step 2: role migrator, block line 1: .*truncate/i)
})

test('access that is blocked stays so', () => {
  const blocked: AccessVerdict = { outcome: 'block', reasons: [{ code: 'no-access', text: 'no' }] }
  expect(judgePlan(policy(), 'migrator', blocked, CREATE)).toBe(blocked)
})

test('`wait: retry` holds only when every line that asks says so', () => {
  const roles = (first: string, second: string) =>
    policyOf(`
resources:
  - { name: db, protocol: postgres, address: "db:5432", credential: { user: w, password: { env: P } } }
roles:
  - name: migrator
    on: [db]
    ask:
      - { effects: [ddl], approvers: db-owners, ${first} }
      - { statements: [create-table], approvers: db-owners, ${second} }
approvers: { db-owners: { members: [{ issuer: okta, group: dba }] } }
issuers: [{ name: okta, issuer: https://okta.example, audience: a, groups: g }]
`)
  const waitOf = (first: string, second: string) => {
    const command = { protocol: 'postgres', effect: 'ddl', parts: [part('create-table')] } as const
    const verdict = judgeCommand(roles(first, second), 'migrator', 'db', command)
    return verdict.outcome === 'ask' ? (verdict.approval.wait ?? 'hold') : verdict.outcome
  }
  expect(waitOf('wait: retry', 'wait: retry')).toBe('retry')
  expect(waitOf('wait: retry', 'wait: hold')).toBe('hold')
  expect(waitOf('timeout: 5m', 'wait: retry')).toBe('hold')
})
