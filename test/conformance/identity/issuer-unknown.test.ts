import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an unknown issuer is refused without being asked', async () => {
  await refuses(async (issuer) => {
    const token = issuer.mint({ iss: 'http://127.0.0.1:1' })
    return Promise.resolve(token)
  }, 'issuer is not configured')
})
