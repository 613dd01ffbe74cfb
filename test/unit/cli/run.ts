// How these tests run the CLI: against the real API over loopback, with everything behind it in memory.

import { Readable, Writable } from 'node:stream'
import { runCli } from '../../../cli/program.js'
import type { JobSignal } from '../../../cli/context.js'
import { readTokenClaims } from '../../../identity/token-reader.js'
import { buildApi, listenApi } from '../../../web/api/server.js'
import { FakeWarder } from '../../fakes/api-ports.js'

/** What one run left behind. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Extras of one run. */
export interface RunOptions {
  readonly as?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stdin?: string
  readonly isTerminal?: boolean
  readonly isWatched?: boolean
  readonly pause?: (ms: number) => Promise<void>
  readonly up?: (options: { readonly policyFile?: string | undefined }) => Promise<number>
}

/** A server and a terminal. */
export class Terminal {
  readonly warder = new FakeWarder()
  readonly #listeners = new Set<(signal: JobSignal) => void>()
  #api: ReturnType<typeof buildApi> | undefined
  #server = ''

  get server(): string {
    return this.#server
  }

  async start(): Promise<void> {
    this.#api = buildApi(this.warder.dependencies())
    const port = await listenApi(this.#api, {}, { host: '127.0.0.1', port: 0 })
    this.#server = `http://127.0.0.1:${String(port)}`
  }

  async stop(): Promise<void> {
    await this.#api?.close()
  }

  /** Somebody presses Ctrl-C, or stops the job. */
  signal(signal: JobSignal): void {
    for (const listener of this.#listeners) listener(signal)
  }

  get listenerCount(): number {
    return this.#listeners.size
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const { as = 'job', env = {}, stdin = '', isTerminal = false } = options
    const [out, err] = [new Sink(), new Sink()]
    const base = { WARDER_SERVER: this.#server, WARDER_TOKEN: as, PATH: process.env['PATH'] }
    const code = await runCli(
      {
        context: {
          env: { ...base, ...env },
          stdin: Readable.from([stdin]),
          stdout: out,
          stderr: err,
          isTerminal,
          clock: this.warder.clock,
          isWatched: options.isWatched,
          pause: options.pause ?? (() => Promise.resolve()),
          onSignal: (listener) => {
            this.#listeners.add(listener)
            return () => this.#listeners.delete(listener)
          },
        },
        version: '1.2.3',
        up: options.up ?? (() => Promise.resolve(0)),
        gateway: () => Promise.resolve(0),
        worker: () => Promise.resolve(0),
        readToken: (token, policy) =>
          readTokenClaims(token, [...policy.issuers.values()], { clock: this.warder.clock }),
        openSqlBench: () => Promise.reject(new Error('no server here')),
      },
      argv,
    )
    return { code, out: out.text, err: err.text }
  }
}

class Sink extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
