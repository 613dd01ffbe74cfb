import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a key that is published for other operations verifies nothing', async () => {
  await refuses((issuer) => {
    const key = { ...issuer.publicJwk, kid: 'derive', key_ops: ['deriveKey'] }
    issuer.misbehaviour.extraKeys = [key]
    return issuer.mint({}, { kid: 'derive' })
  }, 'no such key')
})
