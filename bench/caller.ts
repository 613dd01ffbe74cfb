// A PostgreSQL client that sees every message and byte as it comes, which drivers hide. Knows just
// enough of the protocol to log in without TLS and to send simple queries.

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { serialize } from 'pg-protocol'

const HEADER_BYTES = 5
const MESSAGE_MS_MAX = 30_000

/** How to log in. */
export interface CallerOptions {
  readonly port: number
  readonly userName: string
  readonly database: string
  readonly password: string
}

/** One logged-in connection. Messages are handed out in order; unasked ones are dropped. */
export class BenchCaller {
  readonly #socket: Socket
  #bytes = Buffer.alloc(0)
  #receivedBytes = 0
  #isStreaming = false
  #wake: () => void = () => undefined
  #closedAtMs: number | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#receivedBytes += chunk.length
      if (!this.#isStreaming) this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#wake()
    })
    // The close that follows is what counts.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#closedAtMs = performance.now()
      this.#wake()
    })
  }

  /** Connects and logs in with a password in clear. */
  static async open({ port, userName, database, password }: CallerOptions): Promise<BenchCaller> {
    const caller = new BenchCaller(connect({ port, host: '127.0.0.1', noDelay: true }))
    caller.#socket.write(serialize.startup({ user: userName, database }))
    await caller.next('R')
    caller.#socket.write(serialize.password(password))
    await caller.next('Z')
    return caller
  }

  /** Sends a simple query. */
  query(sql: string): void {
    this.#socket.write(serialize.query(sql))
  }

  /**
   * The body of the next message of this type.
   *
   * @throws Error when an error comes first, the connection ends, or nothing comes in time.
   */
  async next(type: string): Promise<Buffer> {
    for (;;) {
      const message = this.#take()
      if (message === undefined) await this.#more()
      else if (message.type === type) return message.body
      else if (message.type === 'E') {
        throw new Error(`the server says: ${message.body.toString('utf8').replaceAll('\0', ' ')}`)
      }
    }
  }

  /** From now on bytes are only counted; resolves when this many have come. */
  async stream(sizeBytes: number): Promise<void> {
    this.#isStreaming = true
    const until = this.#receivedBytes + sizeBytes
    while (this.#receivedBytes < until) await this.#more()
  }

  /** When the connection was closed, after the last byte had come (`performance.now()`). */
  async closedAtMs(): Promise<number> {
    while (this.#closedAtMs === undefined) await this.#more()
    return this.#closedAtMs
  }

  /** Ends the session in good order. */
  end(): void {
    this.#socket.end(serialize.end())
  }

  #take(): { readonly type: string; readonly body: Buffer } | undefined {
    if (this.#bytes.length < HEADER_BYTES) return undefined
    const end = 1 + this.#bytes.readUInt32BE(1)
    if (this.#bytes.length < end) return undefined
    const message = {
      type: String.fromCharCode(this.#bytes[0] ?? 0),
      body: this.#bytes.subarray(HEADER_BYTES, end),
    }
    this.#bytes = this.#bytes.subarray(end)
    return message
  }

  #more(): Promise<void> {
    if (this.#closedAtMs !== undefined) throw new Error('the connection was closed')
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#socket.destroy()
        reject(new Error('the server has not answered in time'))
      }, MESSAGE_MS_MAX)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
