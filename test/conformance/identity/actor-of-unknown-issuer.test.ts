import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an actor of an issuer that is not configured is refused', async () => {
  await refuses(
    (issuer) => issuer.mint({ act: { iss: 'https://evil.test', sub: 'a' } }),
    'issuer that is not configured',
  )
})
