import { expect, test } from 'vitest'
import { FakeIssuer } from '../../fakes/issuer.js'
import { refuses } from './refuses.js'

test('keys that the token itself brings or points to are never used', async () => {
  await refuses(async (issuer) => {
    const stranger = await FakeIssuer.start(() => Date.UTC(2026, 10, 22, 12))
    const header = { jku: `${stranger.url}/jwks`, jwk: stranger.publicJwk, kid: 'key-0' }
    const token = stranger.mint({ iss: issuer.url }, header)
    await stranger.stop()
    expect(stranger.asked.size).toBe(0)
    return token
  }, 'signature is wrong')
})
