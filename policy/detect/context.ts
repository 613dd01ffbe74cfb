// The words before a value that say what it is: `"api_key": "`, `password=`, `SSN: `. Pure, no allocation.

import { WORD, kindOf } from './characters.js'

const DASH = 0x2d
const UNDERSCORE = 0x5f

/** True when this text, of small letters and `-`, stands there in any case, all before `end`. */
export function spells(bytes: Uint8Array, at: number, end: number, text: string): boolean {
  if (at < 0 || at + text.length > end) return false
  for (let offset = 0; offset < text.length; offset++) {
    const code = bytes[at + offset] ?? 0
    const small = code >= 0x41 && code <= 0x5a ? code | 0x20 : code
    if (small !== text.charCodeAt(offset)) return false
  }
  return true
}

const SPACE = 0x20
const BACKSLASH = 0x5c
const COLON = 0x3a
const EQUALS = 0x3d
const GREATER = 0x3e
const SPACES_MAX = 3
/** Longest name that is looked at. */
const NAME_BYTES_MAX = 40

const isQuote = (code: number | undefined): boolean =>
  code === 0x22 || code === 0x27 || code === 0x60

/** Where the name ends that a value beginning here is assigned to; -1 for none. */
export function nameEnd(bytes: Uint8Array, low: number, start: number): number {
  let at = quoteBefore(bytes, low, start)
  at = spacesBefore(bytes, low, at)
  const first = at
  while (at > low && first - at < 2) {
    const code = bytes[at - 1]
    if (code !== COLON && code !== EQUALS && code !== GREATER) break
    at--
  }
  // `>` alone is a comparison or the end of a tag.
  if (at === first || (first - at === 1 && bytes[at] === GREATER)) return -1
  at = spacesBefore(bytes, low, at)
  at = quoteBefore(bytes, low, at)
  return at > low && (kindOf(bytes, at - 1) & WORD) !== 0 ? at : -1
}

/** Before a quotation mark, which may be escaped as in JSON within JSON. */
function quoteBefore(bytes: Uint8Array, low: number, start: number): number {
  if (start <= low || !isQuote(bytes[start - 1])) return start
  return start - 1 > low && bytes[start - 2] === BACKSLASH ? start - 2 : start - 1
}

function spacesBefore(bytes: Uint8Array, low: number, start: number): number {
  let at = start
  while (at > low && start - at < SPACES_MAX && bytes[at - 1] === SPACE) at--
  return at
}

/** Names that end with one of these hold secrets. */
const SECRETS = [
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'token',
  'credential',
  'credentials',
]
/** `key` alone names too much; these do not. */
const KEYS = [
  ...['api', 'access', 'secret', 'private', 'auth', 'encryption', 'signing', 'master', 'client'],
  ...['service', 'account', 'shared', 'license', 'storage', 'app', 'admin', 'webhook'],
]

/** True when the name that ends here is that of a secret. */
export function namesSecret(bytes: Uint8Array, low: number, end: number): boolean {
  if (SECRETS.some((word) => endsWith(bytes, low, end, word))) return true
  if (!endsWith(bytes, low, end, 'key')) return false
  const before = end - 3
  const code = bytes[before - 1]
  const joint = code === DASH || code === UNDERSCORE ? before - 1 : before
  return KEYS.some((word) => endsWith(bytes, low, joint, word))
}

const endsWith = (bytes: Uint8Array, low: number, end: number, word: string): boolean =>
  end - word.length >= low && spells(bytes, end - word.length, end, word)

/** True when this word, in any case, is part of the name that ends here. */
export function nameHolds(bytes: Uint8Array, low: number, end: number, word: string): boolean {
  const first = Math.max(low, end - NAME_BYTES_MAX)
  for (let at = end - word.length; at >= first; at--) {
    if ((kindOf(bytes, at) & WORD) === 0 && bytes[at] !== DASH) return false
    if (spells(bytes, at, end, word)) return true
  }
  return false
}
