import { expect, test } from 'vitest'
import { claimAt, topClaim } from '../../../identity/claim-path.js'

const CLAIMS = {
  plain: 'p',
  'oidc.circleci.com/project-id': 'c',
  realm_access: { roles: ['r'] },
  'kubernetes.io': { pod: { name: 'n' } },
  'https://acme.io/groups': ['g'],
  'a/b~c': { 'd/e': 1 },
  '/slash': 's',
}

test.each([
  ['plain', 'p'],
  ['oidc.circleci.com/project-id', 'c'],
  ['/realm_access/roles', ['r']],
  ['/kubernetes.io/pod/name', 'n'],
  ['https://acme.io/groups', ['g']],
  ['/a~1b~0c/d~1e', 1],
  ['/~1slash', 's'],
])('%s leads to its claim', (path, value) => {
  expect(claimAt(CLAIMS, path)).toEqual(value)
})

test.each([
  'realm_access.roles',
  '/realm_access/roles/0',
  '/realm_access/roles/length',
  '/plain/length',
  '/realm_access/none',
  '/none/none',
  'constructor',
  '/__proto__/x',
  '/realm_access/toString',
  'kubernetes.io/pod/name',
])('%s leads nowhere', (path) => {
  expect(claimAt(CLAIMS, path)).toBeUndefined()
})

test('a path starts from a claim at the top', () => {
  expect(topClaim('/kubernetes.io/pod')).toBe('kubernetes.io')
  expect(topClaim('oidc.circleci.com/project-id')).toBe('oidc.circleci.com/project-id')
})
