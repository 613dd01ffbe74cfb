import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a compressed token is refused', async () => {
  await refuses((issuer) => issuer.mint({}, { zip: 'DEF' }), 'compressed')
})
