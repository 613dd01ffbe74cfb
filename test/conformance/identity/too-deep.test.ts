import { test } from 'vitest'
import { refuses } from './refuses.js'

test('claims nested beyond reason are refused', async () => {
  await refuses(
    (issuer) => issuer.sign(`{"a":${'['.repeat(20)}${']'.repeat(20)}}`),
    'nested too deeply',
  )
})
