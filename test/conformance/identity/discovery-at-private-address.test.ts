import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a key set that only the issuer puts at a private address is never fetched', async () => {
  await refuses((issuer) => {
    issuer.misbehaviour.jwksUri = 'https://10.0.0.1/jwks'
    return issuer.mint()
  }, "keys of ci can't be read")
})
