// One digest per principal: what tells this caller from any other. No I/O beyond hashing.

import { createHash } from 'node:crypto'
import { principalName, type Principal } from '../core/principal.js'

type Identified = Pick<
  Principal,
  'issuer' | 'subject' | 'attributes' | 'groups' | 'actors' | 'parties'
>

/** By UTF-16 code unit, so that the order depends on no locale. */
const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * Hex SHA-256 over the canonical principal: issuer, subject, attributes, groups, actors, parties.
 * Two jobs of one subject with other attributes (another run, another branch) have other keys. The
 * order of attributes, groups and parties does not matter, that of actors does.
 */
export function principalKey(principal: Identified): string {
  // A JSON array of arrays of text: no two principals share it, because JSON quotes every field.
  const canonical = JSON.stringify([
    'warder-principal-v1',
    principal.issuer,
    principal.subject,
    Object.entries(principal.attributes).sort(([a], [b]) => byCode(a, b)),
    [...principal.groups].sort(byCode),
    principal.actors.map(principalName),
    [...principal.parties].sort(byCode),
  ])
  return createHash('sha256').update(canonical).digest('hex')
}
