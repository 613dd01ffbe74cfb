// Claims of a verified token → Principal. Pure. What is not plainly a name, a list of names or a
// scalar is refused, never guessed at.

import { granted, type Outcome } from '../core/errors.js'
import { principalName, type Actor, type Principal } from '../core/principal.js'
import { visible, visibleShort } from '../core/visible.js'
import {
  actorDepthMax,
  attributeBytesMax,
  attributeCountMax,
  groupCountMax,
  nameBytesMax,
  nameCountMax,
} from './limits.js'
import type { Issuer } from '../policy/policy.js'
import { claimAt } from './claim-path.js'
import { isJsonObject, type JsonObject } from './strict-json.js'
import { refuseToken } from './token.js'

/** Claims that tell one token from the next, not one caller from another. */
export const OF_THE_TOKEN: ReadonlySet<string> = new Set(
  'jti iat exp nbf auth_time nonce at_hash c_hash s_hash sid uti aio rh'.split(' '),
)

/** Markers by which Entra says that it left the groups out (more than 200 of them). */
const GROUPS_LEFT_OUT = ['_claim_names', '_claim_sources', 'hasgroups']

class ClaimError extends Error {}

/**
 * Builds the principal from claims whose signature, issuer, audience and times are already proven.
 *
 * @param issuerNames the policy's name of each configured issuer URL, for `act` chains.
 */
export function principalOf(
  profile: Issuer,
  claims: JsonObject,
  issuerNames: ReadonlyMap<string, string>,
): Outcome<Principal> {
  try {
    refuseUnproven(claims)
    requireClaims(profile, claims)
    const issuer = profile.name
    const subject = nameIn(claims['sub'], 'sub')
    return granted({
      issuer,
      subject,
      groups: groupsIn(profile, claims),
      attributes: attributesIn(profile, claims),
      actors: actorsIn(profile, claims, issuerNames),
      parties: distinct(profile.parties.flatMap((claim) => namesIn(issuer, claim, claims))),
      aliases: distinct([principalName({ issuer, subject }), ...aliasesIn(profile, claims)]),
      tokenExpiresAt: Math.floor(numberIn(claims, 'exp') * 1000),
    })
  } catch (error) {
    if (error instanceof ClaimError) return refuseToken(error.message)
    throw error
  }
}

function refuseUnproven(claims: JsonObject): void {
  if (claims['cnf'] !== undefined)
    throw new ClaimError(
      'it is bound to a key (cnf), and possession of that key is not checked here',
    )
  if (GROUPS_LEFT_OUT.some((claim) => claims[claim] !== undefined))
    throw new ClaimError(
      'its issuer left the groups out because there are too many: have it list fewer, or use roles',
    )
}

/** A required claim must be there as a scalar and equal one of the wanted values. */
function requireClaims(profile: Issuer, claims: JsonObject): void {
  for (const [claim, wanted] of Object.entries(profile.require)) {
    const why = requireObjection(claim, wanted, claims)
    if (why !== undefined) throw new ClaimError(why)
  }
}

/** Why a required claim does not do, or undefined. */
export function requireObjection(
  path: string,
  wanted: readonly string[],
  claims: JsonObject,
): string | undefined {
  const value = scalar(claimAt(claims, path))
  if (value !== undefined && wanted.includes(value)) return undefined
  return `its claim ${visibleShort(path, 64)} is not one of those required`
}

const scalar = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined

/** A name that people will read and lists will hold: text, short, with nothing unseen in it. */
function nameIn(value: unknown, claim: string): string {
  if (typeof value !== 'string' || value === '')
    throw new ClaimError(`its claim ${visibleShort(claim, 64)} is not a text`)
  if (Buffer.byteLength(value) > nameBytesMax)
    throw new ClaimError(`its claim ${visibleShort(claim, 64)} is too long`)
  if (visible(value) !== value)
    throw new ClaimError(`its claim ${visibleShort(claim, 64)} holds characters that can't be seen`)
  return value
}

/** Names in a claim that may be absent, one scalar, or a list of texts. */
function namesIn(issuer: string, claim: string, claims: JsonObject): string[] {
  const value = claimAt(claims, claim)
  if (value === undefined) return []
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (values.length > nameCountMax) throw new ClaimError(`its claim ${claim} has too many values`)
  return values.map((one) => {
    const text = typeof one === 'number' ? String(one) : one
    return principalName({ issuer, subject: nameIn(text, claim) })
  })
}

function groupsIn({ groups: claim, groupsCutAt }: Issuer, claims: JsonObject): string[] {
  const value = claim === undefined ? undefined : claimAt(claims, claim)
  if (claim === undefined || value === undefined) return []
  if (!Array.isArray(value)) throw new ClaimError(`its claim ${claim} is not a list`)
  if (value.length > groupCountMax) throw new ClaimError(`its claim ${claim} has too many groups`)
  // A cut list looks like a whole one: what is missing in it can't be told from what never was there.
  if (value.length >= groupsCutAt)
    throw new ClaimError(
      `its claim ${claim} lists ${value.length} groups, and may have been cut off there (groupsCutAt)`,
    )
  return distinct(value.map((group) => nameIn(group, claim)))
}

function attributesIn(profile: Issuer, claims: JsonObject): Record<string, string> {
  const attributes = new Map<string, string>()
  const add = (name: string, value: unknown): void => {
    const text = scalar(value)
    if (text === undefined) return
    if (Buffer.byteLength(text) > attributeBytesMax || name.length > nameBytesMax)
      throw new ClaimError(`its claim ${visibleShort(name, 64)} is too long`)
    attributes.set(name, text)
  }
  for (const [claim, value] of Object.entries(claims)) {
    // A name that the policy gives to another claim is never what the token puts there.
    if (!OF_THE_TOKEN.has(claim) && !Object.hasOwn(profile.attributes, claim)) add(claim, value)
  }
  for (const [name, path] of Object.entries(profile.attributes)) add(name, claimAt(claims, path))
  if (attributes.size > attributeCountMax) throw new ClaimError('it carries too many claims')
  return Object.fromEntries(attributes)
}

function aliasesIn(profile: Issuer, claims: JsonObject): string[] {
  return Object.entries(profile.aliases).flatMap(([issuer, wanted]) =>
    wanted.flatMap((claim) => namesIn(issuer, claim, claims)),
  )
}

/** RFC 8693 §4.1: the outermost `act` is the current actor, those inside it came before. */
function actorsIn(
  profile: Issuer,
  claims: JsonObject,
  issuerNames: ReadonlyMap<string, string>,
): Actor[] {
  const actors: Actor[] = []
  for (let act = claims['act']; act !== undefined;) {
    if (!isJsonObject(act)) throw new ClaimError('its act claim is not an object')
    if (actors.length === actorDepthMax)
      throw new ClaimError(`its act chain is longer than ${actorDepthMax}`)
    actors.push({
      issuer: actorIssuer(profile, act['iss'], issuerNames),
      subject: nameIn(act['sub'], 'act.sub'),
    })
    act = act['act']
  }
  return actors
}

function actorIssuer(
  profile: Issuer,
  url: unknown,
  issuerNames: ReadonlyMap<string, string>,
): string {
  if (url === undefined) return profile.name
  const name = typeof url === 'string' ? issuerNames.get(url) : undefined
  if (name === undefined)
    throw new ClaimError('its act chain names an issuer that is not configured')
  return name
}

function numberIn(claims: JsonObject, claim: string): number {
  const value = claims[claim]
  if (typeof value !== 'number') throw new ClaimError(`its claim ${claim} is not a number`)
  return value
}

const distinct = (values: readonly string[]): string[] => [...new Set(values)]
