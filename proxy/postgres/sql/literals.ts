// Lifts plain literals out of a SQL text, so that texts that differ only in their values share one
// judgement. A strict subset of PostgreSQL's lexer (scan.l, versions 15–18, where all tokens below
// mean the same): whatever is unusual is a miss, never a guess. Says nothing about what a text does.

/** Longest text that is lifted, in bytes; longer ones are rare and judged in full. */
export const liftedBytesMax = 8_192

/** Stand for the literals in a key. None of these bytes occurs in a text that is lifted. */
const INTEGER = 0x01
const DECIMAL = 0x02
const STRING = 0x03
/** A whole number that the grammar takes for a Float: it does not fit int4, but does fit int8. */
const LONG_INTEGER = 0x04

const MISS = -1

/** What a byte may begin. */
const OTHER = 0
const PLAIN = 1
const WORD = 2
const DIGIT = 3
const QUOTE = 4
const DOUBLE_QUOTE = 5
const DOLLAR = 6
const DOT = 7
const DASH = 8
const SLASH = 9
const AMPERSAND = 10
const BLANK = 11

/**
 * Class of each byte. OTHER is what no lifted text holds: control characters, backslashes (their
 * meaning in strings is a setting) and everything beyond ASCII (which takes UTF-8 to check).
 */
const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  if (/[A-Za-z_]/.test(char)) return WORD
  if (/[0-9]/.test(char)) return DIGIT
  if (/[ \t\n\r]/.test(char)) return BLANK
  if (byte < 0x20 || byte > 0x7e || char === '\\') return OTHER
  const own = ["'", '"', '$', '.', '-', '/', '&'].indexOf(char)
  return [QUOTE, DOUBLE_QUOTE, DOLLAR, DOT, DASH, SLASH, AMPERSAND][own] ?? PLAIN
})

const MINUS = 0x2d
const STAR = 0x2a
const PARENTHESIS = 0x28
const ZERO = 0x30
const ONE = 0x31

/** The key in the making. Shared by all calls: each runs to its end before the next begins. */
const key = Buffer.allocUnsafe(liftedBytesMax)

/** Class of the byte at `at`; a blank beyond the end. */
const classAt = (bytes: Buffer, at: number, end: number): number =>
  at < end ? (CLASSES[bytes[at] ?? 0] ?? OTHER) : BLANK

const isQuote = (kind: number): boolean => kind === QUOTE || kind === DOUBLE_QUOTE

/** What may not directly follow a number or a parameter: the lexer's versions differ there. */
const sticks = (kind: number): boolean => kind >= WORD && kind <= DOT

/**
 * Copies the identifier or keyword at `at` to the key; returns its end. A quote right after it would
 * make it the prefix of a string (E'', B'', N'', X'', U&'') or would be hard to tell from one.
 */
function copyWord(bytes: Buffer, at: number, end: number, length: number): number {
  let after = at
  let into = length
  let kind = WORD
  do {
    key[into++] = bytes[after++] ?? 0
    kind = classAt(bytes, after, end)
  } while (kind === WORD || kind === DIGIT)
  return kind === DOLLAR || isQuote(kind) ? MISS : after
}

function digitsEnd(bytes: Buffer, at: number, end: number): number {
  let after = at
  while (classAt(bytes, after, end) === DIGIT) after += 1
  return after
}

/** End of the parameter `$1` to `$999` at `at`. */
function parameterEnd(bytes: Buffer, at: number, end: number): number {
  const after = digitsEnd(bytes, at + 1, end)
  const digitCount = after - at - 1
  if (digitCount < 1 || digitCount > 3 || bytes[at + 1] === ZERO) return MISS
  return sticks(classAt(bytes, after, end)) ? MISS : after
}

/** End of the quoted identifier at `at`; one that holds a double quote is a miss. */
function identifierEnd(bytes: Buffer, at: number, end: number): number {
  let after = at + 1
  for (; after < end; after += 1) {
    const kind = classAt(bytes, after, end)
    if (kind === OTHER) return MISS
    if (kind === DOUBLE_QUOTE) break
  }
  if (after >= end || after === at + 1) return MISS
  return isQuote(classAt(bytes, after + 1, end)) ? MISS : after + 1
}

/** End of the string at `at`, doubled quotes inside included; a second part behind it is a miss. */
function stringEnd(bytes: Buffer, at: number, end: number): number {
  let after = at + 1
  for (; after < end; after += 1) {
    const kind = classAt(bytes, after, end)
    if (kind === OTHER) return MISS
    if (kind !== QUOTE) continue
    if (classAt(bytes, after + 1, end) !== QUOTE) break
    after += 1
  }
  if (after >= end) return MISS
  let next = after + 1
  while (next < end && classAt(bytes, next, end) === BLANK) next += 1
  return classAt(bytes, next, end) === QUOTE ? MISS : after + 1
}

/**
 * Which token so many digits are: Integer up to 2,147,483,647 and Float beyond (process_integer_literal).
 * Lengths at which that depends on the value are a miss; so are values that may not fit int8.
 */
function wholeNumber(first: number, digitCount: number): number {
  if (digitCount <= 9 || (digitCount === 10 && first === ONE)) return INTEGER
  return digitCount > 10 && digitCount <= 18 && first !== ZERO ? LONG_INTEGER : MISS
}

/** Lifts one text; returns the length of its key or MISS, and notes where its literals begin. */
function lift(bytes: Buffer, start: number, end: number, offsets: number[] | undefined): number {
  if (end - start > liftedBytesMax) return MISS
  let length = 0
  let at = start
  while (at < end) {
    const kind = classAt(bytes, at, end)
    if (kind === WORD) {
      const after = copyWord(bytes, at, end, length)
      if (after === MISS) return MISS
      length += after - at
      at = after
      continue
    }
    if (kind === PLAIN || kind === BLANK) {
      key[length++] = bytes[at++] ?? 0
      continue
    }
    let after: number
    let literal = 0
    if (kind === DIGIT) {
      after = digitsEnd(bytes, at, end)
      literal = wholeNumber(bytes[at] ?? 0, after - at)
      if (classAt(bytes, after, end) === DOT) {
        const point = after
        after = digitsEnd(bytes, point + 1, end)
        literal = after === point + 1 ? MISS : DECIMAL
      }
      if (literal === MISS || sticks(classAt(bytes, after, end))) return MISS
    } else if (kind === QUOTE) {
      after = stringEnd(bytes, at, end)
      literal = STRING
    } else {
      after = markEnd(bytes, at, end, kind)
    }
    if (after === MISS) return MISS
    if (literal === 0) {
      for (; at < after; at += 1) key[length++] = bytes[at] ?? 0
    } else {
      key[length++] = literal
      offsets?.push(at - start)
      at = after
    }
  }
  return length
}

/** End of what begins with a byte that may mean something together with the next one. */
function markEnd(bytes: Buffer, at: number, end: number, kind: number): number {
  if (kind === OTHER) return MISS
  const next = classAt(bytes, at + 1, end)
  if (kind === DOUBLE_QUOTE) return identifierEnd(bytes, at, end)
  if (kind === DOLLAR) return parameterEnd(bytes, at, end)
  const misses =
    (kind === DASH && next === DASH) ||
    (kind === DOT && next === DIGIT) ||
    (kind === AMPERSAND && isQuote(next)) ||
    (kind === SLASH && at + 1 < end && bytes[at + 1] === STAR)
  return misses ? MISS : at + 1
}

/**
 * The shape of the text in `bytes[start, end)`: the text with a placeholder for each plain literal.
 * Two texts of one shape are the same tokens but for the values of literals (manual, "Lexical
 * Structure"). Where the grammar looks at a value (`FLOAT(24)`), or the judge does (`ORDER BY 1`),
 * they may still mean different things: that is for `shapeIsSafe`. Undefined for anything unusual.
 */
export function liftLiterals(bytes: Buffer, start: number, end: number): string | undefined {
  const length = lift(bytes, start, end, undefined)
  return length === MISS ? undefined : key.toString('latin1', 0, length)
}

/** Where the literals that `liftLiterals` lifts begin, in bytes from the text's start. */
export function literalOffsets(bytes: Buffer): readonly number[] | undefined {
  const offsets: number[] = []
  return lift(bytes, 0, bytes.length, offsets) === MISS ? undefined : offsets
}

/**
 * True when each literal that is lifted is one of the constants at the offsets `free`
 * (`freeConstants`): then all texts of its shape give the same tree but for the values of constants and
 * for locations, and the same facts. The grammar folds minus signs into numbers (gram.y doNegate):
 * then the constant is where its first sign is, before blanks and parentheses.
 */
export function shapeIsSafe(bytes: Buffer, free: ReadonlySet<number>): boolean {
  const offsets = literalOffsets(bytes)
  return offsets?.every((offset) => isFree(bytes, offset, free)) === true
}

function isFree(bytes: Buffer, offset: number, free: ReadonlySet<number>): boolean {
  if (free.has(offset)) return true
  for (let at = offset - 1; at >= 0; at -= 1) {
    const byte = bytes[at] ?? 0
    if (byte === MINUS && free.has(at)) return true
    if (byte !== MINUS && byte !== PARENTHESIS && CLASSES[byte] !== BLANK) return false
  }
  return false
}
