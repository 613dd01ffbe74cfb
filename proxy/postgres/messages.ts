// PostgreSQL's messages: type bytes, what each carries, and the ones that the gateway writes itself.
// Source: PostgreSQL manual, "Frontend/Backend Protocol", "Message Formats". No I/O.

import type { WireError } from './errors.js'

/** Type bytes of messages from the caller ("frontend"). */
export const CALLER = {
  bind: 0x42, // B
  close: 0x43, // C
  describe: 0x44, // D
  execute: 0x45, // E
  functionCall: 0x46, // F
  flush: 0x48, // H
  parse: 0x50, // P
  query: 0x51, // Q
  sync: 0x53, // S
  terminate: 0x58, // X
  copyDone: 0x63, // c
  copyData: 0x64, // d
  copyFail: 0x66, // f
  password: 0x70, // p
} as const

/** Type bytes of messages from the target ("backend"). */
export const TARGET = {
  parseComplete: 0x31, // 1
  bindComplete: 0x32, // 2
  closeComplete: 0x33, // 3
  notification: 0x41, // A
  commandComplete: 0x43, // C
  dataRow: 0x44, // D
  error: 0x45, // E
  copyIn: 0x47, // G
  copyOut: 0x48, // H
  emptyQuery: 0x49, // I
  backendKey: 0x4b, // K
  notice: 0x4e, // N
  authentication: 0x52, // R
  parameterStatus: 0x53, // S
  rowDescription: 0x54, // T
  copyBoth: 0x57, // W
  readyForQuery: 0x5a, // Z
  copyDone: 0x63, // c
  copyData: 0x64, // d
  noData: 0x6e, // n
  portalSuspended: 0x73, // s
  parameterDescription: 0x74, // t
  negotiateVersion: 0x76, // v
} as const

/** A Parse message: name, statement text, parameter type OIDs. */
export interface Parse {
  readonly name: string
  /** The statement's bytes, without the closing NUL. A view into the message. */
  readonly statement: Buffer
  readonly parameterTypes: readonly number[]
}

/** A Bind message: portal, statement, raw parameter values with their formats. */
export interface Bind {
  readonly portal: string
  readonly statement: string
  /** 0 text, 1 binary, one for each value. */
  readonly formats: readonly number[]
  readonly values: readonly (Buffer | null)[]
}

/** Thrown by decoders on bytes that no conforming peer sends; the session ends with 08P01. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

/** Reads fields of one message body; every read is bounded by the body. */
class Body {
  at: number
  readonly bytes: Buffer
  readonly end: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  text(): string {
    if (this.bytes[this.at] === 0 && this.at < this.end) {
      this.at += 1
      return ''
    }
    const close = this.bytes.indexOf(0, this.at)
    if (close < 0 || close >= this.end) throw new MalformedMessage('a name is not terminated')
    const text = this.bytes.toString('utf8', this.at, close)
    this.at = close + 1
    return text
  }

  textBytes(): Buffer {
    const close = this.bytes.indexOf(0, this.at)
    if (close < 0 || close >= this.end) throw new MalformedMessage('a text is not terminated')
    const bytes = this.bytes.subarray(this.at, close)
    this.at = close + 1
    return bytes
  }

  int16(): number {
    if (this.at + 2 > this.end) throw new MalformedMessage('a message is too short')
    this.at += 2
    return this.bytes.readUInt16BE(this.at - 2)
  }

  int32(): number {
    if (this.at + 4 > this.end) throw new MalformedMessage('a message is too short')
    this.at += 4
    return this.bytes.readInt32BE(this.at - 4)
  }

  take(length: number): Buffer {
    if (length < 0 || this.at + length > this.end) {
      throw new MalformedMessage('a value is longer than its message')
    }
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  finish(): void {
    if (this.at !== this.end) throw new MalformedMessage('a message is longer than its content')
  }
}

/** Query: String. Returns the statement's bytes without the NUL, which must be the only one. */
export function readQuery(bytes: Buffer, start: number, end: number): Buffer {
  const body = new Body(bytes, start, end)
  const statement = body.textBytes()
  body.finish()
  return statement
}

/** Parse: String name, String query, Int16 count, Int32 type OID each. */
export function readParse(bytes: Buffer, start: number, end: number): Parse {
  const body = new Body(bytes, start, end)
  const name = body.text()
  const statement = body.textBytes()
  const parameterTypes = Array.from({ length: body.int16() }, () => body.int32() >>> 0)
  body.finish()
  return { name, statement, parameterTypes }
}

/**
 * Bind: String portal, String statement, Int16 count + Int16 formats, Int16 count + (Int32 length,
 * bytes) values, Int16 count + Int16 result formats.
 */
export function readBind(bytes: Buffer, start: number, end: number): Bind {
  const body = new Body(bytes, start, end)
  const portal = body.text()
  const statement = body.text()
  const codes: number[] = []
  for (let left = body.int16(); left > 0; left -= 1) codes.push(body.int16())
  const values: (Buffer | null)[] = []
  const formats: number[] = []
  for (let left = body.int16(); left > 0; left -= 1) {
    formats.push(codes[codes.length === 1 ? 0 : values.length] ?? 0)
    const length = body.int32()
    values.push(length === -1 ? null : body.take(length))
  }
  body.take(body.int16() * 2)
  body.finish()
  for (const code of codes) {
    if (code > 1) throw new MalformedMessage('a format is neither 0 nor 1')
  }
  if (codes.length > 1 && codes.length !== values.length) {
    throw new MalformedMessage('formats and values differ in number')
  }
  return { portal, statement, formats, values }
}

/** Names of a Bind message only: the hot path needs nothing else of it. */
export function readBindNames(
  bytes: Buffer,
  start: number,
  end: number,
): { portal: string; statement: string } {
  const body = new Body(bytes, start, end)
  return { portal: body.text(), statement: body.text() }
}

/** Describe and Close: Byte1 'S' or 'P', String name. */
export function readNamed(
  bytes: Buffer,
  start: number,
  end: number,
): { kind: 'statement' | 'portal'; name: string } {
  const body = new Body(bytes, start, end)
  const kind = body.take(1)[0]
  const name = body.text()
  body.finish()
  if (kind === 0x53) return { kind: 'statement', name }
  if (kind === 0x50) return { kind: 'portal', name }
  throw new MalformedMessage('neither a statement nor a portal is named')
}

/** Execute: String portal, Int32 row limit. */
export function readExecute(bytes: Buffer, start: number, end: number): string {
  const body = new Body(bytes, start, end)
  const portal = body.text()
  body.int32()
  body.finish()
  return portal
}

/** CommandComplete: String tag. */
export function readTag(bytes: Buffer, start: number, end: number): string {
  const body = new Body(bytes, start, end)
  return body.text()
}

/** ParameterStatus: String name, String value. */
export function readParameterStatus(
  bytes: Buffer,
  start: number,
  end: number,
): { name: string; value: string } {
  const body = new Body(bytes, start, end)
  return { name: body.text(), value: body.text() }
}

/** ErrorResponse and NoticeResponse: (Byte1 field, String)*, 0. Fields by their letter. */
export function readError(bytes: Buffer, start: number, end: number): ReadonlyMap<string, string> {
  const body = new Body(bytes, start, end)
  const fields = new Map<string, string>()
  for (;;) {
    const letter = body.take(1)[0]
    if (letter === undefined || letter === 0) return fields
    fields.set(String.fromCharCode(letter), body.text())
  }
}

/** DataRow: Int16 count, (Int32 length, bytes)*. Text values only; used for the gateway's own lookups. */
export function readTextRow(bytes: Buffer, start: number, end: number): (string | null)[] {
  const body = new Body(bytes, start, end)
  return Array.from({ length: body.int16() }, () => {
    const length = body.int32()
    return length === -1 ? null : body.take(length).toString('utf8')
  })
}

/** One message: type byte, length, body. */
export function message(type: number, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(5 + body.length)
  bytes[0] = type
  bytes.writeUInt32BE(4 + body.length, 1)
  body.copy(bytes, 5)
  return bytes
}

function report(type: number, severity: string, error: WireError): Buffer {
  const fields: [string, string | undefined][] = [
    ['S', severity],
    ['V', severity],
    ['C', error.sqlstate],
    ['M', error.message],
    ['D', error.detail],
    ['H', error.hint],
  ]
  const text = fields
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([letter, value]) => `${letter}${(value ?? '').replaceAll('\0', '')}\0`)
    .join('')
  return message(type, Buffer.from(`${text}\0`, 'utf8'))
}

/** ErrorResponse, of severity ERROR (the session goes on) or FATAL (it does not). */
export const errorMessage = (severity: 'ERROR' | 'FATAL', error: WireError): Buffer =>
  report(TARGET.error, severity, error)

/** NoticeResponse. */
export const noticeMessage = (error: WireError): Buffer => report(TARGET.notice, 'NOTICE', error)

/** ReadyForQuery with the transaction status I, T or E. */
export const readyMessage = (status: number): Buffer =>
  message(TARGET.readyForQuery, Buffer.from([status]))

/** AuthenticationOk, AuthenticationCleartextPassword: Int32 code. */
export function authenticationMessage(code: 0 | 3): Buffer {
  return message(TARGET.authentication, Buffer.from([0, 0, 0, code]))
}

/** ParameterStatus. */
export const parameterMessage = (name: string, value: string): Buffer =>
  message(TARGET.parameterStatus, Buffer.from(`${name}\0${value}\0`, 'utf8'))

/** BackendKeyData: Int32 process id, Int32 secret. */
export function keyMessage(processId: number, secret: number): Buffer {
  const body = Buffer.allocUnsafe(8)
  body.writeUInt32BE(processId >>> 0, 0)
  body.writeUInt32BE(secret >>> 0, 4)
  return message(TARGET.backendKey, body)
}

/** NegotiateProtocolVersion: Int32 newest minor version, Int32 count, String unrecognised option each. */
export function negotiateMessage(options: readonly string[]): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(options.length, 4)
  const names = Buffer.from(options.map((name) => `${name}\0`).join(''), 'utf8')
  return message(TARGET.negotiateVersion, Buffer.concat([head, names]))
}
