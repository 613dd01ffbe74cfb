import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an audience that only starts like ours is refused', async () => {
  await refuses((issuer) => issuer.mint({ aud: 'https://warder.test/x' }), 'another audience')
})
