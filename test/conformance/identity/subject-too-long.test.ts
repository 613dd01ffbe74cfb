import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a subject longer than a name is refused', async () => {
  await refuses((issuer) => issuer.mint({ sub: 'x'.repeat(257) }), 'claim sub is too long')
})
