import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a claim that stands twice in two spellings is refused', async () => {
  await refuses(
    (issuer) => issuer.sign(JSON.stringify(issuer.claims()).replace('{', '{"s\\u0075b":"root",')),
    'same key twice',
  )
})
