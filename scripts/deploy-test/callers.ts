// The callers and people of the test: real psql and the real command line, through the balancer.

import { fileURLToPath } from 'node:url'
import { ChildRun } from '../demo/child-run.js'
import type { CommandLine } from '../demo/child-run.js'
import { RESOURCE, ROLE, type Player } from './cast.js'
import type { Deployment } from './deployment.js'

const CLI = fileURLToPath(new URL('../../app/main.js', import.meta.url))
/** Passed on to children; nothing that leads psql elsewhere. */
const FOR_CHILDREN = ['PATH', 'HOME', 'LANG', 'TMPDIR'] as const
/** Printed by psql itself once a statement is done. */
const DONE = '-- done --'

/** What a command printed on both its outputs, and its exit code. */
export interface Outcome {
  readonly text: string
  readonly code: number
}

/** A psql that stays open. */
export class Session {
  readonly #run: ChildRun

  constructor(run: ChildRun) {
    this.#run = run
  }

  /** Types a statement and waits for what comes of it. */
  async ask(sql: string): Promise<string> {
    this.type(sql)
    return this.answer()
  }

  /** Types a statement that may wait. */
  type(sql: string): void {
    this.#run.type(sql)
    this.#run.type(`\\warn ${DONE}`)
  }

  /** What came of the statement typed last, once it is done. */
  async answer(): Promise<string> {
    return (await this.#run.until(new RegExp(`^${DONE}$`))).slice(0, -1).join('\n')
  }

  /** The id of the held command, as soon as the gateway tells it. */
  async heldId(): Promise<string> {
    const lines = await this.#run.until(/cmd_[a-z0-9]+/)
    const id = /cmd_[a-z0-9]+/.exec(lines.at(-1) ?? '')?.[0]
    if (id === undefined) throw new Error('no command was held')
    return id
  }

  /** Ends the input; what psql still says, and how it ends. */
  async end(): Promise<Outcome> {
    this.#run.endInput()
    const { lines, code } = await this.#run.end()
    return { text: lines.join('\n'), code }
  }
}

/** Starts them; ends what still runs. */
export class Callers {
  readonly deployment: Deployment
  readonly #signal: AbortSignal
  readonly #runs = new Set<ChildRun>()

  constructor(deployment: Deployment, signal: AbortSignal) {
    this.deployment = deployment
    this.#signal = signal
  }

  /** Opens a psql of the job's and waits until it is connected. */
  async session(): Promise<Session> {
    const { deployment } = this
    const run = this.#start(['psql', '-X', '-A', '-t', '-q', '-U', ROLE, RESOURCE], {
      PGHOST: 'localhost',
      PGHOSTADDR: '127.0.0.1',
      PGPORT: String(deployment.postgresPort),
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: deployment.authorityFile,
      PGPASSWORD: await deployment.issuer.tokenFor('migrate-job'),
    })
    const session = new Session(run)
    const text = await session.ask('SELECT 1;')
    if (text !== '1') throw new Error(`the session did not open: ${text}`)
    return session
  }

  /** Runs the command line as somebody, through the balancer. */
  async warder(player: Player, ...args: readonly string[]): Promise<Outcome> {
    const { deployment } = this
    const run = this.#start([process.execPath, CLI, ...args], {
      WARDER_SERVER: `https://localhost:${deployment.apiPort}`,
      WARDER_CA: deployment.authorityFile,
      WARDER_TOKEN: await deployment.issuer.tokenFor(player),
    })
    const { lines, code } = await run.end()
    return { text: lines.join('\n'), code }
  }

  /** Ends what still runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#runs].map((run) => run.stop()))
  }

  #start(command: CommandLine, variables: Readonly<Record<string, string>>): ChildRun {
    const kept = FOR_CHILDREN.map((name) => [name, process.env[name]] as const)
    const run = ChildRun.start(command, { ...Object.fromEntries(kept), ...variables }, this.#signal)
    this.#runs.add(run)
    return run
  }
}
