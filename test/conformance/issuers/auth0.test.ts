import { afterEach, beforeEach, expect, test } from 'vitest'
import { Provider } from './world.js'

let auth0: Provider
beforeEach(async () => {
  auth0 = await Provider.start('Auth0', 'auth0', { path: '/' })
})
afterEach(() => auth0.stop())

test('a machine with the group may; the slash at the end of the issuer is part of it', async () => {
  const token = auth0.mint()
  expect(await auth0.verdict(token)).toBe('allow')
  expect(auth0.issuer.url.endsWith('/')).toBe(true)
  expect((await auth0.caller(token)).principal.groups).toEqual(['migrators'])
})

test('the same issuer without its slash is another', async () => {
  const iss = auth0.issuer.url.replace(/\/$/, '')
  await auth0.refuses(auth0.mint({ iss }), 'issuer is not configured')
})

test('the one other audience that the policy names is taken, and no further one', async () => {
  const both = ['https://warder.acme.io', 'https://acme.eu.auth0.com/userinfo']
  expect(await auth0.verdict(auth0.mint({ aud: both }))).toBe('allow')
  await auth0.refuses(auth0.mint({ aud: [...both, 'https://other.io'] }), 'more than one audience')
  await auth0.refuses(auth0.mint({ aud: [both[1]] }), 'another audience')
})

test('a group that the token claims under another name is none', async () => {
  const changes = { 'https://acme.io/groups': undefined, groups: ['migrators'] }
  expect(await auth0.verdict(auth0.mint(changes))).toBe('block')
})
