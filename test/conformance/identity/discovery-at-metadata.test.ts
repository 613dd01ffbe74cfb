import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a key set at the metadata address is never fetched', async () => {
  await refuses((issuer) => {
    issuer.misbehaviour.jwksUri = 'https://169.254.169.254/jwks'
    return issuer.mint()
  }, "keys of ci can't be read")
})
