import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a key whose private half is published belongs to everybody, and is never used', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await refuses((issuer) => {
    const jwk = privateKey.export({ format: 'jwk' })
    issuer.misbehaviour.extraKeys = [{ ...jwk, kid: 'leaked', alg: 'ES256', use: 'sig' }]
    const [, payload] = issuer.mint().split('.')
    const header = Buffer.from('{"alg":"ES256","kid":"leaked"}').toString('base64url')
    const input = `${header}.${payload ?? ''}`
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
  }, 'no such key')
})
