// JWT-SVIDs (SPIFFE JWT-SVID standard): tokens of a trust domain, known by their `sub`. Pure.

import type { JsonObject } from './strict-json.js'

const TRUST_DOMAIN = /^spiffe:\/\/[a-z0-9._-]{1,255}$/
/** SPIFFE ID §2.2: segments of letters, digits, dot, hyphen and underscore, none of them only dots. */
const SPIFFE_ID = /^(spiffe:\/\/[a-z0-9._-]{1,255})((?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+)$/

/** True for an issuer that is a trust domain. */
export const isTrustDomain = (issuer: string): boolean => TRUST_DOMAIN.test(issuer)

/** The trust domain (`spiffe://…`) that a workload's SPIFFE ID belongs to, or undefined for other text. */
export const trustDomainOf = (subject: unknown): string | undefined =>
  typeof subject === 'string' && subject.length <= 2048 ? SPIFFE_ID.exec(subject)?.[1] : undefined

/**
 * By which configured issuer a token may be judged: its `iss`, or, only when it has none, the trust domain
 * of its `sub`. What comes back is looked up exactly and never fetched from as it is.
 */
export const issuerOf = (claims: JsonObject): string | undefined => {
  const { iss, sub } = claims
  if (typeof iss === 'string') return iss
  return Object.hasOwn(claims, 'iss') ? undefined : trustDomainOf(sub)
}
