import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token without audience is refused', async () => {
  await refuses((issuer) => issuer.mint({ aud: undefined }), 'lacks the claim aud')
})
