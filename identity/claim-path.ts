// Finds a claim by the path that the policy gives for it. Pure; it never looks into lists.

import { isJsonObject, type JsonObject } from './strict-json.js'

/**
 * The value at a path, or undefined. A path that begins with a slash is a JSON Pointer (RFC 6901) into
 * nested claims; any other is the name of a claim at the top, dots and slashes included.
 */
export function claimAt(claims: JsonObject, path: string): unknown {
  let at: unknown = claims
  for (const name of namesOf(path)) {
    if (!isJsonObject(at) || !Object.hasOwn(at, name)) return undefined
    at = at[name]
  }
  return at
}

/** The name of the claim at the top that a path starts from. */
export const topClaim = (path: string): string => namesOf(path)[0] ?? ''

const namesOf = (path: string): readonly string[] =>
  path.startsWith('/')
    ? path
        .slice(1)
        .split('/')
        .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    : [path]
