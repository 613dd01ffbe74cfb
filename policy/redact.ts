// Replaces a value, or what was found in one, by what a mask lets be seen of it: text in, text out.
// Fits nothing into a column's type, and keeps no key. Pure.

import type { MaskMethod } from './masking.js'

/** How to replace. */
export interface RedactOptions {
  /** The text of `fixed`. */
  readonly fixed?: string | undefined
  /** HMAC-SHA-256 under the key of the deployment, in hexadecimal; the key stays with whoever calls. */
  readonly keyedDigest: (bytes: Uint8Array) => string
}

/** What `redact` says, and every method where it has nothing better. */
export const REDACTED = '[redacted]'
const HASH_PREFIX = 'h:'
/** 64 bits: equal values are told from others in any table, and nothing can be computed back. */
const HASH_CHARACTERS = 16
const STARS = '****'
const SHOWN_CHARACTERS = 4
/** Of a shorter value the last four characters would be half of it. */
const HIDDEN_CHARACTERS_MAX = 8

/**
 * The bytes that take the place of a text in UTF-8. `last4` shows nothing of up to eight characters, and
 * never the length; `null` gives no bytes: who can write NULL does that instead.
 */
export function redact(method: MaskMethod, value: Uint8Array, options: RedactOptions): Uint8Array {
  switch (method) {
    case 'redact':
      return utf8(REDACTED)
    case 'last4':
      return lastFour(value)
    case 'hash':
      return utf8(HASH_PREFIX + options.keyedDigest(value).slice(0, HASH_CHARACTERS))
    case 'fixed':
      return utf8(options.fixed ?? REDACTED)
    case 'null':
      return new Uint8Array(0)
  }
}

function lastFour(value: Uint8Array): Uint8Array {
  const stars = utf8(STARS)
  let characterCount = 0
  let shownFrom = 0
  for (let at = value.length - 1; at >= 0; at--) {
    // Bytes that go on a character (RFC 3629 §3).
    if (((value[at] ?? 0) & 0xc0) === 0x80) continue
    characterCount++
    if (characterCount === SHOWN_CHARACTERS) shownFrom = at
    if (characterCount > HIDDEN_CHARACTERS_MAX) break
  }
  if (characterCount <= HIDDEN_CHARACTERS_MAX) return stars
  const shown = value.subarray(shownFrom)
  const replaced = new Uint8Array(stars.length + shown.length)
  replaced.set(stars)
  replaced.set(shown, stars.length)
  return replaced
}

/** A text in UTF-8 (RFC 3629 §3); half a surrogate pair becomes U+FFFD. */
function utf8(text: string): Uint8Array {
  const bytes: number[] = []
  for (const character of text) {
    let code = character.codePointAt(0) ?? 0
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd
    if (code < 0x80) bytes.push(code)
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), continuation(code))
    else if (code < 0x10000)
      bytes.push(0xe0 | (code >> 12), continuation(code >> 6), continuation(code))
    else
      bytes.push(
        0xf0 | (code >> 18),
        continuation(code >> 12),
        continuation(code >> 6),
        continuation(code),
      )
  }
  return Uint8Array.from(bytes)
}

const continuation = (code: number): number => 0x80 | (code & 0x3f)
