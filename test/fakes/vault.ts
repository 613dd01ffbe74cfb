// Vault's HTTP API on loopback, as far as Warder uses it and as strictly as it is documented
// (developer.hashicorp.com/vault/api-docs: kv-v1, kv-v2, transit, approle, kubernetes, token).

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface FakeToken {
  seconds: number
  renewable: boolean
  renewals: number
}

type Body = Readonly<Record<string, unknown>>

interface Answer {
  readonly status: number
  readonly body?: Body
}

/** What it gets wrong, until set back. */
export interface VaultMisbehaviour {
  redirect: boolean
  oversize: boolean
  /** Never answers. */
  silent: boolean
  sealed: boolean
  /** Answers with something that is no JSON. */
  garbage: boolean
}

const refuse = (status: number, ...errors: string[]): Answer => ({ status, body: { errors } })
const denied = refuse(403, 'permission denied')

/** A running fake: `secret/` is KV version 2, `kv/` version 1. */
export class FakeVault {
  readonly misbehaviour: VaultMisbehaviour = {
    ...{ redirect: false, oversize: false, silent: false, sealed: false, garbage: false },
  }
  readonly tokens = new Map<string, FakeToken>()
  readonly approles = new Map<string, string>()
  readonly kubernetes = new Map<string, string>()
  readonly versioned = new Map<string, Body | 'deleted'>()
  readonly plain = new Map<string, Body>()
  /** How often each path was called. */
  readonly calls = new Map<string, number>()
  /** Only this namespace has anything, when set. */
  namespace: string | undefined
  readonly #transit = new Map<string, Buffer>()
  readonly #server: Server

  private constructor() {
    this.#server = createServer((incoming, response) => {
      void this.#serve(incoming, response)
    })
  }

  static async start(): Promise<FakeVault> {
    const vault = new FakeVault()
    await new Promise<void>((resolve) => vault.#server.listen(0, '127.0.0.1', resolve))
    return vault
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  addToken(seconds = 0, renewable = false): string {
    const token = `hvs.${randomBytes(18).toString('base64url')}`
    this.tokens.set(token, { seconds, renewable, renewals: 0 })
    return token
  }

  addTransitKey(name: string): void {
    this.#transit.set(name, randomBytes(32))
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (incoming.url ?? '').replace(/^\/v1\//, '')
    this.calls.set(path, (this.calls.get(path) ?? 0) + 1)
    if (this.misbehaviour.silent) return
    if (this.misbehaviour.redirect) {
      response.writeHead(307, { location: 'http://127.0.0.1:9/v1/' }).end()
      return
    }
    if (this.misbehaviour.oversize) {
      response.writeHead(200).end('x'.repeat(300_000))
      return
    }
    if (this.misbehaviour.garbage) {
      response.writeHead(200).end('<html>secret</html>')
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const answer = this.#answer(incoming, path, Buffer.concat(chunks).toString('utf8'))
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body))
  }

  #answer({ headers, method }: IncomingMessage, path: string, text: string): Answer {
    if (this.misbehaviour.sealed) return refuse(503, 'Vault is sealed')
    if (this.namespace !== undefined && headers['x-vault-namespace'] !== this.namespace) {
      return denied
    }
    const body = text === '' ? {} : (JSON.parse(text) as Body)
    if (path === 'auth/approle/login' && method === 'POST') return this.#appRole(body)
    if (path === 'auth/kubernetes/login' && method === 'POST') return this.#kubernetesRole(body)
    const name = headers['x-vault-token']
    const token = typeof name === 'string' ? this.tokens.get(name) : undefined
    if (token === undefined) return denied
    if (path === 'auth/token/lookup-self' && method === 'GET') {
      const { seconds: ttl, renewable } = token
      return { status: 200, body: { data: { id: name, ttl, renewable } } }
    }
    if (path === 'auth/token/renew-self' && method === 'POST') {
      if (!token.renewable) return refuse(400, 'lease is not renewable')
      token.renewals += 1
      return { status: 200, body: { auth: authOf(String(name), token) } }
    }
    if (path.startsWith('secret/data/') && method === 'GET') return this.#versioned(path.slice(12))
    if (path.startsWith('kv/') && method === 'GET') return this.#plain(path.slice(3))
    const [, verb, key] = /^transit\/(encrypt|decrypt)\/([\w-]+)$/.exec(path) ?? []
    if (verb !== undefined && key !== undefined && method === 'POST') {
      return this.#crypt(verb, key, body)
    }
    return refuse(404, `no handler for route "${path}". route entry not found.`)
  }

  #appRole({ role_id: role, secret_id: secret }: Body): Answer {
    if (typeof role !== 'string' || this.approles.get(role) !== secret) {
      return refuse(400, 'invalid role or secret ID')
    }
    return this.#entered()
  }

  #kubernetesRole({ role, jwt }: Body): Answer {
    if (typeof role !== 'string' || typeof jwt !== 'string') return refuse(400, 'missing role')
    return this.kubernetes.get(role) === jwt ? this.#entered() : denied
  }

  #entered(): Answer {
    const name = this.addToken(3_600, true)
    const token = this.tokens.get(name)
    return { status: 200, body: { auth: token && authOf(name, token) } }
  }

  #versioned(path: string): Answer {
    const fields = this.versioned.get(path)
    if (fields === undefined) return refuse(404)
    const metadata = { created_time: '2026-11-22T03:12:00Z', destroyed: false, version: 3 }
    if (fields !== 'deleted') {
      return {
        status: 200,
        body: { data: { data: fields, metadata: { ...metadata, deletion_time: '' } } },
      }
    }
    const deletion = { ...metadata, deletion_time: '2026-11-22T03:13:00Z' }
    return { status: 404, body: { data: { data: null, metadata: deletion } } }
  }

  #plain(path: string): Answer {
    const fields = this.plain.get(path)
    if (fields === undefined) return refuse(404)
    return { status: 200, body: { lease_duration: 2_764_800, renewable: false, data: fields } }
  }

  /** `vault:v1:` + base64(nonce · ciphertext · tag), as for keys of type aes256-gcm96. */
  #crypt(verb: string, name: string, body: Body): Answer {
    const key = this.#transit.get(name)
    if (key === undefined) return refuse(400, 'encryption key not found')
    const { plaintext, ciphertext, associated_data: context } = body
    const aad = Buffer.from(typeof context === 'string' ? context : '', 'base64')
    if (verb === 'encrypt') {
      if (typeof plaintext !== 'string') return refuse(400, 'missing plaintext')
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad)
      const sealed = [nonce, cipher.update(Buffer.from(plaintext, 'base64')), cipher.final()]
      const bytes = Buffer.concat([...sealed, cipher.getAuthTag()])
      return { status: 200, body: { data: { ciphertext: `vault:v1:${bytes.toString('base64')}` } } }
    }
    if (typeof ciphertext !== 'string' || !ciphertext.startsWith('vault:v1:')) {
      return refuse(400, 'invalid ciphertext: no prefix')
    }
    const bytes = Buffer.from(ciphertext.slice(9), 'base64')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), {
      authTagLength: 16,
    })
    decipher.setAAD(aad).setAuthTag(bytes.subarray(-16))
    try {
      const plain = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
      return { status: 200, body: { data: { plaintext: plain.toString('base64') } } }
    } catch {
      return refuse(400, 'cipher: message authentication failed')
    }
  }
}

const authOf = (name: string, { seconds, renewable }: FakeToken): Body => ({
  client_token: name,
  lease_duration: seconds,
  renewable,
})
