// What may run: allow, ask or block, the strictest of all parts.

import { expect, test } from 'vitest'
import type { Command, CommandPart } from '../../../core/command.js'
import { unknownCommand } from '../../../core/command.js'
import { judgeCommand } from '../../../policy/judge-command.js'
import { EMPTY_POLICY } from '../../../policy/load.js'
import { command, part, policyOf, SAMPLE } from './sample.js'

const POLICY = policyOf(SAMPLE)
const SELECT = part('select', 'read', ['read public.orders'])
const INSERT = part('insert', 'write', ['write public.orders'])
const CREATE = part('create-table', 'ddl', ['write public.new'])
const BEGIN = part('transaction', 'session-control')

/** `allow`, `block CODE` or `ask APPROVERS`, in short. */
function judged(role: string, parts: readonly CommandPart[], policy = POLICY): string {
  const verdict = judgeCommand(policy, role, 'orders-db', command(parts))
  if (verdict.outcome === 'ask') return `ask ${verdict.approval.approvers}`
  const code = verdict.reasons[0]?.code ?? 'no reason'
  return verdict.outcome === 'allow' ? 'allow' : `block ${code}`
}

const wholeTable = { traits: ['without-where'] } as const
const CASES: [string, string, CommandPart[], string][] = [
  // Block lines come first.
  [
    'a statement that a block line names',
    'orders-migrator',
    [part('truncate', 'write', ['write public.orders'])],
    'block blocked-by-rule',
  ],
  [
    'a blocked statement of a high effect',
    'orders-migrator',
    [part('drop-database', 'dangerous')],
    'block blocked-by-rule',
  ],
  // Nothing allows these.
  ['a role that is not there', 'nobody', [SELECT], 'block unknown-role'],
  ['a role by the name of a built-in', 'constructor', [SELECT], 'block unknown-role'],
  ['an effect that no line names', 'reader', [INSERT], 'block no-rule'],
  [
    'a relation that no line names',
    'reader',
    [part('select', 'read', ['read public.customers'])],
    'block no-rule',
  ],
  [
    'one relation of two',
    'reader',
    [part('select', 'read', ['read public.orders', 'read public.customers'])],
    'block no-rule',
  ],
  [
    'another case of a relation',
    'reader',
    [part('select', 'read', ['read public.Orders'])],
    'block no-rule',
  ],
  [
    'a schema that begins the same',
    'reader',
    [part('select', 'read', ['read reports2.x'])],
    'block no-rule',
  ],
  [
    'a schema whose name has a dot',
    'reader',
    [part('select', 'read', ['read reports.evil.x'])],
    'block no-rule',
  ],
  [
    'a relation without schema',
    'reader',
    [part('select', 'read', ['read orders'])],
    'block no-rule',
  ],
  [
    'a write that calls itself a read',
    'reader',
    [part('select', 'read', ['write public.orders'])],
    'block no-rule',
  ],
  [
    'a privilege statement',
    'orders-migrator',
    [part('grant', 'privilege', ['write public.orders'])],
    'block no-rule',
  ],
  [
    'a dangerous statement',
    'orders-migrator',
    [part('copy-program', 'dangerous')],
    'block no-rule',
  ],
  ['an unknown statement', 'orders-migrator', [part('unknown', 'unknown')], 'block no-rule'],
  [
    'a write that names no relation, under a line limited to some',
    'orders-migrator',
    [part('notify', 'write')],
    'block no-rule',
  ],
  [
    'what a write reads elsewhere',
    'orders-migrator',
    [part('insert', 'write', ['write public.a', 'read secret.b'])],
    'block no-rule',
  ],
  [
    'what approved DDL may touch is all relations',
    'orders-migrator',
    [part('create-table-as', 'ddl', ['write public.a', 'read secret.b'])],
    'ask db-owners',
  ],
  ['BEGIN in a role that allows nothing', 'asker', [BEGIN], 'ask on-call'],
  [
    'session control that reads what no line names',
    'reader',
    [part('declare', 'session-control', ['read secret.b'])],
    'block no-rule',
  ],
  // Ask lines.
  ['DDL', 'orders-migrator', [CREATE], 'ask db-owners'],
  [
    'an UPDATE of the whole table',
    'orders-migrator',
    [part('update', 'write', ['write public.orders'], wholeTable)],
    'ask db-owners',
  ],
  ['whatever no line names, under otherwise ask', 'asker', [SELECT], 'ask on-call'],
  [
    'an unknown statement, under otherwise ask',
    'asker',
    [part('unknown', 'unknown')],
    'ask on-call',
  ],
  // Allowed.
  ['a read of an allowed relation', 'reader', [SELECT], 'allow'],
  [
    'a read of an allowed schema',
    'reader',
    [part('select', 'read', ['read reports.daily'])],
    'allow',
  ],
  ['a read of no relation', 'reader', [part('select', 'read')], 'allow'],
  [
    'a write with a WHERE',
    'orders-migrator',
    [part('update', 'write', ['write public.orders'])],
    'allow',
  ],
  [
    'a write that reads an allowed relation',
    'orders-migrator',
    [part('insert', 'write', ['write public.a', 'read public.b'])],
    'allow',
  ],
  ['BEGIN in a role that allows something', 'reader', [BEGIN], 'allow'],
  // Several parts.
  [
    'a blocked part among allowed ones',
    'orders-migrator',
    [BEGIN, SELECT, part('truncate', 'write'), SELECT],
    'block blocked-by-rule',
  ],
  [
    'a blocked part after an asked one',
    'orders-migrator',
    [CREATE, part('truncate', 'write')],
    'block blocked-by-rule',
  ],
  ['an asked part among allowed ones', 'orders-migrator', [BEGIN, CREATE, SELECT], 'ask db-owners'],
  ['allowed parts', 'orders-migrator', [BEGIN, SELECT, INSERT], 'allow'],
]
test.each(CASES)('%s', (_name, role, parts, expected) => {
  expect(judged(role, parts)).toBe(expected)
})

test('without a policy nothing runs', () => {
  expect(judged('orders-migrator', [SELECT], EMPTY_POLICY)).toBe('block unknown-role')
})

/** A policy whose only role is `r`, with these keys. */
const roleOf = (...keys: string[]) =>
  policyOf(`
gateway: { audience: a }
issuers: [{ name: i, issuer: https://i.example }]
resources: [{ name: db, protocol: postgres, address: db:5432, credential: { user: u, password: { env: P } } }]
roles: [{ name: r, on: [db], ${keys.join(', ')} }]
approvers:
  a: { members: [{ issuer: i, group: a }] }
  b: { members: [{ issuer: i, group: b }] }
`)
const ALL = 'allow: [{ effects: [read, write, ddl] }]'

const LINES: [string, string[], CommandPart[], string][] = [
  [
    'a block line on a relation stops reading it from within a write',
    [ALL, 'block: [{ effects: [read], relations: [public.customers] }]'],
    [part('insert', 'write', ['write public.a', 'read public.customers'])],
    'block blocked-by-rule',
  ],
  [
    'a block line on reading leaves writing alone',
    [ALL, 'block: [{ effects: [read], relations: [public.customers] }]'],
    [part('insert', 'write', ['write public.customers'])],
    'allow',
  ],
  [
    'a block line matches when any relation fits',
    [ALL, 'block: [{ relations: [hr.*] }]'],
    [part('select', 'read', ['read public.a', 'read hr.pay'])],
    'block blocked-by-rule',
  ],
  [
    'a block line on a schema catches names with a dot',
    [ALL, 'block: [{ relations: [hr.*] }]'],
    [part('select', 'read', ['read hr.a.b'])],
    'block blocked-by-rule',
  ],
  [
    'a block line on all relations leaves a statement without any',
    [ALL, "block: [{ relations: ['*'] }]"],
    [part('select', 'read')],
    'allow',
  ],
  [
    'a line matches only when all that it states does',
    [ALL, 'block: [{ statements: [delete], without: where, relations: [public.a] }]'],
    [part('delete', 'write', ['write public.a'])],
    'allow',
  ],
  [
    'a line with statement, trait and relation',
    [ALL, 'block: [{ statements: [delete], without: where, relations: [public.a] }]'],
    [part('delete', 'write', ['write public.a'], wholeTable)],
    'block blocked-by-rule',
  ],
  [
    'session control that a block line names',
    [ALL, 'block: [{ statements: [set] }]'],
    [part('set', 'session-control')],
    'block blocked-by-rule',
  ],
  [
    'session control that an ask line names',
    [ALL, 'ask: [{ effects: [session-control], approvers: a }]'],
    [BEGIN],
    'ask a',
  ],
  [
    'an ask line comes before an allow line',
    [ALL, 'ask: [{ relations: [public.orders], approvers: a }]'],
    [SELECT],
    'ask a',
  ],
  [
    'an ask line on one relation does not open another',
    ['ask: [{ relations: [public.orders], approvers: a }]'],
    [part('select', 'read', ['read public.orders', 'read public.b'])],
    'block no-rule',
  ],
  [
    'an allow line helps an ask line with the other relation',
    [
      'allow: [{ effects: [read], relations: [public.b] }]',
      'ask: [{ relations: [public.orders], approvers: a }]',
    ],
    [part('select', 'read', ['read public.orders', 'read public.b'])],
    'ask a',
  ],
  [
    'an allow line by statement allows only that',
    ['allow: [{ effects: [read], statements: [select] }]'],
    [part('explain', 'read')],
    'block no-rule',
  ],
  [
    'an allow line by statement',
    ['allow: [{ effects: [read], statements: [select] }]'],
    [SELECT],
    'allow',
  ],
  [
    'an allow line by statement does not lend its reading to others',
    ['allow: [{ effects: [read], statements: [select] }, { effects: [write] }]'],
    [part('insert', 'write', ['write public.a', 'read public.b'])],
    'block no-rule',
  ],
  [
    'a nameless write under a line on all relations',
    ["allow: [{ effects: [write], relations: ['*'] }]"],
    [part('notify', 'write')],
    'allow',
  ],
  [
    'reading does not come with writing',
    ['allow: [{ effects: [write] }]'],
    [SELECT],
    'block no-rule',
  ],
  [
    'reading within a write does not come with writing',
    ['allow: [{ effects: [write] }]'],
    [part('insert', 'write', ['write public.a', 'read public.b'])],
    'block no-rule',
  ],
  [
    'the unknown, allowed in so many words',
    ['allow: [{ effects: [unknown] }]'],
    [part('do', 'unknown')],
    'allow',
  ],
  [
    'the dangerous under a line for the unknown',
    ['allow: [{ effects: [unknown] }]'],
    [part('load', 'dangerous')],
    'block no-rule',
  ],
  ['a role with nothing in it', [], [SELECT], 'block no-rule'],
  [
    'one part that two groups are asked about',
    ['ask: [{ effects: [ddl], approvers: a }, { statements: [create-table], approvers: b }]'],
    [CREATE],
    'block approvers-differ',
  ],
  [
    'two parts that two groups are asked about',
    ['ask: [{ effects: [ddl], approvers: a }, { effects: [write], approvers: b }]'],
    [CREATE, INSERT],
    'block approvers-differ',
  ],
]
test.each(LINES)('%s', (_name, keys, parts, expected) => {
  expect(judged('r', parts, roleOf(...keys))).toBe(expected)
})

test('two asks of one group make one: higher quorum, shorter time', () => {
  const policy = roleOf(
    'ask: [{ effects: [ddl], approvers: a, quorum: 2, timeout: 1h }, { effects: [write], approvers: a, timeout: 5m }]',
  )
  const verdict = judgeCommand(policy, 'r', 'db', command([CREATE, INSERT]))
  expect(verdict).toMatchObject({
    outcome: 'ask',
    approval: { approvers: 'a', quorum: 2, timeoutMs: 300_000 },
  })
  expect(verdict.reasons).toHaveLength(2)
})

test('otherwise ask has the quorum and time that the role states', () => {
  const policy = roleOf('otherwise: ask', 'approvers: a', 'quorum: 2', 'timeout: 1m')
  expect(judgeCommand(policy, 'r', 'db', command([SELECT]))).toMatchObject({
    approval: { approvers: 'a', quorum: 2, timeoutMs: 60_000 },
  })
})

test('a command is never judged lower than its own effect', () => {
  const judge = (asked: Command) => judgeCommand(POLICY, 'reader', 'orders-db', asked).outcome
  expect(judge(command([SELECT], 'read'))).toBe('allow')
  expect(judge(command([SELECT], 'write'))).toBe('block')
  expect(judge(command([SELECT], 'unknown'))).toBe('block')
  expect(judge(command([], 'unknown'))).toBe('block')
  expect(judge(unknownCommand('postgres', 'over a budget'))).toBe('block')
})

test('a command without parts is judged by its effect', () => {
  expect(judgeCommand(POLICY, 'reader', 'orders-db', command([], 'session-control')).outcome).toBe(
    'allow',
  )
  expect(judgeCommand(POLICY, 'asker', 'orders-db', command([], 'read')).outcome).toBe('ask')
})

test('reasons name the rule and what it saw', () => {
  const text = (role: string, parts: CommandPart[]) =>
    judgeCommand(POLICY, role, 'orders-db', command(parts)).reasons.map((reason) => reason.text)
  expect(text('orders-migrator', [CREATE])).toEqual([
    'role orders-migrator, ask line 1: create-table (ddl) on public.new needs approval of db-owners',
  ])
  expect(text('orders-migrator', [part('truncate', 'write', ['write public.a'])])).toEqual([
    'role orders-migrator, block line 1: truncate (write) on public.a is blocked',
  ])
  expect(
    text('reader', [part('do', 'unknown', [], { because: ['what it runs is not in its text'] })]),
  ).toEqual(['role reader: no line allows do (unknown: what it runs is not in its text)'])
  expect(text('reader', [part('select', 'read', ['read public.orders', 'read hr.pay'])])).toEqual([
    'role reader: no line allows to read hr.pay by select (read) on public.orders, hr.pay',
  ])
  expect(text('reader', [SELECT])).toEqual(['role reader, allow line 1: it allows read'])
})

test('reasons stay short and visible, however many and odd the relations are', () => {
  const uses = Array.from(
    { length: 500 },
    (_, at) => `read x.\u202e${at}${'y'.repeat(500)}` as const,
  )
  const parts = Array.from({ length: 50 }, (_, at) => part(`select-${at}`, 'read', uses))
  const verdict = judgeCommand(POLICY, 'reader', 'orders-db', command(parts))
  expect(verdict.reasons.length).toBeLessThanOrEqual(8)
  for (const reason of verdict.reasons) {
    expect(reason.text.length).toBeLessThan(1_500)
    expect(reason.text).not.toContain('\u202e')
  }
})

test('an allowed command gets the verdict that was made when the policy was loaded', () => {
  const asked = command([SELECT])
  expect(judgeCommand(POLICY, 'reader', 'orders-db', asked)).toBe(
    judgeCommand(POLICY, 'reader', 'orders-db', asked),
  )
})

test.each(['listen', 'unlisten', 'notify'])(
  '%s reaches other sessions, so it needs a line that allows it',
  (kind) => {
    const part = {
      kind,
      effect: 'session-control',
      relations: [],
      traits: [],
      because: [],
    } as const
    const reader = roleOf('allow: [{ effects: [read] }]')
    expect(judgeCommand(reader, 'r', 'db', command([part])).outcome).toBe('block')
    const talker = roleOf('allow: [{ effects: [session-control] }]')
    expect(judgeCommand(talker, 'r', 'db', command([part])).outcome).toBe('allow')
  },
)
