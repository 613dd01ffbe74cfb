// Bind values: raw for the binding of a decision, readable for the people who decide.

import { NO_PARAMETERS, type Parameters } from '../intercept.js'
import { MalformedMessage, readBind } from './messages.js'

/** Characters of one value that a person is shown; the binding covers all of it. */
const SHOWN_CHARS_MAX = 1_000

/** Binary forms that people can be shown as values, by type OID (pg_type.dat). */
const BINARY: Readonly<Record<number, (value: Buffer) => string>> = {
  16: (value) => (value[0] === 0 ? 'false' : 'true'),
  20: (value) => (value.length === 8 ? value.readBigInt64BE().toString() : hex(value)),
  21: (value) => (value.length === 2 ? String(value.readInt16BE()) : hex(value)),
  23: (value) => (value.length === 4 ? String(value.readInt32BE()) : hex(value)),
  25: (value) => value.toString('utf8'),
  26: (value) => (value.length === 4 ? String(value.readUInt32BE()) : hex(value)),
  700: (value) => (value.length === 4 ? String(value.readFloatBE()) : hex(value)),
  701: (value) => (value.length === 8 ? String(value.readDoubleBE()) : hex(value)),
  1042: (value) => value.toString('utf8'),
  1043: (value) => value.toString('utf8'),
}

const hex = (value: Buffer) => `\\x${value.toString('hex')}`

const UNREADABLE: Parameters = { types: [], values: [], shown: ['(malformed)'] }

/** Parameters that are decoded when somebody wants to see them, which is after they were forwarded. */
export class BindParameters implements Parameters {
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number
  readonly #types: readonly number[]
  #decoded: Parameters | undefined

  /** @param bytes Kept as they are: the Bind message whose body is `bytes[start, end)`. */
  constructor(bytes: Buffer, start: number, end: number, types: readonly number[]) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#types = types
  }

  get types(): readonly number[] {
    return this.#read().types
  }

  get values(): readonly (Uint8Array | null)[] {
    return this.#read().values
  }

  get shown(): readonly string[] {
    return this.#read().shown
  }

  /** The target refuses a malformed Bind itself; the record then says so. */
  #read(): Parameters {
    try {
      this.#decoded ??= readParameters(this.#bytes, this.#start, this.#end, this.#types)
    } catch (failure) {
      if (!(failure instanceof MalformedMessage)) throw failure
      this.#decoded = UNREADABLE
    }
    return this.#decoded
  }
}

/** The parameters of the Bind message whose body is `bytes[start, end)`. */
export function readParameters(
  bytes: Buffer,
  start: number,
  end: number,
  types: readonly number[],
): Parameters {
  const { values, formats } = readBind(bytes, start, end)
  if (values.length === 0) return NO_PARAMETERS
  return { types, values, shown: values.map((value, at) => shown(value, formats[at], types[at])) }
}

function shown(value: Buffer | null, format = 0, type = 0): string {
  if (value === null) return 'NULL'
  const text = format === 0 ? value.toString('utf8') : (BINARY[type] ?? hex)(value)
  if (text.length <= SHOWN_CHARS_MAX) return text
  return `${text.slice(0, SHOWN_CHARS_MAX)}… (${value.length} bytes)`
}
