import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a claim longer than 1 KiB is refused', async () => {
  await refuses((issuer) => issuer.mint({ ref: 'x'.repeat(1025) }), 'claim ref is too long')
})
