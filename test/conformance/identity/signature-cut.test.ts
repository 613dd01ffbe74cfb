import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token whose signature is cut short is refused', async () => {
  await refuses((issuer) => issuer.mint().slice(0, -2), 'signature is wrong')
})
