import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a symmetric key in the set is never used', async () => {
  await refuses((issuer) => {
    issuer.misbehaviour.extraKeys = [{ kty: 'oct', k: 'c2VjcmV0', kid: 'oct-key' }]
    return issuer.mint({}, { kid: 'oct-key' })
  }, 'no such key')
})
