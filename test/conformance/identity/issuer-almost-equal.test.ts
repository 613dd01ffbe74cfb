import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an issuer that differs by a slash is another one', async () => {
  await refuses((issuer) => issuer.mint({ iss: `${issuer.url}/` }), 'issuer is not configured')
})
