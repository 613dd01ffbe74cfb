import { test } from 'vitest'
import { refuses } from './refuses.js'

test('nobody gets in while the keys were never read', async () => {
  await refuses((issuer) => {
    issuer.misbehaviour.outage = true
    return issuer.mint()
  }, "keys of ci can't be read")
})
