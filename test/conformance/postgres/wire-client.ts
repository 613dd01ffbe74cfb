// A PostgreSQL client that sends exactly the bytes it is told to and shows exactly the messages that
// come back. It repairs nothing and hides nothing.

import { connect, type Socket } from 'node:net'
import { serialize } from 'pg-protocol'

import { within } from '../../fakes/gateway-ports.js'

/** One message from the server. */
export interface Message {
  /** The type byte as a character. */
  readonly type: string
  readonly body: Buffer
}

/** How to log in. */
export interface LoginOptions {
  readonly port: number
  readonly role?: string
  readonly token?: string
  readonly database?: string
  readonly parameters?: Readonly<Record<string, string>>
}

/** One message of the client: type byte, length, body. */
export function frame(type: string, body: Buffer | string = ''): Buffer {
  const content = Buffer.from(body)
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeUInt32BE(content.length + 4, 1)
  return Buffer.concat([head, content])
}

/** Query, Parse and so on around any bytes at all. */
export const q = (sql: string | Buffer): Buffer =>
  frame('Q', Buffer.concat([Buffer.from(sql), Buffer.from([0])]))
export const p = (sql: string | Buffer, name = ''): Buffer =>
  frame(
    'P',
    Buffer.concat([Buffer.from(`${name}\0`), Buffer.from(sql), Buffer.from([0]), Buffer.alloc(2)]),
  )
export const b = (statement = '', portal = '', values: (string | null)[] = []): Buffer =>
  serialize.bind({ statement, portal, values })
export const e = (portal = '', rows = 0): Buffer => serialize.execute({ portal, rows })
export const closeStatement = (name: string): Buffer => serialize.close({ type: 'S', name })
export const s = serialize.sync()
/** Parse, Bind and Execute of one statement. */
export const pbe = (sql: string | Buffer, values: (string | null)[] = []): Buffer =>
  Buffer.concat([p(sql), b('', '', values), e()])

/** Field of an ErrorResponse or NoticeResponse by its letter. */
export function fieldOf({ body }: Message, letter: string): string | undefined {
  const fields = body.toString('utf8').split('\0')
  return fields.find((field) => field.startsWith(letter))?.slice(1)
}

/** Type characters in one string, without notices and reported settings. */
export const shape = (messages: readonly Message[]): string =>
  messages
    .filter(({ type }) => type !== 'N' && type !== 'S')
    .map(({ type }) => type)
    .join('')

/** The SQLSTATE of the first error among the messages. */
export function sqlstateOf(messages: readonly Message[]): string | undefined {
  const error = messages.find(({ type }) => type === 'E')
  return error && fieldOf(error, 'C')
}

/** Tags of the commands that were completed. */
export const tagsOf = (messages: readonly Message[]): string[] =>
  messages
    .filter(({ type }) => type === 'C')
    .map(({ body }) => body.toString('utf8', 0, body.length - 1))

/** First column of each row, as text. */
export const valuesOf = (messages: readonly Message[]): string[] =>
  messages
    .filter(({ type }) => type === 'D')
    .map(({ body }) => body.toString('utf8', 6, 6 + body.readInt32BE(2)))

/** Transaction status of the last ReadyForQuery: I, T or E. */
export const statusOf = (messages: readonly Message[]): string | undefined =>
  messages.findLast(({ type }) => type === 'Z')?.body.toString('latin1')

/** A connection. */
export class WireClient {
  readonly socket: Socket
  readonly #messages: Message[] = []
  #bytes = Buffer.alloc(0)
  #ended = false
  #wake: (() => void) | undefined
  /** Everything of the login, BackendKeyData included. */
  greeting: readonly Message[] = []

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('data', (chunk: Buffer) => this.#take(chunk))
    this.socket.on('error', () => this.#end())
    this.socket.on('close', () => this.#end())
  }

  /** Logs in; throws with the SQLSTATE when the server refuses. */
  static async login(options: LoginOptions): Promise<WireClient> {
    const client = new WireClient(options.port)
    const { role = 'reader', database = 'db', token = 'good', parameters = {} } = options
    client.send(startup({ user: role, database, ...parameters }))
    client.greeting = await client.until((type) => type === 'R' || type === 'E')
    client.#refuseError(client.greeting)
    client.send(serialize.password(token))
    client.greeting = await client.until((type) => type === 'Z' || type === 'E')
    client.#refuseError(client.greeting)
    return client
  }

  #refuseError(messages: readonly Message[]): void {
    const sqlstate = sqlstateOf(messages)
    if (sqlstate !== undefined) throw new Error(`login refused: ${sqlstate}`)
  }

  /** Sends bytes as they are. */
  send(...parts: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(parts))
  }

  /** The next message, or undefined when the connection has ended. */
  async next(): Promise<Message | undefined> {
    const wait = async (): Promise<Message | undefined> => {
      for (;;) {
        const message = this.#messages.shift()
        if (message !== undefined) return message
        if (this.#ended) return undefined
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
    return within(wait(), 'a message')
  }

  /** Messages up to the first that fits, or to the end of the connection. */
  async until(fits: (type: string) => boolean): Promise<Message[]> {
    const messages: Message[] = []
    for (;;) {
      const message = await this.next()
      if (message === undefined) return messages
      messages.push(message)
      if (fits(message.type)) return messages
    }
  }

  /** Messages up to the given number of ReadyForQuery. */
  async ready(count = 1): Promise<Message[]> {
    const messages: Message[] = []
    for (let round = 0; round < count; round += 1) {
      messages.push(...(await this.until((type) => type === 'Z')))
    }
    return messages
  }

  /** Sends a Query and gives what comes back. A COPY from here gets no data. */
  async query(sql: string | Buffer): Promise<Message[]> {
    this.send(q(sql))
    return this.#answered(serialize.copyDone())
  }

  /** Sends Parse, Bind, Execute and Sync, and gives what comes back. */
  async extended(sql: string | Buffer, values: (string | null)[] = []): Promise<Message[]> {
    this.send(pbe(sql, values), s)
    return this.#answered(Buffer.concat([serialize.copyDone(), s]))
  }

  async #answered(noData: Buffer): Promise<Message[]> {
    const messages = await this.until((type) => type === 'Z' || type === 'G')
    if (messages.at(-1)?.type !== 'G') return messages
    this.send(noData)
    return [...messages, ...(await this.until((type) => type === 'Z'))]
  }

  /** Everything until the connection is closed. */
  rest(): Promise<Message[]> {
    return this.until(() => false)
  }

  /** Process id and secret for a CancelRequest. */
  get key(): { processId: number; secret: number } {
    const body = this.greeting.find(({ type }) => type === 'K')?.body ?? Buffer.alloc(8)
    return { processId: body.readUInt32BE(0), secret: body.readUInt32BE(4) }
  }

  /** Says goodbye. */
  async close(): Promise<void> {
    if (!this.#ended) this.send(frame('X'))
    await this.rest()
    this.socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    while (this.#bytes.length >= 5) {
      const end = 1 + this.#bytes.readUInt32BE(1)
      if (this.#bytes.length < end) break
      const type = String.fromCharCode(this.#bytes[0] ?? 0)
      this.#messages.push({ type, body: this.#bytes.subarray(5, end) })
      this.#bytes = this.#bytes.subarray(end)
    }
    this.#wake?.()
  }

  #end(): void {
    this.#ended = true
    this.#wake?.()
  }
}

/** A start-up packet of any minor version. */
export function startup(parameters: Readonly<Record<string, string>>, minor = 0): Buffer {
  const fields = Object.entries(parameters).flatMap(([name, value]) => [name, value])
  return packet(0x30000 + minor, Buffer.from(`${fields.map((field) => `${field}\0`).join('')}\0`))
}

/** An untyped packet: length, code, body. */
export function packet(code: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + body.length, 0)
  head.writeUInt32BE(code, 4)
  return Buffer.concat([head, body])
}

/** Sends a CancelRequest over a connection of its own; resolves when the server has closed it. */
export async function cancel(port: number, key: { processId: number; secret: number }) {
  const client = new WireClient(port)
  const body = Buffer.alloc(8)
  body.writeUInt32BE(key.processId, 0)
  body.writeUInt32BE(key.secret, 4)
  client.send(packet(80877102, body))
  await client.rest()
}
