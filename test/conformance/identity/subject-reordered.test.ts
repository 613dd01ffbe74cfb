import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a subject with a bidi override is refused', async () => {
  await refuses((issuer) => issuer.mint({ sub: 'deploy\u202e' }), "can't be seen")
})
