import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token with alg none is refused', async () => {
  await refuses((issuer) => issuer.mint({}, { alg: 'none' }), 'algorithm is not one')
})
