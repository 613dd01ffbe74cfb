import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a key of another curve than the algorithm’s is refused', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  await refuses((issuer) => {
    const jwk = publicKey.export({ format: 'jwk' })
    issuer.misbehaviour.extraKeys = [{ ...jwk, kid: 'p384', use: 'sig' }]
    const [, payload] = issuer.mint().split('.')
    const header = Buffer.from('{"alg":"ES256","kid":"p384"}').toString('base64url')
    const input = `${header}.${payload ?? ''}`
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
  }, 'no such key')
})
