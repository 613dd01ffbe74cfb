// What a change of the policy gives and takes, in one line each; and, by chance, that no gain is missed.

import { expect, test } from 'vitest'
import { EFFECTS } from '../../../core/command.js'
import type { Command } from '../../../core/command.js'
import { judgeCommand } from '../../../policy/judge-command.js'
import { EMPTY_POLICY } from '../../../policy/load.js'
import type { Policy } from '../../../policy/policy.js'
import { rightsDifference, rightsText } from '../../../policy/rights-difference.js'
import { PROBE_COUNT_MAX } from '../../../policy/rights/probes.js'
import { seeded, seedOfRun } from '../../random.js'
import { masked, part, policyOf, SAMPLE, sampleWith } from './sample.js'

const POLICY = policyOf(SAMPLE)
const between = (before: Policy, after: Policy) => rightsDifference(before, after).map(rightsText)
const changing = (piece: string, replacement: string) =>
  between(POLICY, policyOf(sampleWith(piece, replacement)))

test('what only reads differently changes no right', () => {
  expect(changing('for: 1h', '"for": "1h"')).toEqual([])
  expect(changing('[drop-database, truncate]', '[truncate, drop-database]')).toEqual([])
  // Another line already allows it.
  expect(
    changing(
      'allow: [{ effects: [read, write], relations: [public.*] }]',
      'allow: [{ effects: [read, write], relations: [public.*] }, { effects: [read], relations: [public.orders] }]',
    ),
  ).toEqual([])
})

test('a role that may do without asking what it had to ask for', () => {
  expect(
    changing('- { effects: [ddl], approvers: db-owners, timeout: 10m }\n      -', '-').slice(0, 1),
  ).toEqual([
    '- role orders-migrator on orders-db, local-db: ddl is blocked (was: asks db-owners within 10m)',
  ])
  expect(
    changing(
      'allow: [{ effects: [read, write], relations: [public.*] }]\n    ask:\n      - { effects: [ddl], approvers: db-owners, timeout: 10m }',
      'allow: [{ effects: [read, write, ddl], relations: [public.*] }]\n    ask:',
    ),
  ).toContain(
    '+ role orders-migrator on orders-db, local-db: ddl on public.* passes without asking (was: asks db-owners within 10m)',
  )
})

test('widening stands first, narrowing next, and what is neither last', () => {
  const signs = between(
    POLICY,
    policyOf(
      SAMPLE.replace('quorum: 2', 'quorum: 3')
        .replace('max: 2h', 'max: 4h')
        .replace('address: orders.internal:5432', 'address: orders.internal:5433'),
    ),
  ).map((line) => line.charAt(0))
  expect(signs.join('')).toMatch(/^\++-+~+$/)
})

test('a statement is told of when it goes another way than its effect', () => {
  expect(changing('[drop-database, truncate]', '[drop-database]')).toEqual([
    '+ role orders-migrator on orders-db, local-db: truncate asks db-owners within 10m (was: is blocked)',
  ])
})

test('an UPDATE of a whole table is a case of its own', () => {
  expect(changing(', quorum: 2 }', ' }')).toEqual([
    '+ role orders-migrator on orders-db, local-db: write without WHERE asks db-owners within 15m (was: asks 2 of db-owners within 15m)',
  ])
})

test('relations are named where they make a difference', () => {
  expect(changing('[public.orders, reports.*]', '[public.orders]')).toEqual([
    '- role reader on orders-db: read on reports.* is blocked (was: passes without asking)',
  ])
})

test('a role on another resource', () => {
  const lines = changing('on: [orders-db, local-db]', 'on: [orders-db]')
  expect(lines.length).toBeGreaterThan(0)
  for (const line of lines)
    expect(line).toMatch(/^- role orders-migrator on local-db: .*the role is not there/)
})

test('who gets a role, on what terms', () => {
  expect(changing('max: 2h', 'max: 4h')).toEqual([
    '+ github (repository_id 5512, environment production) may get role orders-migrator on orders-db for 30m, at most 4h, when db-owners within 15m agrees, with a reason (was: for 30m, at most 2h, when db-owners within 15m agrees, with a reason)',
  ])
})

test('an access rule that asks nobody any more, and one that asks others', () => {
  const line = '    approval: { approvers: db-owners, timeout: 15m }\n'
  expect(changing(line, '')).toEqual([
    expect.stringMatching(/^\+ github .* at once, with a reason/),
  ])
  expect(changing(line, line.replace('db-owners', 'on-call'))).toEqual([
    expect.stringMatching(/^~ github .* when on-call within 15m agrees/),
  ])
})

test('fewer conditions on the caller mean more callers, not fewer', () => {
  expect(changing(', environment: production }', ' }')).toEqual([
    expect.stringMatching(/^\+ github \(repository_id 5512\) may get role orders-migrator/),
  ])
  expect(changing('production }', '[production, staging] }')).toHaveLength(1)
})

test('a rule that goes, where another gives the same, takes nothing away', () => {
  const second = `  - { who: { issuer: okta, group: readers, subject: ann }, role: reader, for: 1h }\n`
  const both = policyOf(sampleWith('approvers:\n  db', `${second}approvers:\n  db`))
  expect(between(both, POLICY)).toEqual([])
  expect(between(POLICY, both)).toEqual([])
})

test('masks are told by what roles see', () => {
  const ssn = 'orders-db/public.customers.ssn'
  const with4 = policyOf(masked(`{ columns: [${ssn}], how: last4 }`))
  const withNull = policyOf(masked(`{ columns: [${ssn}], how: 'null' }`))
  const excepted = policyOf(masked(`{ columns: [${ssn}], how: last4, except: [reader] }`))
  expect(between(withNull, with4)).toEqual([
    '+ every role on orders-db: public.customers.ssn is masked by last4 (was: is masked by null)',
  ])
  expect(between(with4, excepted).slice(0, 1)).toEqual([
    '+ role reader on orders-db: public.customers.ssn is shown in the clear (was: is masked by last4)',
  ])
  expect(between(excepted, with4).every((line) => line.startsWith('- role reader'))).toBe(true)
})

test('detectors, duties, groups and issuers', () => {
  const mail = policyOf(masked('{ detect: [email], how: redact }'))
  expect(between(mail, POLICY)).toEqual([
    '+ every role on orders-db: email found in any value is shown in the clear (was: is masked by redact)',
    '+ role orders-migrator on local-db: email found in any value is shown in the clear (was: is masked by redact)',
  ])
  expect(changing('apply: [db-owners]', 'apply: [on-call]')).toEqual([
    '+ on-call has the duty apply',
    '- db-owners no longer has the duty apply',
  ])
  expect(changing('[ann, bob]', '[ann]')).toEqual([
    '- okta (subject ann or bob) no longer decides for on-call',
  ])
  expect(changing('replay: once', 'replay: none')).toEqual([
    '+ issuer github: replay is "none" (was: "once")',
  ])
  expect(changing('parties: [actor_id, triggering_actor]', 'parties: [actor_id]')[0]).toMatch(/^\+/)
  expect(changing('"991"', '"992"')[0]).toMatch(/^~ issuer github: require/)
})

test('dropping the second person widens', () => {
  const two = policyOf(sampleWith('audit: [on-call] }', 'audit: [on-call], secondPerson: true }'))
  expect(between(two, POLICY)).toEqual(['+ a policy is applied by one person alone (was: by two)'])
})

test('from no policy all is gained, towards none all is lost', () => {
  const audience = 'the gateway: audience'
  const all = (lines: string[]) => lines.filter((line) => !line.includes(audience))
  expect(all(between(EMPTY_POLICY, POLICY)).every((line) => line.startsWith('+'))).toBe(true)
  expect(all(between(POLICY, EMPTY_POLICY)).every((line) => line.startsWith('-'))).toBe(true)
})

test('too many lines to compare are called wider', () => {
  const names = Array.from({ length: PROBE_COUNT_MAX / 20 }, (_, at) => `public.t${at}`).join(', ')
  const many = sampleWith('[public.orders, reports.*]', `[${names}]`)
  const more = many.replace('public.t0,', 'public.t0, public.u,')
  expect(between(policyOf(many), policyOf(many))).toEqual([])
  expect(between(policyOf(many), policyOf(more))).toEqual([
    expect.stringMatching(/^\+ role reader on orders-db: its lines changed, and are too many/),
  ])
})

const RELATIONS = ['public.a', 'public.b', 'other.a', 'other.z']
const KINDS = ['update', 'select', 'drop-table', 'create-table', 'notify', 'insert']

test('no command that more becomes of is missed, whatever the lines', () => {
  const seed = seedOfRun()
  const random = seeded(seed)
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const maybe = (text: string) => (random() < 0.5 ? `, ${text}` : '')
  const line = (asks: boolean) =>
    `{ effects: [${one(EFFECTS)}, ${one(EFFECTS)}]` +
    maybe(`relations: [${one([...RELATIONS, 'public.*', "'*'"])}]`) +
    maybe(`statements: [${one(KINDS)}]`) +
    (asks ? `, approvers: ${one(['db-owners', 'on-call'])}, quorum: ${one(['1', '2'])} }` : ' }')
  const role = () =>
    `  - name: r\n    on: [orders-db]\n    allow: [${line(false)}, ${line(false)}]\n` +
    `    ask: [${line(true)}]\n    block: [${line(false)}]\n`
  const policy = () =>
    policyOf(SAMPLE.replace('[ann, bob]', '[ann, bob]').replace('access:\n', `${role()}access:\n`))
  const ranks = { block: 0, ask: 1, allow: 2 }
  for (let round = 0; round < 60; round += 1) {
    const [before, after] = [policy(), policy()]
    const widens = rightsDifference(before, after).some(({ direction }) => direction === 'widens')
    for (let count = 0; count < 60; count += 1) {
      const effect = one(EFFECTS)
      const command: Command = {
        ...{ protocol: 'postgres', effect },
        parts: [
          part(
            one([...KINDS, 'delete']),
            effect,
            random() < 0.3
              ? []
              : [
                  `${effect === 'read' ? 'read' : one(['read', 'write'] as const)} ${one(RELATIONS)}`,
                ],
            random() < 0.3 ? { traits: ['without-where'] } : {},
          ),
        ],
      }
      const [was, is] = [before, after].map(
        (judged) => ranks[judgeCommand(judged, 'r', 'orders-db', command).outcome],
      )
      if ((is ?? 0) > (was ?? 0))
        expect(widens, `seed ${seed}, round ${round}: ${JSON.stringify(command)}`).toBe(true)
    }
  }
})
