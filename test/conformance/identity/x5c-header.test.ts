import { test } from 'vitest'
import { FakeIssuer } from '../../fakes/issuer.js'
import { refuses } from './refuses.js'

test('a certificate that the token brings is never used', async () => {
  const stranger = await FakeIssuer.start(() => Date.UTC(2026, 10, 22, 12))
  await refuses(
    (issuer) => stranger.mint({ iss: issuer.url }, { x5c: ['MIIB'], x5t: 'AAAA' }),
    'signature is wrong',
  )
  await stranger.stop()
})
