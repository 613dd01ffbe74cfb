// A PostgreSQL client for much data: it counts what comes without keeping it, reads into one buffer,
// and writes no faster than its peer takes it. So what memory grows by is not its own.

import { connect, type Socket } from 'node:net'
import { serialize } from 'pg-protocol'

import { within } from '../../fakes/gateway-ports.js'
import { sqlstateOf, startup, type Message } from './wire-client.js'

const READ_BYTES = 65_536
/** A gigabyte on a busy machine. */
const DEADLINE_MS = 240_000
/** Types whose bodies are counted and not kept: rows and COPY data. */
const COUNTED: ReadonlySet<string> = new Set(['D', 'd'])

/** A connection. */
export class FlowClient {
  readonly socket: Socket
  /** Rows and COPY messages received since the last `reset`. */
  dataCount = 0
  /** Bytes of their bodies. */
  dataBytes = 0
  readonly #header = Buffer.alloc(5)
  #headerBytes = 0
  #bodyBytes = 0
  #body: Buffer[] = []
  #messages: Message[] = []
  #isClosed = false
  #wake: () => void = () => undefined

  private constructor(port: number) {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    const callback = (sizeBytes: number) => {
      this.#take(buffer, sizeBytes)
      return true
    }
    const where = { port, host: '127.0.0.1', noDelay: true }
    this.socket = connect({ ...where, onread: { buffer, callback } })
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  /** Logs in. */
  static async login(port: number, role: string): Promise<FlowClient> {
    const client = new FlowClient(port)
    client.socket.write(startup({ user: role, database: 'db' }))
    await client.until('R')
    client.socket.write(serialize.password('good'))
    await client.until('Z')
    return client
  }

  /** Forgets what was counted. */
  reset(): void {
    this.dataCount = 0
    this.dataBytes = 0
    this.#messages = []
  }

  /** Resolves once the bytes were handed to the kernel. */
  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (failure) => (failure ? reject(failure) : resolve()))
    })
  }

  /**
   * Other messages than data up to the first of this type, an error of the session's end, or the end
   * of the connection.
   */
  until(type: string): Promise<readonly Message[]> {
    const wait = async (): Promise<readonly Message[]> => {
      for (;;) {
        const at = this.#messages.findIndex((message) => message.type === type)
        if (at >= 0) return this.#messages.splice(0, at + 1)
        if (this.#isClosed) return this.#messages.splice(0)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
    return within(wait(), `a message of type ${type}`, DEADLINE_MS)
  }

  /** Sends a simple query; the SQLSTATE of its error, or undefined when it went well. */
  async query(sql: string): Promise<string | undefined> {
    this.reset()
    this.socket.write(serialize.query(sql))
    return sqlstateOf(await this.until('Z'))
  }

  /** Ends the session in good order. */
  close(): Promise<readonly Message[]> {
    this.socket.end(serialize.end())
    return this.until('none comes')
  }

  #take(bytes: Buffer, sizeBytes: number): void {
    let at = 0
    while (at < sizeBytes) {
      if (this.#headerBytes < this.#header.length) {
        this.#header[this.#headerBytes++] = bytes[at++] ?? 0
        if (this.#headerBytes === this.#header.length) this.#begin()
        continue
      }
      const end = Math.min(sizeBytes, at + this.#bodyBytes)
      if (!this.#isData) this.#body.push(Buffer.from(bytes.subarray(at, end)))
      this.#bodyBytes -= end - at
      at = end
      if (this.#bodyBytes === 0) this.#end()
    }
  }

  get #type(): string {
    return String.fromCharCode(this.#header[0] ?? 0)
  }

  get #isData(): boolean {
    return COUNTED.has(this.#type)
  }

  #begin(): void {
    this.#bodyBytes = this.#header.readUInt32BE(1) - 4
    if (this.#isData) {
      this.dataCount += 1
      this.dataBytes += this.#bodyBytes
    }
    if (this.#bodyBytes === 0) this.#end()
  }

  #end(): void {
    this.#headerBytes = 0
    if (this.#isData) return
    this.#messages.push({ type: this.#type, body: Buffer.concat(this.#body) })
    this.#body = []
    this.#wake()
  }
}
