// What the scenario acts with: the running gateway as its callers and its people see it, from other
// processes. Shows each command as somebody would type it, runs it, and shows what it printed.

import { fileURLToPath } from 'node:url'
import type { HostPort } from '../../app/environment.js'
import type { CastName } from './cast.js'
import { ChildRun } from './child-run.js'
import type { CommandLine } from './child-run.js'
import type { Narrator } from './narrator.js'
import type { DemoStage } from './stage.js'
import { TARGET } from './stage.js'

const CLI = fileURLToPath(new URL('../../app/main.js', import.meta.url))
/** Printed by the client itself once a statement is done. */
const DONE = '-- done --'

/** Where the gateway is. */
export interface Address {
  readonly postgres: HostPort
  readonly api: string
  readonly authorityFile: string
}

/** What the scenario is played with. */
export interface SceneOptions {
  readonly narrator: Narrator
  readonly stage: DemoStage
  readonly address: Address
  /** psql, or what stands in for it. */
  readonly psql: CommandLine
  /** Passed on to children: PATH, HOME and the like. */
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

/** What a command printed, and its exit code. */
export interface Outcome {
  readonly lines: readonly string[]
  readonly text: string
  readonly code: number
}

/** One playing of the scenario. */
export class Scene {
  readonly narrator: Narrator
  readonly stage: DemoStage
  readonly address: Address
  readonly psqlCommand: CommandLine
  readonly #options: SceneOptions
  readonly #runs = new Set<ChildRun>()

  constructor(options: SceneOptions) {
    this.narrator = options.narrator
    this.stage = options.stage
    this.address = options.address
    this.psqlCommand = options.psql
    this.#options = options
  }

  /** What psql finds in its environment: where the gateway is, and a token. No password. */
  async psqlVariables(name: CastName): Promise<Readonly<Record<string, string>>> {
    const { host, port } = this.address.postgres
    return {
      PGHOST: host,
      PGPORT: String(port),
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: this.address.authorityFile,
      PGPASSWORD: await this.stage.tokenFor(name),
    }
  }

  /** Starts psql as the job, without showing it. */
  psql(role: string, ...args: readonly string[]): Promise<ChildRun> {
    return this.psqlOf('migrate-job', role, ...args)
  }

  /** Starts psql as somebody, without showing it. */
  async psqlOf(name: CastName, role: string, ...args: readonly string[]): Promise<ChildRun> {
    const [file, ...first] = this.psqlCommand
    const command = [file, ...first, '-X', '-U', role, ...args, TARGET.resource] as const
    return this.start(command, await this.psqlVariables(name))
  }

  /** Types a statement, shows it and what came of it, and returns that. */
  async statement(run: ChildRun, sql: string): Promise<Outcome> {
    this.held(run, sql)
    return this.rest(run)
  }

  /** Types a statement that is not going to end at once. */
  held(run: ChildRun, sql: string): void {
    this.narrator.sql(TARGET.resource, sql)
    run.type(sql)
    run.type(`\\warn ${DONE}`)
  }

  /** Waits until the statement typed last is done, and shows what it printed. */
  async rest(run: ChildRun): Promise<Outcome> {
    const lines = (await run.until(new RegExp(`^${DONE}$`))).slice(0, -1)
    return this.#shown(lines, 0)
  }

  /** The notice of a held statement or login, shown, with the id that people know it by. */
  async notice(run: ChildRun, prefix: 'cmd' | 'req'): Promise<string> {
    const { text } = this.#shown(await run.until(/^(?:HINT|warder): /), 0)
    const id = new RegExp(`${prefix}_[a-z0-9]+`).exec(text)?.[0]
    if (id === undefined) throw new Error(`no ${prefix}_… in what was printed`)
    return id
  }

  /** Shows a run's last words and how it ended. */
  async end(run: ChildRun): Promise<Outcome> {
    run.endInput()
    const { lines, code } = await this.quietEnd(run)
    return this.#shown(lines, code)
  }

  /** Waits for its end without showing anything. */
  async quietEnd(run: ChildRun): Promise<Outcome> {
    const { lines, code } = await run.end()
    // What a stopping demo ended itself proves nothing.
    this.#options.signal.throwIfAborted()
    return { lines, text: lines.join('\n'), code }
  }

  /** Shows and runs the real command line as one of the cast. */
  async warder(name: CastName, ...args: readonly string[]): Promise<Outcome> {
    this.narrator.command(['warder', ...args.map(quoted)].join(' '), name)
    return this.end(await this.startWarder(name, ...args))
  }

  /** Runs it without showing anything. */
  async ask(name: CastName, ...args: readonly string[]): Promise<Outcome> {
    return this.quietEnd(await this.startWarder(name, ...args))
  }

  /** Starts it. */
  async startWarder(name: CastName, ...args: readonly string[]): Promise<ChildRun> {
    return this.start([process.execPath, CLI, ...args], {
      WARDER_SERVER: this.address.api,
      WARDER_CA: this.address.authorityFile,
      WARDER_TOKEN: await this.stage.tokenFor(name),
    })
  }

  /** Ends what still runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#runs].map((run) => run.stop()))
  }

  /** Starts any command; an abort ends it. */
  start(command: CommandLine, variables: Readonly<Record<string, string>>): ChildRun {
    this.#options.signal.throwIfAborted()
    const env = { ...this.#options.variables, ...variables }
    const run = ChildRun.start(command, env, this.#options.signal)
    this.#runs.add(run)
    return run
  }

  #shown(lines: readonly string[], code: number): Outcome {
    if (lines.length > 0) this.narrator.output(lines.join('\n'))
    return { lines, text: lines.join('\n'), code }
  }
}

/** As a shell wants it. */
export const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `"${word}"`)
