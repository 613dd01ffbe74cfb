import { test } from 'vitest'
import { refuses } from './refuses.js'

const nowS = (): number => Date.UTC(2026, 10, 22, 12) / 1000

test('an expired token is refused, and says since when', async () => {
  await refuses(
    (issuer) => issuer.mint({ iat: nowS() - 500, exp: nowS() - 42 }),
    'expired 42 s ago',
  )
})
