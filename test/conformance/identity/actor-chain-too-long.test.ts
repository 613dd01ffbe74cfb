import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a chain of more than three actors is refused', async () => {
  const act = { sub: 'a', act: { sub: 'b', act: { sub: 'c', act: { sub: 'd' } } } }
  await refuses((issuer) => issuer.mint({ act }), 'longer than 3')
})
