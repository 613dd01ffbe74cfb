import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a required claim that is a list is refused', async () => {
  await refuses((issuer) => issuer.mint({ environment: ['production'] }), 'claim environment', {
    require: { environment: ['production'] },
  })
})
