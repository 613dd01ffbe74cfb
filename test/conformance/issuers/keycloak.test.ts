import { afterEach, beforeEach, expect, test } from 'vitest'
import { Provider } from './world.js'

let keycloak: Provider
beforeEach(async () => {
  keycloak = await Provider.start('Keycloak', 'keycloak', { path: '/realms/acme' })
})
afterEach(() => keycloak.stop())

test('a service with the nested realm role may', async () => {
  const token = keycloak.mint({ aud: ['https://warder.acme.io', 'account'] })
  expect(await keycloak.verdict(token)).toBe('allow')
  expect((await keycloak.caller(token)).principal.groups).toContain('orders-migrator')
})

test('a role of a client is not a role of the realm', async () => {
  const token = keycloak.mint({
    realm_access: { roles: ['offline_access'] },
    resource_access: { account: { roles: ['orders-migrator'] } },
  })
  expect(await keycloak.verdict(token)).toBe('block')
})

test('a claim whose name only looks like the path is none', async () => {
  const changes = { realm_access: undefined, '/realm_access/roles': ['orders-migrator'] }
  expect(await keycloak.verdict(keycloak.mint(changes))).toBe('block')
})

test('roles that are no list are refused', async () => {
  await keycloak.refuses(
    keycloak.mint({ realm_access: { roles: 'orders-migrator' } }),
    'not a list',
  )
})

test('an identity or refresh token is refused', async () => {
  await keycloak.refuses(keycloak.mint({ typ: 'ID' }), 'claim typ')
  await keycloak.refuses(keycloak.mint({ typ: 'Refresh' }), 'claim typ')
})

test('another realm of the same server is refused', async () => {
  const iss = keycloak.issuer.url.replace('acme', 'master')
  await keycloak.refuses(keycloak.mint({ iss }), 'issuer is not configured')
})
