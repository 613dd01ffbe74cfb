import { expect, test } from 'vitest'
import { principalKey } from '../../../identity/principal-key.js'

const principal = {
  issuer: 'ci',
  subject: 'repo:acme/orders',
  attributes: { a: '1', b: '2' },
  groups: ['x', 'y'],
  actors: [
    { issuer: 'ci', subject: 'agent' },
    { issuer: 'ci', subject: 'bot' },
  ],
  parties: ['ci/1', 'ci/2'],
}

test('the order of attributes, groups and parties does not matter', () => {
  expect(
    principalKey({
      ...principal,
      attributes: { b: '2', a: '1' },
      groups: ['y', 'x'],
      parties: ['ci/2', 'ci/1'],
    }),
  ).toBe(principalKey(principal))
})

test.each([
  ['another issuer', { issuer: 'cj' }],
  ['another subject', { subject: 'repo:acme/orders2' }],
  ['another attribute', { attributes: { a: '1', b: '3' } }],
  ['one attribute fewer', { attributes: { a: '1' } }],
  ['another group', { groups: ['x'] }],
  ['actors in another order', { actors: principal.actors.toReversed() }],
  ['no actors', { actors: [] }],
  ['other parties', { parties: ['ci/1'] }],
  ['a name moved from groups to parties', { groups: ['x', 'y', 'ci/1'], parties: ['ci/2'] }],
  ['two groups written as one', { groups: ['x","y'] }],
])('%s is another key', (_, change) => {
  expect(principalKey({ ...principal, ...change })).not.toBe(principalKey(principal))
})
