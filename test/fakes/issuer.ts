// A token issuer on loopback: real discovery document, real key set, real signatures, and switches for
// everything an issuer (or somebody who plays one) can do wrong. For tests only.

import { sign as signBytes, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'

/** Claims over the defaults; `undefined` leaves a default claim out. */
export type Claims = Readonly<Record<string, unknown>>

interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicJwk: JWK
}

/** What an issuer is like. */
export interface IssuerForm {
  readonly alg?: 'ES256' | 'RS256'
  /** What its URL has behind the origin: `/realms/acme`, `/`. */
  readonly path?: string
  /** How its keys are marked. */
  readonly use?: string
}

/** What the issuer gets wrong, until set back. */
export interface Misbehaviour {
  /** Every request is cut off. */
  outage: boolean
  /** Every request is redirected. */
  redirect: boolean
  /** Every document is longer than anybody should read. */
  oversize: boolean
  /** The discovery document names another issuer. */
  otherIssuer: string | undefined
  /** The discovery document names another key set. */
  jwksUri: string | undefined
  /** Keys that stand in the set besides the real ones. */
  extraKeys: readonly JWK[]
  /** Answers of another kind, by path. */
  instead: ReadonlyMap<string, (response: ServerResponse) => void>
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url')

/** Making an RSA key takes long; the first of every such issuer of a process is the same. */
let firstRsaPair: ReturnType<typeof generateKeyPair> | undefined

function makePair(kid: string, alg: 'ES256' | 'RS256'): ReturnType<typeof generateKeyPair> {
  if (alg === 'ES256' || kid !== 'key-0') return generateKeyPair(alg, { extractable: true })
  return (firstRsaPair ??= generateKeyPair(alg, { extractable: true }))
}

async function makeKey(
  kid: string,
  { alg = 'ES256', use = 'sig' }: IssuerForm,
): Promise<SigningKey> {
  const { privateKey, publicKey } = await makePair(kid, alg)
  const { KeyObject: keyObject } = await import('node:crypto')
  return {
    kid,
    privateKey: keyObject.from(privateKey),
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use },
  }
}

/** A running issuer; `now` is epoch ms for the times in its tokens. */
export class FakeIssuer {
  readonly misbehaviour: Misbehaviour = {
    outage: false,
    redirect: false,
    oversize: false,
    otherIssuer: undefined,
    jwksUri: undefined,
    extraKeys: [],
    instead: new Map(),
  }
  /** How often each path was asked for. */
  readonly asked = new Map<string, number>()
  readonly #server: Server
  readonly #now: () => number
  readonly #form: IssuerForm
  #keys: SigningKey[]
  #serial = 0

  private constructor(server: Server, key: SigningKey, now: () => number, form: IssuerForm) {
    this.#form = form
    this.#server = server
    this.#keys = [key]
    this.#now = now
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response)
    })
  }

  static async start(now: () => number, form: IssuerForm = {}): Promise<FakeIssuer> {
    const server = createServer()
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    return new FakeIssuer(server, await makeKey('key-0', form), now, form)
  }

  get url(): string {
    return `${this.#origin}${this.#form.path ?? ''}`
  }

  get jwksUrl(): string {
    return `${this.#origin}/jwks`
  }

  get #origin(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`
  }

  /** Public half of the key that signs now. */
  get publicJwk(): JWK {
    return this.#key.publicJwk
  }

  get #key(): SigningKey {
    const key = this.#keys.at(-1)
    if (key === undefined) throw new Error('the issuer has no key')
    return key
  }

  /** From now on another key signs; the old one stays published unless `drop`. */
  async rotate({ drop = false } = {}): Promise<void> {
    const key = await makeKey(
      `key-${String(++this.#serial)}-${String(this.#keys.length)}`,
      this.#form,
    )
    this.#keys = drop ? [key] : [...this.#keys, key]
  }

  /** The claims of a good token, with changes. */
  claims(changes: Claims = {}): Record<string, unknown> {
    const nowS = Math.floor(this.#now() / 1000)
    return {
      iss: this.url,
      aud: 'https://warder.test',
      sub: 'repo:acme/orders',
      iat: nowS,
      exp: nowS + 600,
      jti: `jti-${String(++this.#serial)}`,
      ...changes,
    }
  }

  /** A signed token: good, but for the changes. */
  mint(changes: Claims = {}, header: Claims = {}): string {
    return this.sign(JSON.stringify(this.claims(changes)), header)
  }

  /** Signs any payload text under any header; for tokens that no library would make. */
  sign(payload: string, header: Claims = {}): string {
    const fields = { alg: this.#form.alg ?? 'ES256', kid: this.#key.kid, typ: 'JWT', ...header }
    return this.signRaw(JSON.stringify(fields), payload)
  }

  /** Signs a header and a payload exactly as they are written. */
  signRaw(header: string, payload: string): string {
    const input = `${base64url(header)}.${base64url(payload)}`
    const key = { key: this.#key.privateKey, dsaEncoding: 'ieee-p1363' } as const
    return `${input}.${signBytes('sha256', Buffer.from(input), key).toString('base64url')}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((closed) => this.#server.close(closed))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '/'
    this.asked.set(path, (this.asked.get(path) ?? 0) + 1)
    const { outage, redirect, oversize, otherIssuer, jwksUri, extraKeys, instead } =
      this.misbehaviour
    const other = instead.get(path)
    if (outage) {
      request.socket.destroy()
    } else if (other !== undefined) {
      other(response)
    } else if (redirect) {
      response.writeHead(302, { location: `${this.url}/elsewhere` }).end()
    } else if (oversize) {
      response.end(`{"keys":"${'x'.repeat(300 * 1024)}"}`)
    } else if (path === '/jwks') {
      const keys = [...this.#keys.map(({ publicJwk }) => publicJwk), ...extraKeys]
      response.end(JSON.stringify({ keys }))
    } else if (
      path === `${this.#form.path ?? ''}/.well-known/openid-configuration`.replace('//', '/')
    ) {
      const document = { issuer: otherIssuer ?? this.url, jwks_uri: jwksUri ?? this.jwksUrl }
      response.end(JSON.stringify(document))
    } else {
      response.writeHead(404).end()
    }
  }
}
