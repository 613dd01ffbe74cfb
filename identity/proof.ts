// Whether a token proves anything: signature, issuer, audience, times, and the claims that its issuer must
// set, each with words that say what to change. It neither chooses the issuer nor reads who is meant.

import { errors, jwtVerify, UnsecuredJWT, type JWTClaimVerificationOptions } from 'jose'
import { granted, type Outcome } from '../core/errors.js'
import { visibleShort } from '../core/visible.js'
import type { Issuer } from '../policy/policy.js'
import { KeysUnavailableError, type IssuerKeys } from './issuer-keys.js'
import { nameBytesMax } from './limits.js'
import { isTrustDomain, trustDomainOf } from './spiffe.js'
import type { JsonObject } from './strict-json.js'
import { refuseToken, type UnverifiedToken } from './token.js'

/** The claims, once signature, audience and times are right. Refuses with `UNAUTHENTICATED`. */
export async function proveToken(
  token: string,
  unverified: UnverifiedToken,
  profile: Issuer,
  keys: Pick<IssuerKeys, 'find'>,
  nowMs: number,
): Promise<Outcome<JsonObject>> {
  const { claims } = unverified
  const form = formObjection(unverified, profile)
  if (form !== undefined) return refuseToken(form)
  try {
    await jwtVerify(token, (header) => keys.find(header), {
      algorithms: [...profile.algorithms],
      ...issuerRules(profile),
      audience: profile.audience,
      ...timeRules(claims, profile, nowMs),
      requiredClaims: requiredOf(profile),
    })
  } catch (error) {
    return refuseToken(whyNot(error, claims, profile, nowMs))
  }
  const why =
    audienceObjection(claims, profile) ??
    timeSense(claims, profile, nowMs) ??
    idObjection(claims, profile)
  return why === undefined ? granted(claims) : refuseToken(why)
}

/** What can be said of a token's parts one by one, without its signature. */
export interface Objections {
  readonly issuer: string | undefined
  readonly audience: string | undefined
  readonly times: string | undefined
  /** Claims that must be there whatever they say. */
  readonly presence: string | undefined
}

/** The same checks as `proveToken`, each on its own and without stopping at the first that fails. */
export function objectionsTo(
  { claims }: UnverifiedToken,
  profile: Issuer,
  nowMs: number,
): Objections {
  const check = (rules: JWTClaimVerificationOptions, only?: string): string | undefined => {
    try {
      UnsecuredJWT.decode(unsigned(claims), rules)
      return undefined
    } catch (error) {
      if (
        only !== undefined &&
        !(error instanceof errors.JWTClaimValidationFailed && error.claim === only)
      )
        return undefined
      return whyNot(error, claims, profile, nowMs)
    }
  }
  const times = check(timeRules(claims, profile, nowMs))
  const always = { currentDate: new Date(nowMs), clockTolerance: Number.MAX_SAFE_INTEGER }
  return {
    issuer:
      trustDomainObjection(claims, profile) ?? check({ ...always, ...issuerRules(profile) }, 'iss'),
    audience:
      check({ ...always, audience: profile.audience }, 'aud') ?? audienceObjection(claims, profile),
    times: times ?? timeSense(claims, profile, nowMs),
    presence:
      requiredOf(profile)
        .filter((claim) => claims[claim] === undefined)
        .map((claim) => `it lacks the claim ${claim}`)[0] ?? idObjection(claims, profile),
  }
}

const unsigned = (claims: JsonObject): string =>
  `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`

/** What the header says that this issuer's tokens don't. */
export function formObjection({ alg, type }: UnverifiedToken, profile: Issuer): string | undefined {
  if (!profile.algorithms.includes(alg))
    return `its algorithm is not one that ${profile.name} may use`
  // JWT-SVID §2.3 allows JOSE; elsewhere it is no type of an access or identity token.
  if (type === 'jose' && !isTrustDomain(profile.issuer))
    return 'its type is not that of an access or identity token'
  return undefined
}

/** A JWT-SVID has no `iss` that anybody checks: whose it is stands in its `sub`. */
const issuerRules = ({ issuer }: Issuer): JWTClaimVerificationOptions =>
  isTrustDomain(issuer) ? {} : { issuer }

function trustDomainObjection({ sub }: JsonObject, { issuer }: Issuer): string | undefined {
  if (!isTrustDomain(issuer) || trustDomainOf(sub) === issuer) return undefined
  return `its subject is no workload of ${issuer}`
}

function timeRules(
  claims: JsonObject,
  profile: Issuer,
  nowMs: number,
): JWTClaimVerificationOptions {
  const isAged = claims['iat'] !== undefined || !isTrustDomain(profile.issuer)
  return {
    clockTolerance: profile.clockToleranceS,
    currentDate: new Date(nowMs),
    ...(isAged ? { maxTokenAge: profile.tokenAgeMaxS } : {}),
  }
}

const requiredOf = ({ issuer, replay }: Issuer): string[] => [
  ...['sub', 'aud', 'exp'],
  // JWT-SVID §3 asks for neither iss, iat nor jti.
  ...(isTrustDomain(issuer) ? [] : ['iss', 'iat']),
  ...(replay === 'none' ? [] : ['jti']),
]

/** jose takes a token that is for us among others; here every other has to be allowed. */
function audienceObjection({ aud }: JsonObject, profile: Issuer): string | undefined {
  const { audience, audiencesAlso } = profile
  if (!Array.isArray(aud)) return undefined
  const allowed: readonly unknown[] = [audience, ...audiencesAlso]
  if (aud.every((one) => allowed.includes(one)) && aud.length <= allowed.length) return undefined
  return 'it is made out to more than one audience'
}

function timeSense({ iat, exp }: JsonObject, profile: Issuer, nowMs: number): string | undefined {
  const senseless = 'its times make no sense'
  if (typeof exp !== 'number' || exp * 1000 > Number.MAX_SAFE_INTEGER) return senseless
  if (typeof iat === 'number') return exp <= iat ? senseless : undefined
  if (iat !== undefined || !isTrustDomain(profile.issuer)) return senseless
  // Nothing says how old it is, so what is left of it must not be longer than it may ever have been.
  return exp - nowMs / 1000 > profile.tokenAgeMaxS + profile.clockToleranceS
    ? `it says not when it was issued, and is good for more than ${String(profile.tokenAgeMaxS)} s`
    : undefined
}

function idObjection({ jti }: JsonObject, { replay }: Issuer): string | undefined {
  if (replay !== 'none' && (typeof jti !== 'string' || jti === ''))
    return 'its id (jti) is not a text'
  if (typeof jti === 'string' && Buffer.byteLength(jti) > nameBytesMax)
    return 'its id (jti) is too long'
  return undefined
}

/** jose's reasons in words that say what to change, and nothing that only we know. */
export function whyNot(error: unknown, claims: JsonObject, profile: Issuer, nowMs: number): string {
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
