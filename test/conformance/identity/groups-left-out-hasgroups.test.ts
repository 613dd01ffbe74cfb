import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token that only says there are groups is refused', async () => {
  await refuses((issuer) => issuer.mint({ hasgroups: true }), 'left the groups out')
})
