import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token without a required claim is refused', async () => {
  await refuses((issuer) => issuer.mint(), 'claim environment is not one of those required', {
    require: { environment: ['production'] },
  })
})
