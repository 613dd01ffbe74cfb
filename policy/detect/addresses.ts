// What stands around an `@`: e-mail addresses, and passwords in URLs. Pure, no allocation.

import { DIGIT, HOST, LETTER, LOCAL, STOP, WORD, kindOf } from './characters.js'
import { spells } from './context.js'
import { DETECTOR_NAMES } from './names.js'
import { LOOK_BEHIND_BYTES } from './window.js'
import type { Window } from './window.js'

const EMAIL = DETECTOR_NAMES.indexOf('email')
const URL_PASSWORD = DETECTOR_NAMES.indexOf('url-password')

const DASH = 0x2d
const DOT = 0x2e
const SLASH = 0x2f
const COLON = 0x3a
/** A finding may begin that far before the `@`; RFC 5321 §4.5.3.1.1 allows 64, a longer one loses its head. */
const LOCAL_BYTES_MAX = LOOK_BEHIND_BYTES - 16
/** RFC 1035 §2.3.4. */
const DOMAIN_BYTES_MAX = 255

/** Looks at the `@` that stands here. */
export function findAddress(window: Window, at: number): void {
  const userinfo = userinfoStart(window, at)
  if (userinfo >= 0) {
    let colon = userinfo
    while (colon < at && window.bytes[colon] !== COLON) colon++
    if (colon < at - 1) window.sink.report(URL_PASSWORD, colon + 1, at)
    return
  }
  const end = domainEnd(window, at + 1)
  if (end === 0) return
  const start = localStart(window, at)
  if (start < at) window.sink.report(EMAIL, start, end)
}

/** Behind the `://` whose authority reaches up to here (RFC 3986 §3.2.1); -1 for none. */
function userinfoStart(window: Window, before: number): number {
  const { bytes, low, authority } = window
  const first = Math.max(low, before - LOCAL_BYTES_MAX)
  // What the `@` before this one has found holds for this one, too, when nothing ends it in between.
  const known = authority.at
  let at = before - 1
  while (at >= first && at !== known && (kindOf(bytes, at) & STOP) === 0) at--
  const found = at === known && at >= first ? authority.start : behindScheme(bytes, at, first)
  authority.at = before
  authority.start = found
  return found >= first ? found : -1
}

const behindScheme = (bytes: Uint8Array, slash: number, first: number): number =>
  slash - 2 >= first &&
  bytes[slash] === SLASH &&
  bytes[slash - 1] === SLASH &&
  bytes[slash - 2] === COLON
    ? slash + 1
    : -1

/** Where the part before the `@` begins; the place of the `@` when there is none. */
function localStart({ bytes, low }: Window, before: number): number {
  if (bytes[before - 1] === DOT) return before
  const first = Math.max(low, before - LOCAL_BYTES_MAX)
  let at = before
  while (at > first && (kindOf(bytes, at - 1) & LOCAL) !== 0) at--
  // Quotes, dashes and dots before it are not its own.
  while (at < before && (kindOf(bytes, at) & (WORD | HOST)) === 0) at++
  while (at < before && bytes[at] === DASH) at++
  return at
}

/** Where the host name ends that begins here and has a top-level domain; 0 for none. */
function domainEnd({ bytes, high }: Window, start: number): number {
  const last = Math.min(high, start + DOMAIN_BYTES_MAX)
  let end = 0
  let label = start
  for (let at = start; at <= last; at++) {
    if (at < last && (kindOf(bytes, at) & HOST) !== 0) continue
    if (at === label || bytes[label] === DASH) break
    if (label > start && isTopLevel(bytes, label, at)) end = at
    if (at === last || bytes[at] !== DOT) break
    label = at + 1
  }
  return end !== 0 && !isNoHost(bytes, start, end) ? end : 0
}

/** Two letters or more, or the ASCII form of other scripts (`xn--…`). */
function isTopLevel(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 2) return false
  if (spells(bytes, start, end, 'xn--')) return true
  for (let at = start; at < end; at++) {
    const code = bytes[at] ?? 0
    if ((kindOf(bytes, at) & LETTER) === 0 && code < 0x80) return false
  }
  return true
}

const PICTURES = ['png', 'jpg', 'jpeg', 'gif', 'webp', 'svg', 'avif']

/** `logo@2x.png` and `package@1.2.3-rc.next` are none. */
function isNoHost(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while ((kindOf(bytes, at) & DIGIT) !== 0) at++
  if (at === start) return false
  if (bytes[at] === DOT) return (kindOf(bytes, at + 1) & DIGIT) !== 0
  return (
    bytes[at] === 0x78 &&
    bytes[at + 1] === DOT &&
    PICTURES.some((name) => at + 2 + name.length === end && spells(bytes, at + 2, end, name))
  )
}
