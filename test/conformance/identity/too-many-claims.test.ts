import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token with more claims than anybody reads is refused', async () => {
  await refuses(
    (issuer) =>
      issuer.mint(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`c${String(i)}`, 'x']))),
    'too many claims',
  )
})
