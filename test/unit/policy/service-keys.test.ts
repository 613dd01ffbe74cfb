// What the policy says of service keys: off unless it says so, and never more than the key is for.

import { expect, test } from 'vitest'
import { judgeAccess, rolesFor } from '../../../policy/judge-access.js'
import { policyOf, problemsOf, SAMPLE } from './sample.js'

const withRule = (gateway: string): string =>
  SAMPLE.replace(
    'gateway: { audience: https://warder.acme.example }',
    `gateway: { audience: https://warder.acme.example${gateway} }`,
  ).replace(
    '\naccess:\n',
    '\naccess:\n  - { who: { issuer: service-key, subject: nightly }, role: reader, on: [orders-db], for: 1h }\n',
  )

const nightly = (attributes: Readonly<Record<string, string>>) => ({
  issuer: 'service-key',
  subject: 'nightly',
  groups: [],
  attributes,
  actors: [],
  parties: [],
  aliases: ['service-key/nightly'],
  tokenExpiresAt: 1,
})

const WISH = { resource: 'orders-db', role: 'reader', reason: '' }

test('service keys are refused unless the policy allows them', () => {
  expect(policyOf(SAMPLE).acceptsServiceKeys).toBe(false)
  expect(problemsOf(withRule('')).join('\n')).toMatch(/there is no issuer service-key/)
  expect(policyOf(withRule(', serviceKeys: allow')).acceptsServiceKeys).toBe(true)
})

test('a rule for every service key is too wide', () => {
  const all = withRule(', serviceKeys: allow').replace(', subject: nightly', '')
  expect(problemsOf(all).join('\n')).toMatch(/matches everybody that service-key vouches for/)
})

test('an issuer can’t take the name of service keys', () => {
  const taken = SAMPLE.replace('name: github', 'name: service-key')
  expect(problemsOf(taken).join('\n')).toMatch(/is the name that service keys have/)
})

test.each([
  ['another role', { resource: 'orders-db', role: 'orders-migrator' }],
  ['another resource', { resource: 'local-db', role: 'reader' }],
  ['nothing at all', {}],
])('a key for %s does not get what a rule gives to its name', (_what, attributes) => {
  const policy = policyOf(withRule(', serviceKeys: allow'))
  const verdict = judgeAccess(policy, nightly(attributes), WISH, 0)
  expect(verdict).toMatchObject({ outcome: 'block', reasons: [{ code: 'no-access' }] })
  expect(rolesFor(policy, nightly(attributes), 'orders-db')).toEqual([])
})

test('a key gets its role on its resource where a rule gives it', () => {
  const policy = policyOf(withRule(', serviceKeys: allow'))
  const key = nightly({ resource: 'orders-db', role: 'reader' })
  expect(judgeAccess(policy, key, WISH, 0).outcome).toBe('allow')
  expect(rolesFor(policy, key, 'orders-db')).toEqual(['reader'])
})
