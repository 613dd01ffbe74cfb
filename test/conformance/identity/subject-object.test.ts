import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a subject that is an object is refused', async () => {
  await refuses((issuer) => issuer.mint({ sub: { name: 'root' } }), 'claim sub is not a text')
})
