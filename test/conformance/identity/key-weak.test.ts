import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an RSA key of 1024 bits proves nothing, even when the issuer publishes it', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  await refuses((issuer) => {
    const jwk = publicKey.export({ format: 'jwk' })
    issuer.misbehaviour.extraKeys = [{ ...jwk, kid: 'weak', alg: 'RS256', use: 'sig' }]
    const [, payload] = issuer.mint().split('.')
    const header = Buffer.from('{"alg":"RS256","kid":"weak"}').toString('base64url')
    const input = `${header}.${payload ?? ''}`
    return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
  }, 'could not be verified')
})
