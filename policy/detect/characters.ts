// What each byte of a text may be part of: one table, looked up by every detector. Data only.

/** Letters, digits and `_`: a word ends where these end. */
export const WORD = 1
/** Words and what joins them in tokens and addresses: `-`, `.`, `/`, `+`, `~`. */
export const RUN = 2
/** 0 to 9. */
export const DIGIT = 4
/** A to Z and a to z. */
export const LETTER = 8
/** What stands between the groups of a number: space, `-`, `.`, `/`, `(`, `)`. */
export const SEPARATOR = 16
/** The part of an e-mail address before `@` (RFC 5322 atext and dots, without what mostly encloses one). */
export const LOCAL = 32
/** Labels of a host name, bytes of other scripts included. */
export const HOST = 64
/** What ends the authority of a URL that is searched backwards (RFC 3986 §3.2, and quotes and spaces). */
export const STOP = 128
/** What numbers are written with: digits, separators and `+`. */
export const NUMBER = 256
/** `-`: five of them begin a private key. */
export const HYPHEN = 512
/** Digits, a to f and `-`: what a UUID is written with (RFC 9562 §4). */
export const UUID = 2_048
/** What tokens with letters of their own begin with. */
export const TOKEN = 1_024

/** The flags of each byte. */
export const KIND = new Uint16Array(256)

const mark = (characters: string, flags: number): void => {
  for (const character of characters) {
    const code = character.charCodeAt(0)
    KIND[code] = (KIND[code] ?? 0) | flags
  }
}

mark('0123456789', WORD | RUN | DIGIT | NUMBER | LOCAL | HOST)
const LOWER = 'abcdefghijklmnopqrstuvwxyz'
mark(LOWER, WORD | RUN | LETTER | LOCAL | HOST)
mark(LOWER.toUpperCase(), WORD | RUN | LETTER | LOCAL | HOST)
mark('0123456789abcdef-', UUID)
mark('_', WORD | RUN | LOCAL)
mark('-', RUN | SEPARATOR | NUMBER | HYPHEN | LOCAL | HOST)
mark('.', RUN | SEPARATOR | NUMBER | LOCAL)
mark('/', RUN | SEPARATOR | NUMBER | STOP)
mark('+', RUN | NUMBER | LOCAL)
mark('~', RUN | LOCAL)
mark(' ()', SEPARATOR | NUMBER)
mark(`%'#$&!`, LOCAL)
mark(` "'<>\`\\?`, STOP)
for (let code = 0; code < 0x20; code++) KIND[code] = STOP
for (let code = 0x80; code <= 0xff; code++) KIND[code] = LOCAL | HOST

/** Makes a letter one that tokens begin with. */
export function markTokenStart(code: number): void {
  KIND[code] = (KIND[code] ?? 0) | TOKEN
}

/** The flags of a byte; none beyond the end. */
export const kindOf = (bytes: Uint8Array, at: number): number => KIND[bytes[at] ?? 0] ?? 0

/** The bytes of an ASCII text. */
export const ascii = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0))

/** True when these bytes stand at that place, all before `end`. */
export function standsAt(
  bytes: Uint8Array,
  at: number,
  end: number,
  expected: Uint8Array,
): boolean {
  if (at < 0 || at + expected.length > end) return false
  for (let offset = 0; offset < expected.length; offset++)
    if (bytes[at + offset] !== expected[offset]) return false
  return true
}
