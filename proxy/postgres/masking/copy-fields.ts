// The fields of one line of COPY data: where they stand, what they mean, how a value is written as
// one. Source: PostgreSQL manual, COPY, "File Formats". Default delimiters, quotes and NULLs only.

const TAB = 0x09
const NEWLINE = 0x0a
const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const UPPER_N = 0x4e

/** Where the fields of a line stand; overwritten by each line. */
export class FieldPlaces {
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** 1 where a field is not written as it is meant: what it holds may not show. */
  readonly escaped: Uint8Array
  /** Fields that the line has, even if more than there is room for. */
  count = 0

  constructor(capacity: number) {
    this.starts = new Int32Array(capacity)
    this.ends = new Int32Array(capacity)
    this.escaped = new Uint8Array(capacity)
  }

  /** Adds the next field. */
  add(start: number, end: number, escaped: number): void {
    // Beyond the end of a typed array nothing is stored.
    this.starts[this.count] = start
    this.ends[this.count] = end
    this.escaped[this.count] = escaped
    this.count += 1
  }
}

/** What is told apart about one form of COPY. */
export interface CopySyntax {
  /**
   * Finds the fields of the line that begins at `start`. Returns where the line ends, or -1 when it
   * doesn't before `end`.
   */
  fields(bytes: Buffer, start: number, end: number, places: FieldPlaces): number
  /** True when a field stands for NULL. */
  isNull(bytes: Buffer, start: number, end: number): boolean
  /** The value that a field stands for; a view of it where nothing is escaped. */
  decode(bytes: Buffer, start: number, end: number): Buffer
  /** How a value, or NULL, is written as a field. */
  encode(value: Buffer | null): Buffer
}

const TEXT_ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ b: 0x08, f: 0x0c, n: NEWLINE, r: 0x0d, t: TAB, v: 0x0b }).map(
    ([letter, code]) => [letter.charCodeAt(0), code],
  ),
)
const TEXT_LETTERS: ReadonlyMap<number, number> = new Map(
  [...TEXT_ESCAPES].map(([letter, code]) => [code, letter]),
)
const TEXT_NULL = Buffer.from('\\N', 'latin1')

/** `COPY … (FORMAT text)`: tabs between fields, a backslash before what would mislead, `\N`. */
export const TEXT_SYNTAX: CopySyntax = {
  fields: (bytes, start, end, places) => {
    places.count = 0
    let from = start
    let escaped = 0
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at]
      if (byte === TAB) {
        places.add(from, at, escaped)
        from = at + 1
        escaped = 0
      } else if (byte === NEWLINE) {
        places.add(from, at, escaped)
        return at
      } else if (byte === BACKSLASH && bytes[at + 1] !== UPPER_N) escaped = 1
    }
    return -1
  },
  isNull: (bytes, start, end) =>
    end - start === 2 && bytes[start] === BACKSLASH && bytes[start + 1] === UPPER_N,
  decode: (bytes, start, end) => {
    const first = bytes.subarray(start, end).indexOf(BACKSLASH)
    if (first < 0) return bytes.subarray(start, end)
    const value = Buffer.allocUnsafe(end - start)
    let length = 0
    for (let at = start; at < end; at += 1) {
      let byte = bytes[at] ?? 0
      if (byte === BACKSLASH && at + 1 < end) {
        at += 1
        byte = bytes[at] ?? 0
        byte = TEXT_ESCAPES.get(byte) ?? byte
      }
      value[length++] = byte
    }
    return value.subarray(0, length)
  },
  encode: (value) => {
    if (value === null) return TEXT_NULL
    const field = Buffer.allocUnsafe(2 * value.length)
    let length = 0
    for (const byte of value) {
      const letter = byte === BACKSLASH ? BACKSLASH : TEXT_LETTERS.get(byte)
      if (letter !== undefined) field[length++] = BACKSLASH
      field[length++] = letter ?? byte
    }
    return field.subarray(0, length)
  },
}

const EMPTY = Buffer.alloc(0)

/** `COPY … (FORMAT csv)`: commas, quotes that are doubled within quotes, an empty field is NULL. */
export const CSV_SYNTAX: CopySyntax = {
  fields: (bytes, start, end, places) => {
    places.count = 0
    let from = start
    let escaped = 0
    let quoted = false
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at]
      // A doubled quote closes and opens again.
      if (byte === QUOTE) {
        quoted = !quoted
        escaped = 1
      } else if (quoted) continue
      else if (byte === COMMA) {
        places.add(from, at, escaped)
        from = at + 1
        escaped = 0
      } else if (byte === NEWLINE) {
        places.add(from, at, escaped)
        return at
      }
    }
    return -1
  },
  isNull: (_, start, end) => start === end,
  decode: (bytes, start, end) => {
    const field = bytes.subarray(start, end)
    if (!field.includes(QUOTE)) return field
    const value = Buffer.allocUnsafe(field.length)
    let [length, quoted] = [0, false]
    for (const [at, byte] of field.entries()) {
      if (byte === QUOTE) {
        quoted = !quoted
        if (!quoted || at === 0 || field[at - 1] !== QUOTE) continue
      }
      value[length++] = byte
    }
    return value.subarray(0, length)
  },
  encode: (value) => {
    if (value === null) return EMPTY
    const plain = /^[^",\r\n\\]+$/.test(value.toString('latin1'))
    return plain
      ? value
      : Buffer.from(`"${value.toString('latin1').replaceAll('"', '""')}"`, 'latin1')
  },
}
