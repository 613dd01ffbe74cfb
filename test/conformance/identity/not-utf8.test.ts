import { test } from 'vitest'
import { refuses } from './refuses.js'

test('claims that are not UTF-8 are refused', async () => {
  await refuses((issuer) => {
    const [header, , signature] = issuer.mint().split('.')
    return `${header ?? ''}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.${signature ?? ''}`
  }, 'not UTF-8')
})
