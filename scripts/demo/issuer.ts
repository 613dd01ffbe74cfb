// The demo's identity provider: a real one (oidc-provider), on loopback, with keys that live as long
// as the demo. Only the demo starts it; nothing of Warder trusts it unless the policy names it.
//
// The people of the demo are clients too: they get their tokens by client credentials, because
// nobody sits at a browser in a demo. Everything after that (issuer, signature, audience, claims) is
// what a person's token would go through.

import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import type { Configuration } from 'oidc-provider'
import { CAST, SCOPE, isCastName, requestToken } from './cast.js'
import type { CastName, IssuerAccess } from './cast.js'

const TOKEN_SECONDS = 900
const SECRET_BYTES = 32
const SIGNING = 'ES256'

/** The running issuer. */
export class DemoIssuer {
  readonly access: IssuerAccess
  readonly #server: Server

  private constructor(access: IssuerAccess, server: Server) {
    this.access = access
    this.#server = server
  }

  /** Starts it on a port of loopback (any, when it is 0), for tokens made out to `audience`. */
  static async start(audience: string, port: number): Promise<DemoIssuer> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    const address = server.address()
    const bound = typeof address === 'object' && address !== null ? address.port : port
    const issuer = `http://127.0.0.1:${bound}`
    const secret = () => randomBytes(SECRET_BYTES).toString('base64url')
    const secrets = { 'migrate-job': secret(), ana: secret(), maria: secret(), max: secret() }
    const access = { issuer, audience, secrets }
    const settings = await configuration(access)
    const answer = await withoutExpectedWarnings(async () => {
      const { default: Provider } = await import('oidc-provider')
      return new Provider(issuer, settings).callback()
    })
    server.on('request', (request, response) => {
      void answer(request, response)
    })
    return new DemoIssuer(access, server)
  }

  get url(): string {
    return this.access.issuer
  }

  /** A fresh token of somebody in the cast. */
  tokenFor(name: CastName): Promise<string> {
    return requestToken(this.access, name)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/**
 * It warns about what is meant here: state in memory, because the issuer ends with the demo, and a
 * Node older than it was tried on. Any other warning passes.
 */
const EXPECTED_WARNINGS = ['Unsupported runtime', 'development-only in-memory adapter'] as const

async function withoutExpectedWarnings<T>(work: () => Promise<T>): Promise<T> {
  const { warn } = console
  console.warn = (...parts: unknown[]) => {
    const text = parts.map(String).join(' ')
    if (!EXPECTED_WARNINGS.some((expected) => text.includes(expected))) warn(...parts)
  }
  try {
    return await work()
  } finally {
    console.warn = warn
  }
}

async function configuration({ audience, secrets }: IssuerAccess): Promise<Configuration> {
  const { privateKey } = await generateKeyPair(SIGNING, { extractable: true })
  const key = { ...(await exportJWK(privateKey)), kid: 'demo', alg: SIGNING, use: 'sig' }
  return {
    clients: Object.entries(secrets).map(([name, secret]) => ({
      client_id: name,
      client_secret: secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    ttl: { ClientCredentials: TOKEN_SECONDS },
    clientDefaults: { id_token_signed_response_alg: SIGNING },
    cookies: { keys: [randomBytes(SECRET_BYTES).toString('base64url')] },
    jwks: { keys: [key] },
    scopes: [SCOPE],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => {
          if (resource !== audience) throw new Error('unknown resource')
          return {
            scope: SCOPE,
            audience,
            accessTokenTTL: TOKEN_SECONDS,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: SIGNING } },
          }
        },
      },
    },
    extraTokenClaims: (_context, token) => {
      const name = token.clientId
      return name !== undefined && isCastName(name) ? CAST[name].claims : undefined
    },
  }
}
