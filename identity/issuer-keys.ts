// The public keys of one issuer: fetched by discovery, renewed in the background, kept through an
// outage as long as the policy says. It never fetches on behalf of an issuer that is not configured.

import { createLocalJWKSet, errors, type CryptoKey, type JWK, type JWSHeaderParameters } from 'jose'
import type { Clock } from '../core/ports.js'
import { reachOf } from './address.js'
import { DocumentError, type DocumentFetch } from './document.js'
import type { Issuer } from '../policy/policy.js'
import {
  keyCountMax,
  keysAlertMs,
  keysAwaitMs,
  keysRefreshMs,
  retryGapMs,
  troubleGapMs,
  unknownKeyGapMs,
} from './limits.js'
import { isTrustDomain } from './spiffe.js'
import { isJsonObject, type JsonObject } from './strict-json.js'

type Find = ReturnType<typeof createLocalJWKSet>

/**
 * Told when an issuer's keys could not be had, at most once a minute: `alert` when there are none, or none
 * younger than an hour, `warning` while those at hand will do.
 */
export type OnKeyTrouble = (issuer: string, trouble: Error, level: 'warning' | 'alert') => void

/** What an issuer's keys are read and aged with. */
export interface KeySources {
  readonly clock: Clock
  readonly fetch: DocumentFetch
  readonly onTrouble: OnKeyTrouble
}

/** There are no keys to verify with, or none that are fresh enough. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError'
}

/** The key set of one issuer. All times are on the monotonic clock. */
export class IssuerKeys {
  readonly #profile: Issuer
  readonly #sources: KeySources
  #held: { readonly find: Find; readonly loadedMs: number } | undefined
  #reloading: Promise<void> | undefined
  #triedMs = -Infinity
  #unknownMs = -Infinity
  #toldMs = { warning: -Infinity, alert: -Infinity }

  constructor(profile: Issuer, sources: KeySources) {
    this.#profile = profile
    this.#sources = sources
  }

  /**
   * The key that a token's header points to.
   *
   * @throws KeysUnavailableError when there are no keys; JOSEError `ERR_JWKS_NO_MATCHING_KEY` when no key
   * fits, after one reload.
   */
  async find(header: JWSHeaderParameters): Promise<CryptoKey> {
    await this.#renew()
    const before = this.#current()
    try {
      return await before.find(header)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !this.#mayReloadForUnknown()) throw error
      await this.#reload()
      return await this.#current().find(header)
    }
  }

  #current(): { readonly find: Find } {
    const held = this.#held
    if (held === undefined) throw new KeysUnavailableError()
    if (this.#sources.clock.monotonicMs() - held.loadedMs > this.#profile.keysKeptMs)
      throw new KeysUnavailableError()
    return held
  }

  async #renew(): Promise<void> {
    const nowMs = this.#sources.clock.monotonicMs()
    const ageMs = this.#held === undefined ? Infinity : nowMs - this.#held.loadedMs
    if (ageMs <= keysRefreshMs) return
    if (this.#reloading === undefined && nowMs - this.#triedMs < retryGapMs) return
    const reload = this.#reload()
    if (ageMs > keysAwaitMs) await reload
  }

  #mayReloadForUnknown(): boolean {
    const nowMs = this.#sources.clock.monotonicMs()
    if (this.#reloading !== undefined) return true
    if (nowMs - this.#unknownMs < unknownKeyGapMs) return false
    this.#unknownMs = nowMs
    return true
  }

  /** Joins the reload under way, or starts one. Never rejects: what is held stays as it is. */
  #reload(): Promise<void> {
    this.#reloading ??= this.#load().finally(() => {
      this.#reloading = undefined
    })
    return this.#reloading
  }

  async #load(): Promise<void> {
    this.#triedMs = this.#sources.clock.monotonicMs()
    try {
      const find = createLocalJWKSet({ keys: keysIn(await this.#fetchKeys(), this.#profile) })
      this.#held = { find, loadedMs: this.#triedMs }
    } catch (error) {
      this.#triedMs = this.#sources.clock.monotonicMs()
      this.#tell(error instanceof Error ? error : new Error('unknown failure'))
    }
  }

  #tell(trouble: Error): void {
    const nowMs = this.#triedMs
    const ageMs = nowMs - (this.#held?.loadedMs ?? -Infinity)
    const level = ageMs > keysAlertMs ? 'alert' : 'warning'
    if (nowMs - this.#toldMs[level] < troubleGapMs) return
    this.#toldMs[level] = nowMs
    this.#sources.onTrouble(this.#profile.name, trouble, level)
  }

  async #fetchKeys(): Promise<JsonObject> {
    const { fetch } = this.#sources
    const { issuer, jwksUri, network } = this.#profile
    if (jwksUri !== undefined) {
      const configured = new URL(jwksUri)
      return await fetch(configured, reachOf(configured, network))
    }
    const url = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const reach = reachOf(url, network)
    const document = await fetch(url, reach)
    // OpenID Connect Discovery 1.0 §4.3: MUST be exactly the issuer that was asked.
    if (document['issuer'] !== issuer)
      throw new DocumentError(`${url.href}: it describes another issuer`)
    const uri = document['jwks_uri']
    if (typeof uri !== 'string' || !URL.canParse(uri))
      throw new DocumentError(`${url.href}: it names no key set`)
    const keysUrl = new URL(uri)
    // An issuer that was taken over, or imitated, must not choose what we talk to.
    if (keysUrl.origin !== url.origin)
      throw new DocumentError(
        `${url.href}: it puts its keys at ${keysUrl.origin}; if that is right, give that URL as the issuer's jwksUri`,
      )
    return await fetch(keysUrl, reach)
  }
}

/** Public verification keys only, each usable with an algorithm that this issuer may use. */
function keysIn(document: JsonObject, profile: Issuer): JWK[] {
  const { keys } = document as { keys?: unknown }
  if (!Array.isArray(keys)) throw new DocumentError('the key set holds no keys')
  if (keys.length > keyCountMax) throw new DocumentError('the key set holds too many keys')
  const usable = keys.filter((key: unknown): key is JWK => isVerificationKey(key, profile))
  if (usable.length === 0) throw new DocumentError('the key set holds no usable key')
  // A bundle says `jwt-svid` where a key set says `sig`.
  return usable.map((key) => ({ ...key, use: 'sig' }))
}

function isVerificationKey(key: unknown, profile: Issuer): boolean {
  if (!isJsonObject(key)) return false
  const { kty, use, alg, d, k } = key as Readonly<
    Record<'kty' | 'use' | 'alg' | 'd' | 'k', unknown>
  >
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return false
  // A "public" key set that publishes private parts belongs to nobody.
  if (d !== undefined || k !== undefined) return false
  // SPIFFE Trust Domain and Bundle §4.2.2: only keys marked so are for JWT-SVIDs.
  if (isTrustDomain(profile.issuer) ? use !== 'jwt-svid' : use !== undefined && use !== 'sig')
    return false
  return alg === undefined || (typeof alg === 'string' && profile.algorithms.includes(alg))
}
