import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a required claim with another value is refused', async () => {
  await refuses(
    (issuer) => issuer.mint({ environment: 'production-2' }),
    'claim environment is not one',
    { require: { environment: ['production', 'staging'] } },
  )
})
