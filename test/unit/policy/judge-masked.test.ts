// What becomes of commands that use masked columns.

import { expect, test } from 'vitest'
import type { Command, ColumnUse, Effect } from '../../../core/command.js'
import { EFFECTS, unknownCommand } from '../../../core/command.js'
import { judgeCommand } from '../../../policy/judge-command.js'
import { maskingFor } from '../../../policy/masking.js'
import { seeded, seedOfRun } from '../../random.js'
import { command, masked, part, policyOf, SAMPLE } from './sample.js'

const SELECT = part('select', 'read', ['read public.customers'])
/** A select with these uses: `derived public.customers ssn`. */
const using = (...uses: string[]): Command => ({
  ...command([SELECT]),
  columns: uses.map((text) => {
    const [use, relation = '', column = ''] = text.split(' ')
    return { use: use as ColumnUse['use'], relation, column }
  }),
})

/** `allow`, `block CODE` or `ask APPROVERS` for the migrator, who may read everything in public. */
function judged(asked: Command, masks: readonly string[], role = 'orders-migrator'): string {
  const verdict = judgeCommand(policyOf(masked(...masks)), role, 'orders-db', asked)
  if (verdict.outcome === 'ask') return `ask ${verdict.approval.approvers}`
  return verdict.outcome === 'allow' ? 'allow' : `block ${verdict.reasons[0]?.code ?? ''}`
}

const SSN = 'columns: [orders-db/public.customers.ssn], how: last4'
const ASK = 'approvers: db-owners'
const DERIVED = 'derived public.customers ssn'
const CONDITION = 'condition public.customers ssn'

const CASES: [string, Command, string[], string][] = [
  ['a derived value', using(DERIVED), [`{ ${SSN} }`], 'block masked-derived'],
  ['a condition', using(CONDITION), [`{ ${SSN} }`], 'block masked-condition'],
  [
    'any column, derived',
    using('derived public.customers *'),
    [`{ ${SSN} }`],
    'block masked-derived',
  ],
  [
    'any column, in a condition',
    using('condition public.customers *'),
    [`{ ${SSN} }`],
    'block masked-condition',
  ],
  [
    'one masked use among others',
    using('derived public.orders id', 'condition public.customers id', CONDITION),
    [`{ ${SSN} }`],
    'block masked-condition',
  ],
  [
    'a masked whole relation',
    using('condition public.customers id'),
    ["{ columns: ['*/public.customers.*'], how: hash }"],
    'block masked-condition',
  ],
  [
    'a derived value where conditions are allowed',
    using(DERIVED),
    [`{ ${SSN}, conditions: allow }`],
    'block masked-derived',
  ],
  [
    'a condition where derived values are asked about',
    using(CONDITION),
    [`{ ${SSN}, derived: ask, ${ASK} }`],
    'block masked-condition',
  ],
  [
    'two rules, of which one allows',
    using(CONDITION),
    [`{ ${SSN}, conditions: allow }`, "{ columns: ['*/*.ssn'], how: hash }"],
    'block masked-condition',
  ],
  [
    'two rules, of which one asks',
    using(DERIVED),
    [`{ ${SSN}, derived: ask, ${ASK} }`, "{ columns: ['*/*.ssn'], how: hash }"],
    'block masked-derived',
  ],
  [
    'two rules that ask different groups',
    using(DERIVED),
    [`{ ${SSN}, derived: ask, ${ASK} }`, `{ ${SSN}, derived: ask, approvers: on-call }`],
    'block approvers-differ',
  ],
  [
    'a use of any column that two rules judge',
    using('condition public.customers *'),
    [`{ ${SSN}, conditions: allow }`, '{ columns: [orders-db/public.customers.pin], how: hash }'],
    'block masked-condition',
  ],
  [
    'a derived value that is asked about',
    using(DERIVED),
    [`{ ${SSN}, derived: ask, ${ASK} }`],
    'ask db-owners',
  ],
  [
    'a condition that is asked about',
    using(CONDITION),
    [`{ ${SSN}, conditions: ask, ${ASK} }`],
    'ask db-owners',
  ],
  ['a condition that is allowed', using(CONDITION), [`{ ${SSN}, conditions: allow }`], 'allow'],
  ['a masked column as it is', using('output public.customers ssn'), [`{ ${SSN} }`], 'allow'],
  ['all columns as they are', using('output public.customers *'), [`{ ${SSN} }`], 'allow'],
  [
    'other columns of the relation',
    using('derived public.customers id', 'condition public.customers id'),
    [`{ ${SSN} }`],
    'allow',
  ],
  [
    'the same column of another relation',
    using('derived public.orders ssn'),
    [`{ ${SSN} }`],
    'allow',
  ],
  [
    'a column that is masked elsewhere',
    using(DERIVED),
    ['{ columns: [local-db/public.customers.ssn], how: last4 }'],
    'allow',
  ],
  [
    'a role that is excepted',
    using(DERIVED, CONDITION),
    [`{ ${SSN}, except: [orders-migrator] }`],
    'allow',
  ],
  [
    'derived values where only finds are masked',
    using(DERIVED, CONDITION),
    ['{ detect: [ssn], how: redact }'],
    'allow',
  ],
]
test.each(CASES)('%s', (_name, asked, masks, expected) => {
  expect(judged(asked, masks)).toBe(expected)
})

/** Masks for a role `r` on `db` that allows what these keys say. */
const openPolicy = (keys: string, masks = "[{ columns: ['*/*.ssn'], how: hash }]") =>
  policyOf(`
gateway: { audience: a }
issuers: [{ name: i, issuer: https://i.example }]
resources: [{ name: db, protocol: postgres, address: db:5432, credential: { user: u, password: { env: P } } }]
roles: [{ name: r, on: [db], ${keys} }]
approvers: { a: { members: [{ issuer: i, group: a }] } }
masks: ${masks}
`)
const EVERYTHING = `allow: [{ effects: [${EFFECTS.join(', ')}] }]`

test.each(['unknown', 'dangerous'] as const)(
  'what is %s may read anything, so where columns are masked no line allows it',
  (effect) => {
    const asked = command([part('do', effect, [], { because: ['runs code'] })])
    const verdict = judgeCommand(openPolicy(EVERYTHING), 'r', 'db', asked)
    expect(verdict.outcome).toBe('block')
    expect(verdict.reasons[0]).toEqual({
      code: 'masked-unknown',
      text: `columns are masked here, and nobody can tell what do (${effect}: runs code) reads; write it so that it can be told`,
    })
    const finds = openPolicy(EVERYTHING, '[{ detect: [ssn], how: redact }]')
    expect(judgeCommand(finds, 'r', 'db', asked).outcome).toBe('allow')
    expect(judgeCommand(openPolicy(EVERYTHING, '[]'), 'r', 'db', asked).outcome).toBe('allow')
  },
)

test('an unknown part, or an unknown whole, is enough', () => {
  const policy = openPolicy(EVERYTHING)
  const outcome = (asked: Command) => judgeCommand(policy, 'r', 'db', asked).outcome
  expect(outcome(command([SELECT, part('do', 'unknown'), SELECT]))).toBe('block')
  expect(outcome(command([SELECT, part('do', 'unknown')], 'read'))).toBe('block')
  expect(outcome(command([SELECT], 'unknown'))).toBe('block')
  expect(outcome(command([], 'unknown'))).toBe('block')
  expect(outcome(unknownCommand('postgres', 'over a budget'))).toBe('block')
  expect(outcome(command([SELECT, part('create-table', 'ddl')]))).toBe('allow')
})

test('people who are asked about the unknown are told that its result may be withheld', () => {
  const verdict = judgeCommand(
    openPolicy('otherwise: ask, approvers: a'),
    'r',
    'db',
    command(Array.from({ length: 20 }, (_, at) => part(`do-${at}`, 'unknown'))),
  )
  expect(verdict.outcome).toBe('ask')
  expect(verdict.reasons[0]?.code).toBe('masked-unknown')
  expect(verdict.reasons[0]?.text).toMatch(
    /may hold masked values, and will be withheld if it does$/,
  )
  expect(verdict.reasons.length).toBe(8)
})

test('reasons name the mask, its columns and what to do instead', () => {
  const texts = (asked: Command, mask: string) =>
    judgeCommand(policyOf(masked(mask)), 'orders-migrator', 'orders-db', asked).reasons.map(
      ({ code, text }) => `${code}: ${text}`,
    )
  expect(texts(using(DERIVED, DERIVED, CONDITION), `{ ${SSN} }`)).toEqual([
    'masked-condition: mask 1: filtering, joining, grouping or sorting by public.customers.ssn is blocked; filter by another column',
    'masked-derived: mask 1: computing with, or copying, public.customers.ssn is blocked; select the column as it is',
  ])
  expect(texts(using(DERIVED), `{ ${SSN}, derived: ask, ${ASK} }`)[0]).toBe(
    'masked-derived: mask 1: computing with, or copying, public.customers.ssn needs approval of db-owners; without it, select the column as it is',
  )
})

test('reasons stay short and visible, however many and odd the columns are', () => {
  const uses = Array.from({ length: 500 }, (_, at) => `derived x.\u202e${at}${'y'.repeat(500)} ssn`)
  const { reasons } = judgeCommand(openPolicy(EVERYTHING), 'r', 'db', using(...uses))
  expect(reasons).toHaveLength(1)
  expect(reasons[0]?.text).toContain('and 497 more')
  expect(reasons[0]?.text.length).toBeLessThan(1_000)
  expect(reasons[0]?.text).not.toContain('\u202e')
})

test('an ask of a mask joins that of a line: higher quorum, shorter time, its reason first', () => {
  const create = command([part('create-table-as', 'ddl', ['write public.a'])])
  const verdict = judgeCommand(
    policyOf(masked(`{ ${SSN}, derived: ask, ${ASK}, quorum: 2, timeout: 1h }`)),
    'orders-migrator',
    'orders-db',
    { ...create, columns: using(DERIVED).columns ?? [] },
  )
  expect(verdict).toMatchObject({ approval: { quorum: 2, timeoutMs: 600_000 } })
  expect(verdict.reasons.map(({ code }) => code)).toEqual(['masked-derived', 'asked-by-rule'])
})

test('a command that uses no masked column gets the verdict that was made at loading', () => {
  const asked = using('output public.customers ssn', 'condition public.customers id')
  const policy = policyOf(masked(`{ ${SSN} }`))
  const judge = () => judgeCommand(policy, 'orders-migrator', 'orders-db', asked)
  expect(judge().outcome).toBe('allow')
  expect(judge()).toBe(judge())
})

const SEVERITY = { allow: 0, ask: 1, block: 2 } as const
const ROLES = ['orders-migrator', 'reader', 'asker', 'gone']
const RELATIONS = ['public.customers', 'public.orders', 'hr.pay', 'public.a.b']
const COLUMNS = ['ssn', 'id', '*']

test('adding a mask never makes a verdict, or another mask, milder', () => {
  const seed = seedOfRun()
  const random = seeded(seed)
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const mask = (): string => {
    const what = one([
      `columns: ['${one(['*', 'orders-db', 'local-db'])}/${one(['*', 'public.*', 'public.customers', 'hr.pay'])}.${one(COLUMNS)}'], derived: ${one(['block', 'ask'])}, conditions: ${one(['block', 'ask', 'allow'])}`,
      'detect: [email]',
    ])
    const asks = what.includes('ask') ? `, approvers: ${one(['db-owners', 'on-call'])}` : ''
    const except = one(['', ', except: [reader]', ', except: [asker, orders-migrator]'])
    return `{ ${what}${asks}${except}, how: ${one(['last4', 'hash', 'redact', "'null'", 'fixed, value: x'])} }`
  }
  const use = () => `${one(['output', 'derived', 'condition'])} ${one(RELATIONS)} ${one(COLUMNS)}`
  const asked = (): Command => ({
    ...command(
      Array.from({ length: 1 + Math.floor(random() * 2) }, () =>
        part('x', one<Effect>(EFFECTS), [`read ${one(RELATIONS)}`]),
      ),
    ),
    columns: using(...Array.from({ length: Math.floor(random() * 3) }, use)).columns ?? [],
  })
  const masks: string[] = []
  let before = policyOf(SAMPLE)
  for (let round = 0; round < 60; round += 1) {
    if (round % 6 === 0) {
      masks.length = 0
      before = policyOf(SAMPLE)
    }
    masks.splice(Math.floor(random() * (masks.length + 1)), 0, mask())
    const after = policyOf(masked(...masks))
    const note = `seed ${seed}, masks ${masks.join(' ')}`
    for (let count = 0; count < 40; count += 1) {
      const [role, resource, question] = [one(ROLES), one(['orders-db', 'local-db']), asked()]
      const severity = (policy: typeof before) =>
        SEVERITY[judgeCommand(policy, role, resource, question).outcome]
      expect(severity(after), note).toBeGreaterThanOrEqual(severity(before))
      const [relation, column] = [one(RELATIONS), one(COLUMNS)]
      const strictness = (policy: typeof before) =>
        ['clear', 'last4', 'hash', 'redact', 'fixed', 'null'].indexOf(
          maskingFor(policy, role, resource)?.columnMask(relation, column)?.how ?? 'clear',
        )
      expect(strictness(after), note).toBeGreaterThanOrEqual(strictness(before))
    }
    before = after
  }
})
