import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token that does not say when it was issued is refused', async () => {
  await refuses((issuer) => issuer.mint({ iat: undefined }), 'lacks the claim iat')
})
