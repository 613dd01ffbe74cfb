import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a set of more keys than anybody needs is not read', async () => {
  await refuses((issuer) => {
    const key = issuer.publicJwk
    issuer.misbehaviour.extraKeys = Array.from({ length: 64 }, (_, at) => ({
      ...key,
      kid: `k${at}`,
    }))
    return issuer.mint()
  }, "keys of ci can't be read")
})
