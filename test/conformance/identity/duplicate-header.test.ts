import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a header field that stands twice is refused', async () => {
  await refuses(
    (issuer) => issuer.signRaw('{"alg":"none","alg":"ES256"}', JSON.stringify(issuer.claims())),
    'same key twice',
  )
})
