// Tokens that begin with letters of their own: cloud and forge keys, JSON Web Tokens, private keys; and
// values that are assigned to the name of a secret. Pure.

import { DIGIT, LETTER, RUN, WORD, ascii, kindOf, markTokenStart, standsAt } from './characters.js'
import { passesCrc32 } from './checksums.js'
import { nameEnd, nameHolds, namesSecret } from './context.js'
import { DETECTOR_NAMES } from './names.js'
import type { DetectorName } from './names.js'
import { labelEnd } from './window.js'
import type { Window } from './window.js'

const API_KEY = DETECTOR_NAMES.indexOf('api-key')
const AWS_KEY = DETECTOR_NAMES.indexOf('aws-key')
const PRIVATE_KEY = DETECTOR_NAMES.indexOf('private-key')

const DASH = 0x2d
const DOT = 0x2e
/** Longest body that is looked at; what follows only extends it. */
const BODY_BYTES_MAX = 256
/** All tokens are found by their length: the scan looks at runs of so many characters. */
export const RUN_BYTES_MIN = 16

interface Token {
  readonly detector: number
  readonly prefix: Uint8Array
  /** Characters after the prefix: words only, or with dashes. */
  readonly extension: 'word' | 'dashed'
  readonly bodyMin: number
  /** Exactly `bodyMin`, in capitals and digits, or with a checksum. */
  readonly form?: 'capitals' | 'checksum' | 'mixed' | 'exact'
}

const token = (
  name: DetectorName,
  prefix: string,
  extension: 'word' | 'dashed',
  bodyMin: number,
  form?: 'capitals' | 'checksum' | 'mixed' | 'exact',
): Token => ({
  detector: DETECTOR_NAMES.indexOf(name),
  prefix: ascii(prefix),
  extension,
  bodyMin,
  ...(form && { form }),
})

const GITHUB = ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_']
const SLACK = ['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxe-', 'xapp-']
const STRIPE = ['sk_live_', 'rk_live_', 'sk_test_', 'rk_test_']

const TOKENS: readonly Token[] = [
  ...['AKIA', 'ASIA'].map((prefix) => token('aws-key', prefix, 'word', 16, 'capitals')),
  ...GITHUB.map((prefix) => token('github-token', prefix, 'word', 36, 'checksum')),
  // The same without the checksum looks like a key all the same.
  ...GITHUB.map((prefix) => token('api-key', prefix, 'word', 36)),
  token('github-token', 'github_pat_', 'word', 82, 'mixed'),
  ...SLACK.map((prefix) => token('slack-token', prefix, 'dashed', 18, 'mixed')),
  ...STRIPE.map((prefix) => token('api-key', prefix, 'word', 16)),
  token('api-key', 'whsec_', 'word', 24),
  token('api-key', 'sk-', 'dashed', 20, 'mixed'),
  token('api-key', 'AIza', 'dashed', 35, 'exact'),
  token('api-key', 'glpat-', 'dashed', 20),
  token('api-key', 'npm_', 'word', 36, 'checksum'),
  token('api-key', 'pypi-', 'dashed', 60, 'mixed'),
  token('api-key', 'hf_', 'word', 34),
  token('api-key', 'dop_v1_', 'word', 64),
  token('api-key', 'shpat_', 'word', 32),
  token('api-key', 'xai-', 'dashed', 40, 'mixed'),
  token('api-key', 'gsk_', 'word', 40),
]

const byFirst: Token[][] = []
for (const one of TOKENS) (byFirst[one.prefix[0] ?? 0] ??= []).push(one)
const NONE: readonly Token[] = []

const SENDGRID = ascii('SG.')
const JWT_START = ascii('eyJ')
const KEY_START = ascii('-----BEGIN ')
const PRIVATE = ascii('PRIVATE KEY')

for (const one of TOKENS) markTokenStart(one.prefix[0] ?? 0)
for (const letter of ascii('SeB')) markTokenStart(letter)

/** Looks at the word that begins here, and not before. */
export function findToken(window: Window, start: number): void {
  const { bytes, high } = window
  const first = bytes[start] ?? 0
  for (const one of byFirst[first] ?? NONE)
    if (standsAt(bytes, start, high, one.prefix) && fits(window, one, start))
      window.reportOpen(one.detector, start, start + one.prefix.length, one.extension)
  if (first === 0x65 && standsAt(bytes, start, high, JWT_START)) findJwt(window, start)
  else if (first === 0x53 && standsAt(bytes, start, high, SENDGRID)) findSendgrid(window, start)
  else if (first === 0x42 && standsAt(bytes, start - 5, high, KEY_START)) findKey(window, start)
}

function fits(window: Window, one: Token, start: number): boolean {
  const { bytes, high } = window
  const body = start + one.prefix.length
  const last = Math.min(high, body + BODY_BYTES_MAX)
  let kinds = 0
  let at = body
  for (; at < last; at++) {
    const kind = kindOf(bytes, at)
    if ((kind & WORD) === 0 && (one.extension !== 'dashed' || bytes[at] !== DASH)) break
    kinds |= kind
  }
  if (at - body < one.bodyMin) return false
  // What follows a value in binary framing may look like one character more.
  if (one.form === undefined || window.isFramed) return true
  if (one.form === 'mixed') return (kinds & DIGIT) !== 0 && (kinds & LETTER) !== 0
  if (at - body !== one.bodyMin) return false
  if (one.form === 'checksum') return passesCrc32(bytes, body, at)
  return one.form === 'exact' || areCapitals(bytes, body, at)
}

function areCapitals(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = bytes[at] ?? 0
    if (code > 0x5a || (kindOf(bytes, at) & (DIGIT | LETTER)) === 0) return false
  }
  return true
}

const JWT = DETECTOR_NAMES.indexOf('jwt')
const JWT_HEADER_BYTES = { min: 12, max: 900 }

/**
 * RFC 7519 in compact form: `{"` in base64url, a dot, and either JSON again or, for an encrypted one, another
 * dot. A signature may be missing.
 */
function findJwt(window: Window, start: number): void {
  const { bytes, high } = window
  if (window.before(start) === DASH) return
  const dot = partEnd(bytes, start, high)
  if (bytes[dot] !== DOT || dot >= high || dot - start < JWT_HEADER_BYTES.min) return
  const isSigned = standsAt(bytes, dot + 1, high, JWT_START)
  const second = isSigned ? dot : partEnd(bytes, dot + 1, high)
  if (second >= high || bytes[second] !== DOT) return
  const next = kindOf(bytes, second + 1)
  if (second + 1 < high && (next & WORD) !== 0) window.reportOpen(JWT, start, start, 'dotted')
}

/** Where base64url ends, within what a part may have. */
function partEnd(bytes: Uint8Array, start: number, high: number): number {
  const last = Math.min(high, start + JWT_HEADER_BYTES.max)
  let at = start
  while (at < last && ((kindOf(bytes, at) & WORD) !== 0 || bytes[at] === DASH)) at++
  return at
}

/** `SG.`, 22 characters, a dot, 43 characters. */
function findSendgrid(window: Window, start: number): void {
  const { bytes, high } = window
  const dot = partEnd(bytes, start + 3, high)
  if (dot - start - 3 !== 22 || bytes[dot] !== DOT) return
  if (partEnd(bytes, dot + 1, high) - dot - 1 >= 43)
    window.reportOpen(API_KEY, start, dot + 1, 'dashed')
}

/** From `-----BEGIN … PRIVATE KEY` (RFC 7468 §10, RFC 1421, OpenPGP) to its end, or to the end of the value. */
function findKey(window: Window, start: number): void {
  const { bytes, high } = window
  const label = start + KEY_START.length - 5
  const end = labelEnd(bytes, label, high)
  for (let at = label; at < end; at++) {
    if (!standsAt(bytes, at, end, PRIVATE)) continue
    window.reportOpen(PRIVATE_KEY, start - 5, end, 'key')
    return
  }
}

/** What is looked at of a value that is assigned to a name. */
const VALUE_BYTES_MAX = 64
const DISTINCT_MIN = 8
const AWS_SECRET_BYTES = 40
const seen = new Uint32Array(256)
let seenBy = 0

/** Looks at the run of `RUN_BYTES_MIN` or more characters that begins here: is it assigned to the name of a secret? */
export function findAssigned(window: Window, start: number): void {
  const { bytes, low } = window
  const name = nameEnd(bytes, low, start)
  if (name < 0) return
  const isSecret = namesSecret(bytes, low, name)
  if (!isSecret || !looksRandom(window, start)) return
  window.reportOpen(API_KEY, start, start, 'run')
  const isAws = nameHolds(bytes, low, name, 'aws') || nameHolds(bytes, low, name, 'access')
  if (isAws && nameHolds(bytes, low, name, 'secret') && isAwsSecret(window, start))
    window.reportOpen(AWS_KEY, start, start, 'run')
}

function looksRandom({ bytes, high, isFramed }: Window, start: number): boolean {
  const last = Math.min(high, start + VALUE_BYTES_MAX)
  let [kinds, distinctCount, at] = [0, 0, start]
  seenBy++
  for (; at < last && (kindOf(bytes, at) & RUN) !== 0; at++) {
    const code = bytes[at] ?? 0
    kinds |= kindOf(bytes, at)
    if (seen[code] === seenBy) continue
    seen[code] = seenBy
    distinctCount++
  }
  if ((kinds & DIGIT) === 0 || (kinds & LETTER) === 0 || distinctCount < DISTINCT_MIN) return false
  return isFramed || at - start !== UUID_BYTES || !isUuid(bytes, start)
}

const UUID_BYTES = 36
/** Dashes at 8, 13, 18 and 23 (RFC 9562 §4): such values are ids far more often than secrets. */
const isUuid = (bytes: Uint8Array, start: number): boolean =>
  [8, 13, 18, 23].every((offset) => bytes[start + offset] === DASH)

function isAwsSecret({ bytes, high, isFramed }: Window, start: number): boolean {
  let at = start
  while (at < high && at - start <= AWS_SECRET_BYTES && (kindOf(bytes, at) & RUN) !== 0) at++
  return at - start === AWS_SECRET_BYTES || (isFramed && at - start > AWS_SECRET_BYTES)
}
