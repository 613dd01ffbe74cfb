// The outside of a token: size, form, header. Everything here runs before any key is looked up, on
// bytes that anybody can send. It never verifies a signature and never fetches.

import { granted, refused, type Outcome } from '../core/errors.js'
import { tokenBytesMax } from './limits.js'
import { parseStrictJson, StrictJsonError, type JsonObject } from './strict-json.js'

/** A token whose form is right; nothing in it is proven. */
export interface UnverifiedToken {
  readonly alg: string
  /** In lower case; absent when the token names no type. */
  readonly type: string | undefined
  readonly kid: string | undefined
  readonly claims: JsonObject
}

/** Refuses a token, in words for whoever presented it. */
export const refuseToken = (why: string): Outcome<never> => refused('UNAUTHENTICATED', { why })

/** Types of token that prove a caller (RFC 7519 §5.1, RFC 9068 §2.1); others are made for something else. */
const TYPES = new Set(['jwt', 'at+jwt', 'application/at+jwt', 'jose'])

/**
 * Takes a compact JWS apart. Refuses with `UNAUTHENTICATED` what is too long, is not three canonical
 * base64url parts, or has a header that asks for more than a signature (`crit`, `zip`, nesting).
 * `jku`, `x5u`, `jwk` and `x5c` are never read.
 */
export function readToken(token: string): Outcome<UnverifiedToken> {
  if (token.length > tokenBytesMax) return refuseToken('it is longer than 16 KiB')
  const parts = token.split('.')
  if (parts.length === 5) return refuseToken('it is encrypted, only signed tokens are taken')
  const [header, payload, signature] = parts
  if (header === undefined || payload === undefined || signature === undefined || parts.length > 3)
    return refuseToken('it is not a signed JWT')
  if (signature === '') return refuseToken('it is not signed')
  try {
    decode(signature, 'signature')
    const fields = parseStrictJson(text(header, 'header'))
    const why = objection(fields)
    if (why !== undefined) return refuseToken(why)
    const claims = parseStrictJson(text(payload, 'content'))
    const { alg, kid, typ } = fields
    if (typeof alg !== 'string') return refuseToken('its header names no algorithm')
    return granted({
      alg,
      type: typeof typ === 'string' ? typ.toLowerCase() : undefined,
      kid: typeof kid === 'string' ? kid : undefined,
      claims,
    })
  } catch (error) {
    if (error instanceof StrictJsonError) return refuseToken(`a part of it ${error.message}`)
    throw error
  }
}

function objection(header: JsonObject): string | undefined {
  const { alg, kid, typ } = header
  if (typeof alg !== 'string') return 'its header names no algorithm'
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256))
    return 'its key id is not a short text'
  if (typ !== undefined && (typeof typ !== 'string' || !TYPES.has(typ.toLowerCase())))
    return 'its type is not that of an access or identity token'
  if (header['crit'] !== undefined) return 'its header demands extensions (crit)'
  if (header['b64'] !== undefined) return 'its header demands an unencoded payload'
  if (header['zip'] !== undefined) return 'it is compressed'
  if (header['cty'] !== undefined) return 'it wraps another token'
  return undefined
}

/** Only the canonical spelling is taken, so that one token has one digest. */
function decode(part: string, name: string): Buffer {
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part)
    throw new StrictJsonError(`(the ${name}) is not base64url`)
  return bytes
}

function text(part: string, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(decode(part, name))
  } catch (error) {
    if (error instanceof StrictJsonError) throw error
    throw new StrictJsonError(`(the ${name}) is not UTF-8`)
  }
}
