import { test } from 'vitest'
import { refuses } from './refuses.js'

test('keys are never read from a file or by another protocol', async () => {
  for (const jwksUri of ['file:///etc/passwd', 'ftp://127.0.0.1/jwks', 'data:,{}'])
    await refuses((issuer) => {
      issuer.misbehaviour.jwksUri = jwksUri
      return issuer.mint()
    }, "keys of ci can't be read")
})
