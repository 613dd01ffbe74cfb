import { test } from 'vitest'
import { refuses } from './refuses.js'

const nowS = (): number => Date.UTC(2026, 10, 22, 12) / 1000

test('a token from the future is refused', async () => {
  await refuses(
    (issuer) => issuer.mint({ iat: nowS() + 120, exp: nowS() + 600 }),
    'issued 120 s in the future',
  )
})
