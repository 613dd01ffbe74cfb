import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token without id can’t be bound to anybody', async () => {
  await refuses((issuer) => issuer.mint({ jti: undefined }), 'lacks the claim jti', {
    replay: 'bind',
  })
})
