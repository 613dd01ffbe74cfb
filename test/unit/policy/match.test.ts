// Who is meant by a rule, a group or a duty.

import { expect, test } from 'vitest'
import type { Principal } from '../../../core/principal.js'
import { EMPTY_POLICY } from '../../../policy/load.js'
import { groupsOf, matches, may } from '../../../policy/match.js'
import { JOB, person, policyOf, SAMPLE, sampleWith } from './sample.js'

const POLICY = policyOf(SAMPLE)
const job = (change: Partial<Principal>): Principal => ({ ...JOB, ...change })
const claims = (attributes: Record<string, string>) => job({ attributes })

const JOB_RULE = POLICY.access[0]?.who
const NOT_MEANT: [string, Principal][] = [
  ['another issuer', job({ issuer: 'okta' })],
  ['no claims', claims({})],
  ['one claim of two', claims({ repository_id: '5512' })],
  ['another value', claims({ repository_id: '5512', environment: 'staging' })],
  ['a value that begins the same', claims({ repository_id: '55123', environment: 'production' })],
  ['another case', claims({ repository_id: '5512', environment: 'Production' })],
  ['the value with a space', claims({ repository_id: '5512 ', environment: 'production' })],
  ['an agent that acts for it', job({ actors: [{ issuer: 'okta', subject: 'agent' }] })],
]
test.each(NOT_MEANT)('a caller with %s is not meant', (_name, principal) => {
  expect(JOB_RULE !== undefined && matches(JOB_RULE, principal)).toBe(false)
})

test('a caller with every claim is meant, whatever else its token says', () => {
  const { attributes } = JOB
  expect(JOB_RULE !== undefined && matches(JOB_RULE, claims({ ...attributes, ref: 'main' }))).toBe(
    true,
  )
})

test('claims with the names of built-in properties match only when the token carries them', () => {
  const text = sampleWith(
    'repository_id: 5512',
    'constructor: "function Object() { [native code] }"',
  )
  const who = policyOf(text).access[0]?.who
  expect(who !== undefined && matches(who, claims({ environment: 'production' }))).toBe(false)
})

test('a subject through an agent is meant only where the agent is named', () => {
  const text = sampleWith('group: readers', 'group: readers, actor: okta/agent')
  const who = policyOf(text).access[1]?.who
  const through = (...actors: string[]): Principal => ({
    ...person('ann', 'readers'),
    actors: actors.map((subject) => ({ issuer: 'okta', subject })),
  })
  const meant = (principal: Principal) => who !== undefined && matches(who, principal)
  expect(meant(through())).toBe(false)
  expect(meant(through('other'))).toBe(false)
  // The current actor counts; those inside the chain came before it (RFC 8693 §4.1).
  expect(meant(through('other', 'agent'))).toBe(false)
  expect(meant(through('agent'))).toBe(true)
})

const MEMBERS: [string, Principal, string[]][] = [
  ['a stranger', person('eve'), []],
  ['somebody in another group', person('eve', 'db-admin'), []],
  ['a subject of the same name at another issuer', { ...person('ann'), issuer: 'github' }, []],
  [
    'an agent that acts for a member',
    { ...person('ann'), actors: [{ issuer: 'okta', subject: 'x' }] },
    [],
  ],
  ['a member by group', person('eve', 'db-admins'), ['db-owners']],
  ['a member by subject', person('bob'), ['on-call']],
  ['a member of both', person('ann', 'db-admins'), ['db-owners', 'on-call']],
]
test.each(MEMBERS)('%s belongs to the groups that name him', (_name, principal, groups) => {
  expect(groupsOf(POLICY, principal)).toEqual(groups)
})

test('duties belong to the groups that have them, and to nobody else', () => {
  const duties = (principal: Principal) =>
    (['revoke', 'apply', 'audit'] as const).filter((duty) => may(POLICY, principal, duty))
  expect(duties(person('eve'))).toEqual([])
  expect(duties(person('eve', 'db-admins'))).toEqual(['revoke', 'apply'])
  expect(duties(person('ann'))).toEqual(['revoke', 'audit'])
})

test('without a policy nobody belongs to anything or has a duty', () => {
  expect(groupsOf(EMPTY_POLICY, person('ann'))).toEqual([])
  expect(may(EMPTY_POLICY, person('ann'), 'revoke')).toBe(false)
})
