import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token for us and somebody else is refused', async () => {
  await refuses(
    (issuer) => issuer.mint({ aud: ['https://warder.test', 'https://other.test'] }),
    'more than one audience',
  )
})
