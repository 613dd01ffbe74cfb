import { test } from 'vitest'
import { refuses } from './refuses.js'

test('more groups than anybody reads are refused', async () => {
  await refuses(
    (issuer) => issuer.mint({ groups: Array.from({ length: 501 }, (_, index) => String(index)) }),
    'too many groups',
    { groups: 'groups' },
  )
})
