// The issuer of the test: keys and tokens here, what gateways fetch in files for its container.

import { randomUUID } from 'node:crypto'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import { AUDIENCE, CAST, ISSUER, type Player } from './cast.js'

const ALGORITHM = 'ES256'
const KEY_ID = 'deploy-test'
const TOKEN_SECONDS = 600

/** Signs tokens of the cast. */
export class TestIssuer {
  readonly #key: CryptoKey

  private constructor(key: CryptoKey) {
    this.#key = key
  }

  /** Makes keys, and the directory that the issuer's container serves. */
  static async prepare(
    directory: string,
    files: { readonly serve: string; readonly certificate: string; readonly key: string },
  ): Promise<TestIssuer> {
    const { privateKey, publicKey } = await generateKeyPair(ALGORITHM)
    const jwk = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: ALGORITHM, use: 'sig' }
    mkdirSync(directory)
    const write = (name: string, document: object) => {
      writeFileSync(join(directory, name), JSON.stringify(document))
    }
    write('jwks.json', { keys: [jwk] })
    write('openid-configuration.json', { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` })
    copyFileSync(files.serve, join(directory, 'serve.mjs'))
    copyFileSync(files.certificate, join(directory, 'certificate.pem'))
    copyFileSync(files.key, join(directory, 'key.pem'))
    return new TestIssuer(privateKey)
  }

  /** A fresh token. */
  tokenFor(player: Player): Promise<string> {
    return new SignJWT({ ...CAST[player] })
      .setProtectedHeader({ alg: ALGORITHM, kid: KEY_ID, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(player)
      .setIssuedAt()
      .setExpirationTime(`${TOKEN_SECONDS}s`)
      .setJti(randomUUID())
      .sign(this.#key)
  }
}
