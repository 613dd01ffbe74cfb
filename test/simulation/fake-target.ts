// A PostgreSQL server reduced to turn-taking: it runs statements by the letters of their text, answers
// in order, fails transactions and skips pipelines as the manual says (55.2.2, 55.2.3). Its messages
// are built and read here, by hand, so that nothing of the gateway's codec vouches for itself.

const HEADER_BYTES = 5

/** One frame: type letter, length, body. */
export function frame(type: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (Buffer.isBuffer(part) ? part : text(part))))
  const head = Buffer.alloc(HEADER_BYTES)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** A string as the protocol writes it, with its zero. */
const text = (value: string): Buffer => Buffer.from(`${value}\0`)

/** A number of 16 bits. */
export const short = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

/** A number of 32 bits. */
export const long = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Takes whole frames from a growing stream. */
export class Frames {
  #held = Buffer.alloc(0)

  push(chunk: Buffer): { readonly type: string; readonly body: Buffer }[] {
    this.#held = Buffer.concat([this.#held, chunk])
    const found: { type: string; body: Buffer }[] = []
    while (this.#held.length >= HEADER_BYTES) {
      const end = 1 + this.#held.readInt32BE(1)
      if (this.#held.length < end) break
      const type = this.#held.toString('latin1', 0, 1)
      found.push({ type, body: this.#held.subarray(HEADER_BYTES, end) })
      this.#held = this.#held.subarray(end)
    }
    return found
  }
}

/** The zero-terminated strings at the start of a body. */
export const strings = (body: Buffer, count: number): string[] =>
  body.toString('latin1').split('\0', count)

/** The target; `onRun` hears of each statement just before it runs, and whether in a transaction. */
export class FakeTarget {
  /** Bytes on their way back. */
  out = Buffer.alloc(0)
  readonly #onParse: (statement: string) => void
  readonly #onRun: (statement: string, inTransaction: boolean) => void
  readonly #frames = new Frames()
  #status: 'I' | 'T' | 'E' = 'I'
  #skipping = false
  readonly #statements = new Map<string, string>()
  readonly #portals = new Map<string, string>()

  constructor(
    onParse: (statement: string) => void,
    onRun: (statement: string, inTransaction: boolean) => void,
  ) {
    this.#onParse = onParse
    this.#onRun = onRun
  }

  take(chunk: Buffer): void {
    for (const { type, body } of this.#frames.push(chunk)) this.#message(type, body)
  }

  #message(type: string, body: Buffer): void {
    if (type === 'S') {
      this.#skipping = false
      this.#say('Z', Buffer.from(this.#status))
      return
    }
    if (this.#skipping) return
    const [first = '', second = ''] = strings(body, 2)
    switch (type) {
      case 'Q':
        this.#onParse(first)
        this.#run(first)
        this.#skipping = false
        this.#say('Z', Buffer.from(this.#status))
        return
      case 'P':
        this.#onParse(second)
        if (!/^[a-z]+ \d+$/.test(second)) {
          this.#fail('42601')
          return
        }
        this.#statements.set(first, second)
        this.#say('1')
        return
      case 'B':
        this.#portals.set(first, this.#statements.get(second) ?? 'nothing')
        this.#say('2')
        return
      case 'E':
        this.#run(this.#portals.get(first) ?? 'nothing')
        return
      case 'H':
      case 'X':
        return
      default:
        throw new Error(`the simulation sends no message ${type}`)
    }
  }

  #run(statement: string): void {
    const [verb = ''] = statement.split(' ')
    if (!/^[a-z]+ \d+$/.test(statement)) {
      this.#fail('42601')
      return
    }
    if (this.#status === 'E' && verb !== 'commit' && verb !== 'rollback') {
      this.#fail('25P02')
      return
    }
    this.#onRun(statement, this.#status === 'T')
    if (verb === 'fail') {
      this.#fail('22012')
      return
    }
    if (verb === 'begin') this.#status = 'T'
    if (verb === 'commit' || verb === 'rollback') this.#status = 'I'
    if (verb === 'read') this.#say('D', short(1), long(3), Buffer.from('row'))
    this.#say('C', statement)
  }

  #fail(sqlstate: string): void {
    this.#say('E', 'SERROR', `C${sqlstate}`, 'Mno', Buffer.alloc(1))
    if (this.#status === 'T') this.#status = 'E'
    this.#skipping = true
  }

  #say(type: string, ...parts: readonly (string | Buffer)[]): void {
    this.out = Buffer.concat([this.out, frame(type, ...parts)])
  }
}
