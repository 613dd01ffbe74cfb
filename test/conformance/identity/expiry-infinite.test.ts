import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an expiry of 1e400 is refused', async () => {
  await refuses(
    (issuer) =>
      issuer.sign(JSON.stringify(issuer.claims({ exp: 1 })).replace('"exp":1', '"exp":1e400')),
    'number out of range',
  )
})
