import { expect, test } from 'vitest'
import { FakeIssuer } from '../../fakes/issuer.js'
import { refuses } from './refuses.js'

test('a certificate that the token points to is never fetched', async () => {
  const stranger = await FakeIssuer.start(() => Date.UTC(2026, 10, 22, 12))
  await refuses(
    (issuer) => stranger.mint({ iss: issuer.url }, { x5u: `${stranger.url}/certificate` }),
    'signature is wrong',
  )
  expect(stranger.asked.size).toBe(0)
  await stranger.stop()
})
