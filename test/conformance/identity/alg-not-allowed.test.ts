import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an algorithm that the issuer may not use is refused', async () => {
  await refuses((issuer) => issuer.mint({}, { alg: 'ES384' }), 'algorithm is not one')
})
