import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an expiry written as text is refused', async () => {
  await refuses((issuer) => issuer.mint({ exp: '9999999999' }), 'claim exp')
})
