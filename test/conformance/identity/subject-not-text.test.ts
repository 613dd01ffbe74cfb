import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a subject that is a number is refused', async () => {
  await refuses((issuer) => issuer.mint({ sub: 42 }), 'claim sub is not a text')
})
