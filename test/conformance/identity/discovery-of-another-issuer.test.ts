import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a discovery document of another issuer is refused', async () => {
  await refuses((issuer) => {
    issuer.misbehaviour.otherIssuer = 'https://evil.test'
    return issuer.mint()
  }, "keys of ci can't be read")
})
