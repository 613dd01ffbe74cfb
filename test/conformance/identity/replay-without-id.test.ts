import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token for one use without an id is refused', async () => {
  await refuses((issuer) => issuer.mint({ jti: undefined }), 'lacks the claim jti')
})
