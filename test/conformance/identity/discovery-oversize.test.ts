import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an endless document is refused', async () => {
  await refuses((issuer) => {
    issuer.misbehaviour.oversize = true
    return issuer.mint()
  }, "keys of ci can't be read")
})
