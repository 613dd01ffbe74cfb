// The issuers whose tokens are taken, checked once more before anything is verified by them: a mistake
// here would let strangers in. Pure.

import { WarderError } from '../core/errors.js'
import type { Issuer } from '../policy/policy.js'
import { urlObjection } from './document.js'
import { isTrustDomain } from './spiffe.js'

/** Algorithms with a key pair; anything else can't be verified without being able to sign. */
const ASYMMETRIC = new Set(
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' '),
)

/**
 * The issuers by their URL.
 *
 * @throws WarderError `POLICY_INVALID` when two issuers share a URL or a name, when a URL can't be fetched
 * safely, or when an algorithm is not an asymmetric one.
 */
export function issuersByUrl(profiles: readonly Issuer[]): ReadonlyMap<string, Issuer> {
  const byIssuer = new Map<string, Issuer>()
  const names = new Set<string>()
  for (const profile of profiles) {
    const why = objection(profile, byIssuer, names)
    if (why !== undefined)
      throw new WarderError('POLICY_INVALID', { why: `issuer ${profile.name}: ${why}` })
    byIssuer.set(profile.issuer, profile)
    names.add(profile.name)
  }
  return byIssuer
}

function objection(
  profile: Issuer,
  byIssuer: ReadonlyMap<string, Issuer>,
  names: ReadonlySet<string>,
): string | undefined {
  if (byIssuer.has(profile.issuer)) return 'another issuer has the same URL'
  if (names.has(profile.name)) return 'another issuer has the same name'
  if (profile.audience === '') return 'it has no audience'
  const odd = profile.algorithms.find((algorithm) => !ASYMMETRIC.has(algorithm))
  if (odd !== undefined) return `the algorithm ${odd} is not an asymmetric signature`
  if (profile.algorithms.length === 0) return 'it allows no algorithm'
  if (isTrustDomain(profile.issuer) && profile.jwksUri === undefined)
    return 'the bundle of its trust domain (jwksUri) is not named'
  for (const url of [profile.issuer, profile.jwksUri]) {
    if (url === undefined || isTrustDomain(url)) continue
    if (!URL.canParse(url)) return `${url} is not a URL`
    const why = urlObjection(new URL(url))
    if (why !== undefined) return `${url}: ${why}`
  }
  return undefined
}
