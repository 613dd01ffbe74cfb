// A real `warder up`: the compiled program as a child process, its output, and every way to end it.

import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { asIdentity, isRunning, type ProcessIdentity } from '../../app/embedded/process-identity.js'
import { Hopeless, until, within } from './until.js'

const PROGRAM = fileURLToPath(new URL('../../dist/app/main.js', import.meta.url))
const START_MS_MAX = 60_000
const STOP_MS_MAX = 30_000

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One run of the program. */
export class WarderProcess {
  readonly #child: ChildProcess
  readonly #dataDirectory: string
  readonly ended: Promise<Exit>
  /** Everything that it wrote so far, on both streams. */
  output = ''

  private constructor(child: ChildProcess, dataDirectory: string) {
    this.#child = child
    this.#dataDirectory = dataDirectory
    const take = (text: string) => {
      this.output += text
    }
    child.stdout?.setEncoding('utf8').on('data', take)
    child.stderr?.setEncoding('utf8').on('data', take)
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        resolve({ code, signal })
      })
    })
  }

  /** Starts it; what it listens on is known once `ready` has resolved. */
  static spawn(dataDirectory: string, variables: Readonly<Record<string, string>>): WarderProcess {
    if (!existsSync(PROGRAM)) throw new Error('dist/ is not built: run `npm run build`')
    const child = spawn(process.execPath, [PROGRAM, 'up'], {
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: homedir(),
        WARDER_CACHE: process.env['WARDER_CACHE'] ?? join(homedir(), '.cache/warder'),
        WARDER_DATA: dataDirectory,
        WARDER_LISTEN_POSTGRES: '127.0.0.1:0',
        WARDER_LISTEN_API: '127.0.0.1:0',
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return new WarderProcess(child, dataDirectory)
  }

  /** Resolves when callers can come. */
  async ready(): Promise<void> {
    await until('warder up is ready', START_MS_MAX, () => {
      if (!this.isRunning) throw new Hopeless(`warder up ended at start:\n${this.output}`)
      return this.output.includes('Certificates are signed by')
    })
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Port for PostgreSQL clients. */
  get postgresPort(): number {
    return Number(this.#said(/PostgreSQL clients: \S+:(\d+)/))
  }

  /** Base URL of the API. */
  get api(): string {
    return this.#said(/API and command line: (\S+)/)
  }

  /** PEM of the authority that signed its certificate. */
  get authority(): string {
    return readFileSync(this.#said(/Certificates are signed by (\S+)/), 'utf8')
  }

  /** The servers that it runs as its children, by the records it keeps of them. */
  engines(): { readonly store: ProcessIdentity; readonly temporal: ProcessIdentity } {
    const identity = (...path: readonly string[]) => {
      const file = join(this.#dataDirectory, ...path, 'process.json')
      const record: unknown = JSON.parse(readFileSync(file, 'utf8'))
      const child = asIdentity((record as { child?: unknown }).child)
      if (child === undefined) throw new Error(`${file} names no process`)
      return child
    }
    return { store: identity('postgres', 'store'), temporal: identity('temporal') }
  }

  /** SIGKILL: no chance to say or write anything. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await within('the killed process is gone', STOP_MS_MAX, this.ended)
  }

  /** SIGTERM, as a service manager would; resolves with how it ended. */
  async stop(): Promise<Exit> {
    if (this.isRunning) this.#child.kill('SIGTERM')
    return within('warder up stops on SIGTERM', STOP_MS_MAX, this.ended)
  }

  #said(pattern: RegExp): string {
    const found = pattern.exec(this.output)?.[1]
    if (found === undefined) throw new Error(`warder up has not said ${String(pattern)}`)
    return found
  }
}

/** Ends what is still running of these processes, hard. */
export function killLeftovers(processes: readonly ProcessIdentity[]): void {
  for (const process_ of processes) if (isRunning(process_)) process.kill(process_.pid, 'SIGKILL')
}
