import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token without issuer is refused', async () => {
  await refuses((issuer) => issuer.mint({ iss: undefined }), 'issuer is not configured')
})
