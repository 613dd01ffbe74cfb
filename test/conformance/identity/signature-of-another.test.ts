import { test } from 'vitest'
import { FakeIssuer } from '../../fakes/issuer.js'
import { refuses } from './refuses.js'

test('a token signed by somebody else is refused', async () => {
  await refuses(async (issuer) => {
    const stranger = await FakeIssuer.start(() => Date.UTC(2026, 10, 22, 12))
    const token = stranger.mint({ iss: issuer.url })
    await stranger.stop()
    return token
  }, 'signature is wrong')
})
