// The token that Warder shows to Vault: given, in a file, or fetched by a login; renewed in time.
// Never writes a token anywhere.

import { readFile } from 'node:fs/promises'
import { callVault, VaultError, type VaultAnswer, type VaultPlace } from './vault-connection.js'

/** Tokens are renewed when this part of their time is over. */
const RENEW_AFTER = 2 / 3
/** Not more often than this, however short-lived they are. */
const RENEW_MS_MIN = 1_000
/** Longest that a timer waits. */
const RENEW_MS_MAX = 24 * 3_600_000
const TOKEN = /^[\x21-\x7e]{1,4096}$/

/** How Warder proves itself to Vault. */
export type VaultMethod =
  | { readonly token: string }
  | { readonly tokenFile: string }
  /** https://developer.hashicorp.com/vault/api-docs/auth/approle */
  | { readonly roleId: string; readonly secretIdFile: string }
  /** https://developer.hashicorp.com/vault/api-docs/auth/kubernetes */
  | { readonly kubernetesRole: string; readonly tokenFile: string }

/** Keeps one token good. */
export class VaultLogin {
  readonly #place: VaultPlace
  readonly #method: VaultMethod
  readonly #onTrouble: (failure: unknown) => void
  #token: Promise<string> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(place: VaultPlace, method: VaultMethod, onTrouble: (failure: unknown) => void) {
    this.#place = place
    this.#method = method
    this.#onTrouble = onTrouble
  }

  /** A token that Vault took last time. @throws VaultError */
  token(): Promise<string> {
    this.#token ??= this.#login().catch((error: unknown) => {
      this.#token = undefined
      throw error instanceof VaultError ? error : new VaultError('the login file can’t be read')
    })
    return this.#token
  }

  /** Forgets the token, so that the next call logs in anew. */
  forget(): void {
    clearTimeout(this.#timer)
    this.#token = undefined
  }

  async #login(): Promise<string> {
    const method = this.#method
    if ('token' in method) return this.#watch(method.token)
    if ('roleId' in method) {
      const secretId = await secretFrom(method.secretIdFile)
      return this.#enter('auth/approle/login', { role_id: method.roleId, secret_id: secretId })
    }
    const text = await secretFrom(method.tokenFile)
    if (!('kubernetesRole' in method)) return this.#watch(text)
    return this.#enter('auth/kubernetes/login', { role: method.kubernetesRole, jwt: text })
  }

  async #enter(path: string, body: Readonly<Record<string, string>>): Promise<string> {
    const { auth } = await callVault(this.#place, { method: 'POST', path, body })
    const { client_token: token } = objectOf(auth)
    if (typeof token !== 'string' || !TOKEN.test(token)) {
      throw new VaultError('its answer to the login holds no token')
    }
    this.#plan(objectOf(auth))
    return token
  }

  /** A token that was given: Vault itself says how long it lasts. */
  async #watch(token: string): Promise<string> {
    if (!TOKEN.test(token)) throw new VaultError('what it is to be shown is no token')
    const path = 'auth/token/lookup-self'
    const { data } = await callVault(this.#place, { method: 'GET', path, token })
    const { ttl, renewable } = objectOf(data)
    this.#plan({ lease_duration: ttl, renewable })
    return token
  }

  #plan({ lease_duration: seconds, renewable }: VaultAnswer): void {
    clearTimeout(this.#timer)
    // 0 is a token without an end.
    if (typeof seconds !== 'number' || seconds <= 0) return
    const afterMs = Math.max(RENEW_MS_MIN, seconds * 1_000 * RENEW_AFTER)
    const next = () => (renewable === true ? this.#renew() : this.#again())
    this.#timer = setTimeout(
      () => {
        next().catch(this.#onTrouble)
      },
      Math.min(afterMs, RENEW_MS_MAX),
    ).unref()
  }

  async #renew(): Promise<void> {
    const token = await this.token()
    try {
      const path = 'auth/token/renew-self'
      const { auth } = await callVault(this.#place, { method: 'POST', path, token, body: {} })
      this.#plan(objectOf(auth))
    } catch {
      await this.#again()
    }
  }

  async #again(): Promise<void> {
    this.forget()
    await this.token()
  }
}

async function secretFrom(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim()
}

/** The value where it is an object, else an empty one. */
export const objectOf = (value: unknown): VaultAnswer =>
  typeof value === 'object' && value !== null ? (value as VaultAnswer) : {}
