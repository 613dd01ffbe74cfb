import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token that wraps another is refused', async () => {
  await refuses((issuer) => issuer.mint({}, { cty: 'JWT' }), 'wraps another')
})
