import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an issuer among others is no issuer', async () => {
  await refuses((issuer) => issuer.mint({ iss: [issuer.url] }), 'issuer is not configured')
})
