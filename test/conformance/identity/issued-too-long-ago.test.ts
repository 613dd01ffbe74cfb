import { test } from 'vitest'
import { refuses } from './refuses.js'

const nowS = (): number => Date.UTC(2026, 10, 22, 12) / 1000

test('a token that is valid for ever is refused for its age', async () => {
  await refuses(
    (issuer) => issuer.mint({ iat: nowS() - 7200, exp: nowS() + 99_999 }),
    'issued more than 3600 s ago',
  )
})
