// Reads a token for a person who wonders what it is good for: every check on its own, none skipped because
// another failed. It uses nothing up, binds nothing, and accepts only what authentication itself accepts.

import { compactVerify } from 'jose'
import type { Clock } from '../core/ports.js'
import type { ClaimReading, TokenCheck, TokenReading } from '../core/token-reading.js'
import { visible, visibleShort } from '../core/visible.js'
import type { Issuer } from '../policy/policy.js'
import { claimAt, topClaim } from './claim-path.js'
import { OF_THE_TOKEN, principalOf, requireObjection } from './claims.js'
import { fetchDocument, type DocumentFetch } from './document.js'
import { IssuerKeys, KeysUnavailableError } from './issuer-keys.js'
import { issuersByUrl } from './issuers.js'
import { formObjection, objectionsTo, proveToken, whyNot } from './proof.js'
import { issuerOf } from './spiffe.js'
import type { JsonObject } from './strict-json.js'
import { readToken, type UnverifiedToken } from './token.js'

/** What a reader is made of. */
export interface TokenReaderParts {
  readonly clock: Clock
  /** How documents are fetched; over guarded sockets unless a test says otherwise. */
  readonly fetch?: DocumentFetch | undefined
}

/** A value of a claim is shown no longer than this, in characters. */
const shownLengthMax = 160

/**
 * Reads a token under the issuers of a policy. Fetches the keys of its issuer, if that is one of them.
 *
 * @throws WarderError `POLICY_INVALID` when the issuers can't be worked with
 */
export async function readTokenClaims(
  token: string,
  issuers: readonly Issuer[],
  parts: TokenReaderParts,
): Promise<TokenReading> {
  const byUrl = issuersByUrl(issuers)
  const read = readToken(token)
  if (!read.ok) {
    const text = read.refusal.details.why ?? 'it is not a token'
    return { verdict: 'refused', checks: [{ what: 'form', result: 'no', text }], claims: [] }
  }
  const issuer = issuerOf(read.value.claims)
  const profile = issuer === undefined ? undefined : byUrl.get(issuer)
  const form: TokenCheck = { what: 'form', result: 'yes', text: formText(read.value) }
  if (profile === undefined) {
    const text = unknownIssuerText(issuer, [...byUrl.keys()])
    const claims = claimReadings(read.value.claims, undefined)
    return { verdict: 'refused', checks: [form, { what: 'issuer', result: 'no', text }], claims }
  }
  const names = new Map([...byUrl].map(([url, { name }]) => [url, name]))
  return readKnown(token, read.value, profile, names, form, parts)
}

async function readKnown(
  token: string,
  unverified: UnverifiedToken,
  profile: Issuer,
  names: ReadonlyMap<string, string>,
  form: TokenCheck,
  { clock, fetch = fetchDocument }: TokenReaderParts,
): Promise<TokenReading> {
  const nowMs = clock.now()
  const troubles: string[] = []
  const onTrouble = (_: string, trouble: Error) => troubles.push(trouble.message)
  const keys = new IssuerKeys(profile, { clock, fetch, onTrouble })
  const signature = await signatureCheck(token, unverified, profile, keys, troubles)
  // `require` is shown claim by claim; here it is about the rest.
  const made = principalOf({ ...profile, require: {} }, unverified.claims, names)
  const checks = [
    form,
    ...claimChecks(unverified, profile, nowMs),
    signature,
    ...requireChecks(unverified.claims, profile),
    checkOf('groups and names', made.ok ? undefined : (made.refusal.details.why ?? ''), 'readable'),
    { what: 'replay', result: 'note', text: REPLAY[profile.replay] } as const,
  ]
  const claims = claimReadings(unverified.claims, profile)
  const principal = made.ok ? made.value : undefined
  if (checks.some(({ result }) => result === 'no'))
    return { verdict: 'refused', checks, claims, principal }
  if (signature.result === 'unknown') return { verdict: 'unproven', checks, claims, principal }
  // The last word has what gateways go by, so that this page never promises what they refuse.
  const proven = await proveToken(token, unverified, profile, keys, nowMs)
  if (proven.ok) return { verdict: 'accepted', checks, claims, principal }
  const whole = checkOf('verification', proven.refusal.details.why ?? '', '')
  return { verdict: 'refused', checks: [...checks, whole], claims, principal }
}

const REPLAY = {
  once: 'it opens one request only; whether it was used already is not looked up here',
  bind: 'it is good for the address that showed it first; whose it is now is not looked up here',
  none: 'it is good for whoever holds it, until it expires',
} as const

const checkOf = (what: string, objection: string | undefined, good: string): TokenCheck => ({
  what,
  result: objection === undefined ? 'yes' : 'no',
  text: objection ?? good,
})

const formText = ({ alg, kid, type }: UnverifiedToken): string =>
  [
    `a signed ${type === undefined ? 'token without a type' : visibleShort(type, 32)}`,
    visibleShort(alg, 32),
    kid === undefined ? 'no key id' : `key ${visibleShort(kid, 64)}`,
  ].join(', ')

function unknownIssuerText(issuer: string | undefined, known: readonly string[]): string {
  if (issuer === undefined) return 'it names no issuer'
  const almost = known.find((url) => url.replace(/\/$/, '') === issuer.replace(/\/$/, ''))
  const hint =
    almost === undefined
      ? `the policy knows ${known.length === 0 ? 'none' : known.join(', ')}`
      : `the policy has ${almost}, and the two must be the same to the letter`
  return `${visibleShort(issuer, shownLengthMax)} is not configured; ${hint}`
}

async function signatureCheck(
  token: string,
  unverified: UnverifiedToken,
  profile: Issuer,
  keys: IssuerKeys,
  troubles: readonly string[],
): Promise<TokenCheck> {
  const what = 'signature'
  const form = formObjection(unverified, profile)
  if (form !== undefined) return { what, result: 'no', text: form }
  try {
    await compactVerify(token, (header) => keys.find(header), {
      algorithms: [...profile.algorithms],
    })
    return { what, result: 'yes', text: `made with a key of ${profile.name}` }
  } catch (error) {
    if (error instanceof KeysUnavailableError) {
      const why = visible(troubles.at(-1) ?? 'unknown trouble')
      return { what, result: 'unknown', text: `not checked, the keys could not be had: ${why}` }
    }
    return { what, result: 'no', text: whyNot(error, {}, profile, 0) }
  }
}

function claimChecks(unverified: UnverifiedToken, profile: Issuer, nowMs: number): TokenCheck[] {
  const { issuer, audience, times, presence } = objectionsTo(unverified, profile, nowMs)
  const { exp } = unverified.claims
  const left = typeof exp === 'number' ? Math.floor(exp - nowMs / 1000) : 0
  return [
    checkOf('issuer', issuer, `${profile.name} (${profile.issuer})`),
    checkOf('audience', audience, `made out to ${profile.audience}`),
    checkOf('times', times, `good for another ${left} s`),
    ...(presence === undefined ? [] : [checkOf('claims', presence, '')]),
  ]
}

const requireChecks = (claims: JsonObject, profile: Issuer): TokenCheck[] =>
  Object.entries(profile.require).map(([path, wanted]) => {
    const objection = requireObjection(path, wanted, claims)
    const found = shown(claimAt(claims, path))
    const text = objection === undefined ? found : `${found}, must be ${wanted.join(' or ')}`
    return { what: `required ${path}`, result: objection === undefined ? 'yes' : 'no', text }
  })

/** What a claim holds, or that it is missing. */
function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  return visibleShort(typeof value === 'string' ? value : JSON.stringify(value), shownLengthMax)
}

const STANDARD: Readonly<Record<string, string>> = {
  iss: 'issuer',
  sub: 'subject',
  aud: 'audience',
  exp: 'expiry',
  nbf: 'not before',
  iat: 'issued at',
  act: 'actors',
  cnf: 'bound to a key',
}

function claimReadings(claims: JsonObject, profile: Issuer | undefined): ClaimReading[] {
  return Object.entries(claims).map(([claim, value]) => ({
    claim: visibleShort(claim, 64),
    value: shown(value),
    uses: usesOf(claim, value, profile),
  }))
}

function usesOf(claim: string, value: unknown, profile: Issuer | undefined): string[] {
  const standard = STANDARD[claim]
  const uses = standard === undefined ? [] : [standard]
  if (profile === undefined) return uses
  const isFrom = (path: string) => topClaim(path) === claim
  if (claim === 'jti' && profile.replay !== 'none') uses.push('id, against replay')
  if (Object.keys(profile.require).some(isFrom)) uses.push('required')
  if (profile.groups !== undefined && isFrom(profile.groups)) uses.push('groups')
  if (profile.parties.some(isFrom)) uses.push('people behind it')
  for (const [other, paths] of Object.entries(profile.aliases))
    if (paths.some(isFrom)) uses.push(`name at ${other}`)
  for (const [name, path] of Object.entries(profile.attributes))
    if (isFrom(path)) uses.push(`attribute ${name}`)
  const isOwn = standard === undefined && !OF_THE_TOKEN.has(claim) && typeof value !== 'object'
  if (isOwn && !Object.hasOwn(profile.attributes, claim)) uses.push('attribute')
  return uses
}
