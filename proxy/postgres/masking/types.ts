// PostgreSQL's built-in types as masking tells them apart, and a policy's fixed text as a value of
// one of them. Source: pg_type.dat, and each type's send function. Data and encoders only.

/** pg_type.oid of the types that masking treats in some way of their own. */
export const TYPE = {
  bool: 16,
  bytea: 17,
  name: 19,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  xml: 142,
  xmlArray: 143,
  jsonArray: 199,
  float4: 700,
  float8: 701,
  unknown: 705,
  nameArray: 1003,
  textArray: 1009,
  bpcharArray: 1014,
  varcharArray: 1015,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  cstringArray: 1263,
  numeric: 1700,
  refcursor: 1790,
  record: 2249,
  cstring: 2275,
  recordArray: 2287,
  uuid: 2950,
  tsvector: 3614,
  tsquery: 3615,
  jsonb: 3802,
  jsonbArray: 3807,
} as const

/** From here on OIDs are given out in a database: nobody knows what such a type means (FirstNormalObjectId). */
export const FIRST_OWN_OID = 16_384

const TEXT_LIKE: ReadonlySet<number> = new Set([
  TYPE.text,
  TYPE.varchar,
  TYPE.bpchar,
  TYPE.name,
  TYPE.unknown,
  TYPE.cstring,
  TYPE.refcursor,
])

/** True for types that hold any text at all, in the same bytes in both formats. */
export const isTextLike = (typeOid: number): boolean => TEXT_LIKE.has(typeOid)

/** Longest `name` (NAMEDATALEN - 1). */
const NAME_BYTES_MAX = 63
const INT_BYTES: Readonly<Record<number, 2 | 4 | 8>> = {
  [TYPE.int2]: 2,
  [TYPE.int4]: 4,
  [TYPE.int8]: 8,
}
/** Days between the epochs of Unix and of PostgreSQL. */
const EPOCH_DAYS = 10_957
const DAY_MS = 86_400_000

/**
 * A text that stands for a value of a type: as it is, as a JSON string, as an XML element or as
 * bytes; undefined when the type has no place for a text.
 */
export function asText(text: string, typeOid: number, format: number): Buffer | undefined {
  const clean = text.replaceAll('\0', '')
  switch (typeOid) {
    case TYPE.name:
      return cutUtf8(Buffer.from(clean, 'utf8'), NAME_BYTES_MAX)
    case TYPE.json:
      return Buffer.from(JSON.stringify(clean), 'utf8')
    case TYPE.jsonb:
      return Buffer.from(`${format === 1 ? '\x01' : ''}${JSON.stringify(clean)}`, 'utf8')
    case TYPE.xml:
      return Buffer.from(`<masked>${xmlText(clean)}</masked>`, 'utf8')
    case TYPE.bytea: {
      const bytes = Buffer.from(clean, 'utf8')
      return format === 1 ? bytes : Buffer.from(`\\x${bytes.toString('hex')}`, 'latin1')
    }
    default:
      return isTextLike(typeOid) ? Buffer.from(clean, 'utf8') : undefined
  }
}

/** The first bytes, up to a limit, without half a character at the end. */
function cutUtf8(bytes: Buffer, bytesMax: number): Buffer {
  if (bytes.length <= bytesMax) return bytes
  let end = bytesMax
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, end)
}

/** Markup escaped, and what XML 1.0 has no place for taken out (§2.2, Char). */
const xmlText = (text: string): string =>
  text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')

/**
 * A policy's text read as a value of a type without text (integers, oid, numeric, floats, bool,
 * date, uuid); undefined when it can't be.
 */
export function asValue(text: string, typeOid: number, format: number): Buffer | undefined {
  const written = text.trim()
  switch (typeOid) {
    case TYPE.int2:
    case TYPE.int4:
    case TYPE.int8:
      return integer(written, INT_BYTES[typeOid] ?? 8, format)
    case TYPE.oid:
      return unsigned(written, format)
    case TYPE.numeric:
      return numeric(written, format)
    case TYPE.float4:
    case TYPE.float8:
      return float(written, typeOid === TYPE.float4 ? 4 : 8, format)
    case TYPE.bool:
      return bool(written, format)
    case TYPE.date:
      return date(written, format)
    case TYPE.uuid:
      return uuid(written, format)
    default:
      return undefined
  }
}

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1')

function integer(text: string, byteCount: 2 | 4 | 8, format: number): Buffer | undefined {
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined
  const value = BigInt(text.replace('+', ''))
  if (BigInt.asIntN(8 * byteCount, value) !== value) return undefined
  if (format === 0) return ascii(value.toString())
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes.subarray(8 - byteCount)
}

function unsigned(text: string, format: number): Buffer | undefined {
  if (!/^\d{1,10}$/.test(text) || Number(text) > 0xffff_ffff) return undefined
  if (format === 0) return ascii(String(Number(text)))
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(Number(text))
  return bytes
}

/** Binary: Int16 count of digits, weight of the first, sign, scale; digits of base 10,000. */
function numeric(text: string, format: number): Buffer | undefined {
  const parts = /^([+-]?)(\d{1,100})(?:\.(\d{1,100}))?$/.exec(text)
  if (parts === null) return undefined
  if (format === 0) return ascii(text.replace('+', ''))
  const [, sign, whole = '', fraction = ''] = parts
  const left = whole.padStart(Math.ceil(whole.length / 4) * 4, '0')
  const right = fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0')
  const digits = ((left + right).match(/\d{4}/g) ?? []).map(Number)
  let weight = left.length / 4 - 1
  while (digits[0] === 0) {
    digits.shift()
    weight -= 1
  }
  while (digits.at(-1) === 0) digits.pop()
  const zero = digits.length === 0
  const head = [digits.length, zero ? 0 : weight, sign === '-' && !zero ? 0x4000 : 0]
  const words = [...head, fraction.length, ...digits]
  const bytes = Buffer.alloc(2 * words.length)
  words.forEach((word, index) => bytes.writeUInt16BE(word & 0xffff, 2 * index))
  return bytes
}

function float(text: string, byteCount: 4 | 8, format: number): Buffer | undefined {
  const value = Number(text)
  if (!/^[+-]?\d+(?:\.\d+)?$/.test(text) || !Number.isFinite(Math.fround(value))) return undefined
  if (format === 0) return ascii(String(value))
  const bytes = Buffer.alloc(byteCount)
  if (byteCount === 4) bytes.writeFloatBE(value)
  else bytes.writeDoubleBE(value)
  return bytes
}

function bool(text: string, format: number): Buffer | undefined {
  const value = /^(?:t|true)$/i.test(text)
  if (!value && !/^(?:f|false)$/i.test(text)) return undefined
  return format === 1 ? Buffer.from([value ? 1 : 0]) : ascii(value ? 't' : 'f')
}

/** Binary: Int32 days since 2000-01-01. Text: ISO 8601, which every DateStyle reads. */
function date(text: string, format: number): Buffer | undefined {
  const atMs = /^[1-9]\d{3}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(atMs) || !new Date(atMs).toISOString().startsWith(text)) return undefined
  if (format === 0) return ascii(text)
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(atMs / DAY_MS - EPOCH_DAYS)
  return bytes
}

function uuid(text: string, format: number): Buffer | undefined {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return undefined
  return format === 0 ? ascii(text.toLowerCase()) : Buffer.from(text.replaceAll('-', ''), 'hex')
}
