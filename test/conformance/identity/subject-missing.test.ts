import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token without subject is refused', async () => {
  await refuses((issuer) => issuer.mint({ sub: undefined }), 'lacks the claim sub')
})
