import { test } from 'vitest'
import { refuses } from './refuses.js'

test('groups in one text are refused', async () => {
  await refuses((issuer) => issuer.mint({ groups: 'admins' }), 'not a list', {
    groups: 'groups',
  })
})
