import { afterEach, beforeEach, expect, test } from 'vitest'
import { Provider } from './world.js'

const BARE = { iss: undefined, iat: undefined, jti: undefined }

let spiffe: Provider
beforeEach(async () => {
  spiffe = await Provider.start('SPIFFE', 'spiffe', { alg: 'ES256', use: 'jwt-svid' })
})
afterEach(() => spiffe.stop())

test('a workload’s JWT-SVID with sub, aud and exp alone may', async () => {
  const token = spiffe.mint(BARE)
  expect(await spiffe.verdict(token)).toBe('allow')
  expect((await spiffe.caller(token)).principal.issuer).toBe('spiffe')
  expect([...spiffe.issuer.asked.keys()]).toEqual(['/jwks'])
})

test('the type may be JOSE, as its standard says', async () => {
  expect(await spiffe.verdict(spiffe.mint(BARE, { typ: 'JOSE' }))).toBe('allow')
})

test('a workload of another trust domain is refused', async () => {
  const sub = 'spiffe://evil.io/ns/orders/sa/migrate'
  await spiffe.refuses(spiffe.mint({ ...BARE, sub }), 'issuer is not configured')
})

test.each(['spiffe://acme.io', 'spiffe://acme.io/', 'spiffe://acme.io/../x', 'migrate', undefined])(
  'the subject %s is no workload’s, and is refused',
  async (sub) => {
    await spiffe.refuses(spiffe.mint({ ...BARE, sub }), /issuer is not configured/)
  },
)

test('a token that names some issuer is never judged by its subject', async () => {
  const iss = 'https://elsewhere.test'
  await spiffe.refuses(spiffe.mint({ ...BARE, iss }), 'issuer is not configured')
})

test('without a time of issue it may not be good for long', async () => {
  const exp = Math.floor(spiffe.clock.now() / 1000) + 3600
  await spiffe.refuses(spiffe.mint({ ...BARE, exp }), 'good for more than 900 s')
})

test('a time of issue that is there counts', async () => {
  const nowS = Math.floor(spiffe.clock.now() / 1000)
  await spiffe.refuses(spiffe.mint({ ...BARE, iat: nowS - 901 - 30 }), 'issued more than 900 s ago')
})

test('expired is expired', async () => {
  const exp = Math.floor(spiffe.clock.now() / 1000) - 31
  await spiffe.refuses(spiffe.mint({ ...BARE, exp }), 'expired 31 s ago')
})

test('a key of the bundle that is for X.509 signs no token', async () => {
  const other = await Provider.start('SPIFFE', 'spiffe', { alg: 'ES256', use: 'x509-svid' })
  await other.refuses(other.mint(BARE), "keys of spiffe can't be read")
  await other.stop()
})
