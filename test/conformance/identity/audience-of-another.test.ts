import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token for another audience is refused, and says which', async () => {
  await refuses(
    (issuer) => issuer.mint({ aud: 'https://other.test' }),
    'made out to another audience: https://other.test',
  )
})
