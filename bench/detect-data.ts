// Made-up results of queries, as they stand on the wire: rows without anything to find, and rows with.
// Pure; the same seed gives the same bytes.

/** Numbers in [0, 1). */
export type Chance = () => number

/** Reproducible chance (a linear congruential generator; Numerical Recipes §7.1). */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

const WORDS =
  'Wilhelmina Schneider Ana Okonkwo Rivera Springfield Main Street Avenue delivered pending order the and with was shipped to customer because Mountain Lakeside internationalization note returned'.split(
    ' ',
  )
const HEX = '0123456789abcdef'
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

const pick = <T>(chance: Chance, from: readonly T[]): T => {
  const one = from[Math.floor(chance() * from.length)]
  if (one === undefined) throw new Error('there is nothing to pick from')
  return one
}
const upTo = (chance: Chance, max: number): number => Math.floor(chance() * max)
const drawn = (chance: Chance, alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[upTo(chance, alphabet.length)]).join('')
const words = (chance: Chance, count: number): string =>
  Array.from({ length: count }, () => pick(chance, WORDS)).join(' ')
const two = (value: number): string => String(value).padStart(2, '0')

const uuid = (chance: Chance): string =>
  [8, 4, 4, 4, 12].map((length) => drawn(chance, HEX, length)).join('-')
const date = (chance: Chance): string =>
  `${1990 + upTo(chance, 40)}-${two(1 + upTo(chance, 12))}-${two(1 + upTo(chance, 28))}`
const timestamp = (chance: Chance): string =>
  `${date(chance)} ${two(upTo(chance, 24))}:${two(upTo(chance, 60))}:${two(upTo(chance, 60))}.${upTo(chance, 1_000_000)}+00`

/** Columns of tables as they are. */
const COLUMNS: readonly ((chance: Chance) => string)[] = [
  (chance) => String(upTo(chance, 10_000_000)),
  (chance) => words(chance, 2),
  (chance) => `${1 + upTo(chance, 999)} ${words(chance, 2)}`,
  (chance) => `${upTo(chance, 5_000)}.${two(upTo(chance, 100))}`,
  timestamp,
  date,
  uuid,
  (chance) => words(chance, 12),
  (chance) =>
    `{"status": "${pick(chance, WORDS)}", "count": ${upTo(chance, 100)}, "at": "${date(chance)}"}`,
  (chance) => pick(chance, WORDS).padEnd(40),
  (chance) => pick(chance, ['t', 'f']),
  (chance) => `10.${upTo(chance, 256)}.${upTo(chance, 256)}.${upTo(chance, 256)}`,
]
/** And some that only every few rows have. */
const RARE: readonly ((chance: Chance) => string)[] = [
  (chance) => drawn(chance, HEX, 64),
  (chance) => drawn(chance, BASE64, 200),
  (chance) => String(1_700_000_000_000 + upTo(chance, 99_999_999_999)),
  (chance) => `https://www.example.com/${pick(chance, WORDS)}/${upTo(chance, 9999)}?page=2`,
]

/** What is found in dirty rows. */
const FINDINGS: readonly ((chance: Chance) => string)[] = [
  (chance) => `${pick(chance, WORDS)}.${upTo(chance, 999)}@example.com`,
  () => '4111 1111 1111 1111',
  () => '5555555555554444',
  (chance) => `+49 30 ${1_000_000 + upTo(chance, 8_999_999)}`,
  (chance) => `219-09-${1_000 + upTo(chance, 8_999)}`,
  () => 'DE89370400440532013000',
  (chance) => `sk_live_${drawn(chance, BASE64.slice(0, 62), 24)}`,
  (chance) => `postgres://app:${drawn(chance, HEX, 12)}@db.example.com/app`,
]

/** A DataRow message (PostgreSQL, "Message Formats"). */
function dataRow(values: readonly string[]): Buffer {
  const fields = values.map((value) => {
    const bytes = Buffer.from(value)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  })
  const body = Buffer.concat(fields)
  const head = Buffer.from([0x44, 0, 0, 0, 0, 0, 0])
  head.writeUInt32BE(body.length + 6, 1)
  head.writeUInt16BE(values.length, 5)
  return Buffer.concat([head, body])
}

/** The values of one row; a dirty one has two or three findings in about 400 bytes. */
function rowOf(chance: Chance, isDirty: boolean): string[] {
  const values = COLUMNS.map((column) => column(chance))
  if (chance() < 0.25) values.push(pick(chance, RARE)(chance))
  if (isDirty)
    for (let count = 0; count < 3; count++) {
      const at = upTo(chance, values.length)
      values[at] = `${words(chance, 2)} ${pick(chance, FINDINGS)(chance)}`
    }
  return values
}

/** Rows of so many bytes or slightly more, in wire format, and the same values apart. */
export function resultOf(
  seed: number,
  byteCount: number,
  isDirty: boolean,
): { readonly wire: Buffer; readonly values: readonly Buffer[] } {
  const chance = chanceFrom(seed)
  const rows: Buffer[] = []
  const values: Buffer[] = []
  for (let length = 0; length < byteCount;) {
    const row = rowOf(chance, isDirty)
    const message = dataRow(row)
    for (const value of row) values.push(Buffer.from(value))
    rows.push(message)
    length += message.length
  }
  return { wire: Buffer.concat(rows), values }
}
