import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a signature with unused bits set is refused', async () => {
  await refuses((issuer) => {
    const token = issuer.mint()
    const last = token.slice(-1)
    // 64 bytes end in a character whose low two bits mean nothing.
    const bits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    return token.slice(0, -1) + (bits[bits.indexOf(last) ^ 1] ?? '')
  }, 'not base64url')
})
