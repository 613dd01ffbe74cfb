import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token of an unpublished key is refused', async () => {
  await refuses((issuer) => issuer.mint({}, { kid: 'never-seen' }), 'no such key')
})
