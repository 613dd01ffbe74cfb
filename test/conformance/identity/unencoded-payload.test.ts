import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an unencoded payload is refused', async () => {
  await refuses((issuer) => issuer.mint({}, { b64: false }), 'unencoded')
})
