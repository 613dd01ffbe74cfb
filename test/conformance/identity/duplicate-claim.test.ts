import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a claim that stands twice is refused', async () => {
  await refuses(
    (issuer) => issuer.sign(JSON.stringify(issuer.claims()).replace('{', '{"sub":"root",')),
    'same key twice',
  )
})
