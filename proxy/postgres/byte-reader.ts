// Awaits whole packets from a socket, for the handshakes at both ends; the relay reads otherwise.

import type { Socket } from 'node:net'

import { MalformedMessage } from './messages.js'

/** Thrown when a peer closes, resets or falls silent in the middle of a handshake. */
export class HandshakeBroken extends Error {
  override readonly name = 'HandshakeBroken'
}

/** Reads packets until it is detached; keeps at most `sizeBytesMax` it has not used. */
export class ByteReader {
  #bytes: Buffer = Buffer.alloc(0)
  #failure: Error | undefined
  #wake: (() => void) | undefined
  readonly #socket: Socket
  readonly #sizeBytesMax: number

  constructor(socket: Socket, sizeBytesMax: number) {
    this.#socket = socket
    this.#sizeBytesMax = sizeBytesMax
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onEnd)
    socket.on('error', this.#onEnd)
  }

  /**
   * Resolves with the next packet that `decode` recognises at the front of what has arrived.
   *
   * @throws HandshakeBroken, MalformedMessage
   */
  async next<T>(
    decode: (bytes: Buffer) => { value: T; length: number } | undefined,
    timeoutMs: number,
  ): Promise<T> {
    const timer = setTimeout(() => this.#fail(new HandshakeBroken('no answer in time')), timeoutMs)
    try {
      for (;;) {
        const decoded = decode(this.#bytes)
        if (decoded !== undefined) {
          this.#bytes = this.#bytes.subarray(decoded.length)
          return decoded.value
        }
        if (this.#failure !== undefined) throw this.#failure
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
    }
  }

  /** Stops listening and hands over what has arrived beyond the packets taken. */
  detach(): Buffer {
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#onEnd)
    this.#socket.off('close', this.#onEnd)
    this.#socket.off('error', this.#onEnd)
    return this.#bytes
  }

  readonly #onData = (chunk: Buffer) => {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    if (this.#bytes.length > this.#sizeBytesMax) {
      this.#fail(new MalformedMessage('more than a handshake needs was sent'))
    }
    this.#wake?.()
  }

  readonly #onEnd = () => this.#fail(new HandshakeBroken('the peer closed the connection'))

  #fail(failure: Error): void {
    this.#failure ??= failure
    this.#wake?.()
  }
}
