import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an unsigned token is refused', async () => {
  await refuses(
    (issuer) => `${issuer.mint({}, { alg: 'none' }).split('.').slice(0, 2).join('.')}.`,
    'not signed',
  )
})
