import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token without expiry is refused', async () => {
  await refuses((issuer) => issuer.mint({ exp: undefined }), 'lacks the claim exp')
})
