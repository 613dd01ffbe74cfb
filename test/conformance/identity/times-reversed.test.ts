import { test } from 'vitest'
import { refuses } from './refuses.js'

const nowS = (): number => Date.UTC(2026, 10, 22, 12) / 1000

test('a token that expired before it was issued is refused', async () => {
  await refuses(
    (issuer) => issuer.mint({ iat: nowS() + 20, exp: nowS() + 10 }),
    'times make no sense',
  )
})
