// A token of a configured issuer → principal. Signature, issuer, audience and times are checked
// offline; nothing is fetched because of what an unproven token says, except the keys of the
// configured issuer it names. It never keeps or prints a token.

import { createHash } from 'node:crypto'
import { errors, jwtVerify } from 'jose'
import { granted, type Outcome } from '../core/errors.js'
import type { Authenticated, Clock, Identity } from '../core/ports.js'
import { visibleShort } from '../core/visible.js'
import { principalOf } from './claims.js'
import { fetchDocument, type DocumentFetch } from './document.js'
import { IssuerKeys, KeysUnavailableError, type OnKeyTrouble } from './issuer-keys.js'
import type { Issuer } from '../policy/policy.js'
import { issuersByUrl } from './issuers.js'
import { nameBytesMax } from './limits.js'
import { principalKey } from './principal-key.js'
import type { JsonObject } from './strict-json.js'
import { readToken, refuseToken, type UnverifiedToken } from './token.js'

/** What the identity port is made of. */
export interface OidcDependencies {
  readonly clock: Clock
  /** Told when an issuer's keys could not be had. */
  readonly onKeyTrouble: OnKeyTrouble
  /** How documents are fetched; over guarded sockets unless a test says otherwise. */
  readonly fetch?: DocumentFetch
}

interface KnownIssuer {
  readonly profile: Issuer
  readonly keys: IssuerKeys
}

/** Verifies OIDC tokens of the configured issuers, side by side; keys are never shared between them. */
export class OidcIdentity implements Identity {
  readonly #dependencies: OidcDependencies
  #issuers: ReadonlyMap<string, KnownIssuer> = new Map()
  #names: ReadonlyMap<string, string> = new Map()

  /** With no issuers everybody is refused. @throws WarderError `POLICY_INVALID` */
  constructor(issuers: readonly Issuer[], dependencies: OidcDependencies) {
    this.#dependencies = dependencies
    this.configure(issuers)
  }

  /**
   * Takes the issuers of a newly applied policy. Keys of an issuer that did not change are kept.
   *
   * @throws WarderError `POLICY_INVALID`; the issuers in force stay as they are.
   */
  configure(issuers: readonly Issuer[]): void {
    const profiles = issuersByUrl(issuers)
    const { clock, onKeyTrouble: onTrouble, fetch = fetchDocument } = this.#dependencies
    const known = new Map<string, KnownIssuer>()
    for (const [url, profile] of profiles) {
      const before = this.#issuers.get(url)
      const keys =
        before !== undefined && hasSameKeys(before.profile, profile)
          ? before.keys
          : new IssuerKeys(profile, { clock, fetch, onTrouble })
      known.set(url, { profile, keys })
    }
    this.#issuers = known
    this.#names = new Map([...profiles].map(([url, { name }]) => [url, name]))
  }

  async authenticate(token: string): Promise<Outcome<Authenticated>> {
    const read = readToken(token)
    if (!read.ok) return read
    const { iss } = read.value.claims
    // An exact match before anything else: a token never makes us talk to an issuer of its choice.
    const known = typeof iss === 'string' ? this.#issuers.get(iss) : undefined
    if (known === undefined) return refuseToken('its issuer is not configured')
    const proven = await this.#prove(token, read.value, known)
    if (!proven.ok) return proven
    const principal = principalOf(known.profile, proven.value, this.#names)
    if (!principal.ok) return principal
    const { jti } = proven.value
    return granted({
      principal: principal.value,
      principalKey: principalKey(principal.value),
      tokenDigest: createHash('sha256').update(token).digest('hex'),
      // Only an issuer whose tokens open one request gives them an id to be spent.
      ...(known.profile.replay === 'once' && typeof jti === 'string' ? { tokenId: jti } : {}),
    })
  }

  /** The claims, once signature, audience and times are right. */
  async #prove(
    token: string,
    unverified: UnverifiedToken,
    { profile, keys }: KnownIssuer,
  ): Promise<Outcome<JsonObject>> {
    if (!profile.algorithms.includes(unverified.alg))
      return refuseToken(`its algorithm is not one that ${profile.name} may use`)
    const nowMs = this.#dependencies.clock.now()
    try {
      await jwtVerify(token, (header) => keys.find(header), {
        issuer: profile.issuer,
        audience: profile.audience,
        algorithms: [...profile.algorithms],
        clockTolerance: profile.clockToleranceS,
        maxTokenAge: profile.tokenAgeMaxS,
        currentDate: new Date(nowMs),
        requiredClaims: ['sub', 'exp', 'iat', ...(profile.replay === 'once' ? ['jti'] : [])],
      })
    } catch (error) {
      return refuseToken(whyNot(error, unverified.claims, profile, nowMs))
    }
    const why = claimObjection(unverified.claims, profile)
    return why === undefined ? granted(unverified.claims) : refuseToken(why)
  }
}

const hasSameKeys = (a: Issuer, b: Issuer): boolean =>
  a.name === b.name && a.jwksUri === b.jwksUri && a.algorithms.join() === b.algorithms.join()

/** What jose leaves open: several audiences, odd times, an id that can't be kept. */
function claimObjection(claims: JsonObject, profile: Issuer): string | undefined {
  const { aud, iat, exp, jti } = claims
  if (Array.isArray(aud) && aud.length !== 1) return 'it is made out to more than one audience'
  if (typeof iat !== 'number' || typeof exp !== 'number' || exp <= iat)
    return 'its times make no sense'
  if (exp * 1000 > Number.MAX_SAFE_INTEGER) return 'its times make no sense'
  if (profile.replay === 'once' && (typeof jti !== 'string' || jti === ''))
    return 'its id (jti) is not a text'
  if (typeof jti === 'string' && Buffer.byteLength(jti) > nameBytesMax)
    return 'its id (jti) is too long'
  return undefined
}

/** jose's reasons in words that say what to change, and nothing that only we know. */
function whyNot(error: unknown, claims: JsonObject, profile: Issuer, nowMs: number): string {
  if (error instanceof KeysUnavailableError) return `the keys of ${profile.name} can't be read now`
  if (error instanceof errors.JWKSNoMatchingKey) return `${profile.name} has no such key`
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return `it does not say which key of ${profile.name} signed it`
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong'
  if (error instanceof errors.JWTExpired) return expiredWords(error.claim, claims, profile, nowMs)
  if (error instanceof errors.JWTClaimValidationFailed) return claimWords(error, claims, nowMs)
  return 'it could not be verified'
}

function expiredWords(claim: string, claims: JsonObject, profile: Issuer, nowMs: number): string {
  if (claim === 'iat') return `it was issued more than ${String(profile.tokenAgeMaxS)} s ago`
  return `expired ${secondsBetween(nowMs, claims['exp'])} s ago`
}

function claimWords(
  error: errors.JWTClaimValidationFailed,
  claims: JsonObject,
  nowMs: number,
): string {
  const { claim, reason } = error
  if (reason === 'missing') return `it lacks the claim ${claim}`
  if (claim === 'aud') return `made out to another audience: ${audienceWords(claims['aud'])}`
  if (claim === 'nbf') return `not valid for another ${secondsBetween(claims['nbf'], nowMs)} s`
  if (claim === 'iat') return `issued ${secondsBetween(claims['iat'], nowMs)} s in the future`
  return `its claim ${claim} is not valid`
}

/** Whole seconds between two times; one is epoch ms (ours), the other epoch s (the token's). */
function secondsBetween(later: unknown, earlier: unknown): string {
  const seconds = (time: unknown): number => {
    if (typeof time !== 'number') return 0
    return time > 1e11 ? time / 1000 : time
  }
  return String(Math.max(0, Math.round(seconds(later) - seconds(earlier))))
}

const audienceWords = (aud: unknown): string => {
  const first: unknown = Array.isArray(aud) ? aud[0] : aud
  return typeof first === 'string' ? visibleShort(first, 100) : 'none'
}
