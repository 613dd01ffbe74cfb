import { test } from 'vitest'
import { FakeIssuer } from '../../fakes/issuer.js'
import { refuses } from './refuses.js'

test('a key that the token brings is never used, not even when it names no other', async () => {
  const stranger = await FakeIssuer.start(() => Date.UTC(2026, 10, 22, 12))
  await refuses(
    (issuer) => stranger.mint({ iss: issuer.url }, { jwk: stranger.publicJwk, kid: undefined }),
    'signature is wrong',
  )
  await stranger.stop()
})
