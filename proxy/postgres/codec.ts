// Cuts a byte stream into messages, bounded before it is buffered, in both directions. Knows
// lengths and types, never contents. No I/O.

import { LIMITS } from '../limits.js'
import { MalformedMessage } from './messages.js'

/** Type byte and Int32 length, which counts itself. */
export const HEADER_BYTES = 5

/** A limit of the gateway that a peer ran into; the session ends with 54000. */
export class MessageTooLong extends Error {
  override readonly name = 'MessageTooLong'
}

/** The body length that a header announces. */
export function bodyLength(bytes: Buffer, at: number, bodyBytesMax: number): number {
  const length = bytes.readUInt32BE(at + 1)
  if (length < 4) throw new MalformedMessage('a length is shorter than itself')
  if (length - 4 > bodyBytesMax) throw new MessageTooLong('a message is longer than the limit')
  return length - 4
}

/**
 * Bytes of a peer that could not be used yet: the beginning of a message whose rest has not
 * arrived, or input that waits for a decision. Never holds more than one message over its bound.
 */
export class Backlog {
  #chunks: Buffer[] = []
  #sizeBytes = 0

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#sizeBytes += chunk.length
  }

  /** All bytes as one buffer, which the backlog then no longer holds. */
  take(): Buffer {
    const [only] = this.#chunks
    const bytes = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#sizeBytes = 0
    return bytes
  }
}

/**
 * Collects slices for one write. Neighbouring slices of the same buffer grow together, so that an
 * untouched run of messages costs one slice and no copy.
 */
export class Outbox {
  #slices: Buffer[] = []
  #from: Buffer | undefined
  #start = 0
  #end = 0
  #sizeBytes = 0

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Adds `bytes[start, end)`. */
  slice(bytes: Buffer, start: number, end: number): void {
    if (start === end) return
    this.#sizeBytes += end - start
    if (this.#from === bytes && this.#end === start) {
      this.#end = end
      return
    }
    this.#seal()
    this.#from = bytes
    this.#start = start
    this.#end = end
  }

  /** Adds a whole buffer. */
  add(bytes: Buffer): void {
    this.slice(bytes, 0, bytes.length)
  }

  /** A copy of `count` bytes, the first of which was added when the size was `fromBytes`. */
  copyFrom(fromBytes: number, count: number): Buffer {
    const copy = Buffer.allocUnsafe(count)
    let before = this.#sizeBytes
    const toBytes = fromBytes + count
    const copyOf = (bytes: Buffer, start: number, end: number): void => {
      before -= end - start
      // Of this slice, what lies in [fromBytes, fromBytes + count).
      const first = Math.max(fromBytes - before, 0)
      const last = Math.min(toBytes - before, end - start)
      if (last > first) bytes.copy(copy, before + first - fromBytes, start + first, start + last)
    }
    if (this.#from !== undefined) copyOf(this.#from, this.#start, this.#end)
    for (let at = this.#slices.length - 1; at >= 0 && before > fromBytes; at -= 1) {
      const slice = this.#slices[at]
      if (slice !== undefined) copyOf(slice, 0, slice.length)
    }
    return copy
  }

  /**
   * Everything added since the last call, as one buffer, or undefined.
   *
   * @param copy True when the source buffers will be overwritten after this call.
   */
  take(copy: boolean): Buffer | undefined {
    this.#seal()
    const slices = this.#slices
    if (slices.length === 0) return undefined
    this.#slices = []
    this.#sizeBytes = 0
    const [only] = slices
    if (slices.length === 1 && only && !copy) return only
    return Buffer.concat(slices)
  }

  #seal(): void {
    if (this.#from === undefined) return
    this.#slices.push(this.#from.subarray(this.#start, this.#end))
    this.#from = undefined
  }
}

/** What a caller opens its connection with. */
export type Opening =
  | { readonly kind: 'tls' }
  | { readonly kind: 'gssapi' }
  | { readonly kind: 'cancel'; readonly processId: number; readonly secret: Buffer }
  | {
      readonly kind: 'startup'
      readonly minor: number
      readonly parameters: ReadonlyMap<string, string>
    }

/**
 * Reads the first, untyped packet: Int32 length, Int32 code, then what the code says.
 *
 * @returns The packet with its length, or undefined while it is incomplete.
 * @throws MalformedMessage
 */
export function readOpening(bytes: Buffer): { opening: Opening; length: number } | undefined {
  if (bytes.length < 8) return undefined
  const length = bytes.readUInt32BE(0)
  if (length < 8 || length > LIMITS.startupBytesMax) {
    throw new MalformedMessage('the first packet is no startup packet')
  }
  if (bytes.length < length) return undefined
  return { opening: openingOf(bytes.readUInt32BE(4), bytes.subarray(8, length)), length }
}

function openingOf(code: number, body: Buffer): Opening {
  if (code === 80877103 && body.length === 0) return { kind: 'tls' }
  if (code === 80877104 && body.length === 0) return { kind: 'gssapi' }
  if (code === 80877102 && body.length >= 8 && body.length <= 260) {
    return { kind: 'cancel', processId: body.readUInt32BE(0), secret: body.subarray(4) }
  }
  if (code >>> 16 !== 3) throw new MalformedMessage('only protocol 3 is spoken here')
  return { kind: 'startup', minor: code & 0xffff, parameters: parametersOf(body) }
}

/** (String name, String value)*, 0. A name that comes twice is refused, not guessed about. */
function parametersOf(body: Buffer): ReadonlyMap<string, string> {
  if (body.at(-1) !== 0) throw new MalformedMessage('the startup packet is not terminated')
  const fields = body.toString('utf8', 0, body.length - 1).split('\0')
  if (fields.pop() !== '' || fields.length % 2 !== 0) {
    throw new MalformedMessage('a startup parameter has no value')
  }
  const parameters = new Map<string, string>()
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    if (name === '' || parameters.has(name)) {
      throw new MalformedMessage('a startup parameter is empty or comes twice')
    }
    parameters.set(name, fields[at + 1] ?? '')
  }
  return parameters
}
