import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an RSA algorithm over an EC key is refused', async () => {
  await refuses((issuer) => issuer.mint({}, { alg: 'RS256' }), 'no such key')
})
