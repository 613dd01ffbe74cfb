import { createHmac, createPublicKey } from 'node:crypto'
import { test } from 'vitest'
import { refuses } from './refuses.js'

test('the public key of the issuer is no shared secret, in any of its spellings', async () => {
  for (const type of ['pem', 'der', 'jwk'] as const) {
    await refuses((issuer) => {
      const key = createPublicKey({ key: { ...issuer.publicJwk }, format: 'jwk' })
      const secret = {
        jwk: JSON.stringify(issuer.publicJwk),
        pem: key.export({ type: 'spki', format: 'pem' }),
        der: key.export({ type: 'spki', format: 'der' }),
      }[type]
      const [, payload] = issuer.mint().split('.')
      const header = Buffer.from('{"alg":"HS256","typ":"JWT","kid":"key-0"}').toString('base64url')
      const input = `${header}.${payload ?? ''}`
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    }, 'algorithm is not one that ci may use')
  }
})
