import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a key that is published for encryption verifies nothing', async () => {
  await refuses((issuer) => {
    const key = { ...issuer.publicJwk, kid: 'enc-key', use: 'enc' }
    issuer.misbehaviour.extraKeys = [key]
    return issuer.mint({}, { kid: 'enc-key' })
  }, 'no such key')
})
