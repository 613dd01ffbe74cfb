import { test } from 'vitest'
import { refuses } from './refuses.js'

const nowS = (): number => Date.UTC(2026, 10, 22, 12) / 1000

test('a token that is not valid yet is refused', async () => {
  await refuses((issuer) => issuer.mint({ nbf: nowS() + 90 }), 'not valid for another 90 s')
})
