import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a group that is not a text is refused', async () => {
  await refuses((issuer) => issuer.mint({ groups: ['a', 7] }), 'not a text', {
    groups: 'groups',
  })
})
