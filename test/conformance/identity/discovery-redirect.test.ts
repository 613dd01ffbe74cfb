import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a redirect is not followed', async () => {
  await refuses((issuer) => {
    issuer.misbehaviour.redirect = true
    return issuer.mint()
  }, "keys of ci can't be read")
})
