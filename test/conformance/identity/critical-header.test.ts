import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a header that demands extensions is refused', async () => {
  await refuses((issuer) => issuer.mint({}, { crit: ['exp'] }), 'crit')
})
