import { test } from 'vitest'
import { refuses } from './refuses.js'

test('claims that are a list are refused', async () => {
  await refuses((issuer) => issuer.sign('[1]'), 'not a JSON object')
})
