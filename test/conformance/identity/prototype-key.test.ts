import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a claim named __proto__ is refused', async () => {
  await refuses(
    (issuer) => issuer.sign(JSON.stringify(issuer.claims()).replace('{', '{"__proto__":{},')),
    'not allowed',
  )
})
