// Starts the processes that serve: gateways behind shared ports (node:cluster hands each new
// connection to the next of them) and, where it is wanted, a worker. Starts those again that die.

import { fork, type ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

import { WarderError } from '../core/errors.js'
import { asChildMessage, type GatewayAddress, type ParentMessage } from './process-messages.js'

/** What is supervised. */
export interface SupervisorOptions {
  /** File of the program; run with `gateway` and `worker` as its argument. */
  readonly program: string
  readonly gatewayCount: number
  /** Variables that only the worker gets, if there is to be one. */
  readonly worker?: Variables | undefined
  /** The environment of all of them, and nothing else. */
  readonly variables: Variables
  /** Gets what they write. */
  readonly output: Writable
  readonly progress: (line: string) => void
  readonly report: (what: string, failure: unknown) => void
  /** One of them keeps dying. */
  readonly onGivenUp: (failure: Error) => void
}

type Variables = Readonly<Record<string, string | undefined>>
type Role = 'gateway' | 'worker'

const START_MS_MAX = 120_000
/** Above what a gateway takes to end its sessions, and a worker to hand back its work. */
const STOP_MS_MAX = 60_000
/** Pause before one that died is started again. */
const RESTART_MS = 500
/** So many deaths within the window mean that starting again does not help. */
const DEATH_COUNT_MAX = 5
const DEATH_WINDOW_MS = 60_000

/** A process, from its start to its end. */
interface Child {
  readonly role: Role
  readonly process: ChildProcess
  readonly ready: Promise<GatewayAddress | undefined>
  readonly ended: Promise<void>
}

/** The running processes. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #children = new Set<Child>()
  readonly #deaths: number[] = []
  #isStopping = false
  /** Gateways wait for it: the policy file is applied by the worker. */
  #mayListen = false

  private constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /**
   * Starts all at once; callers are let in when the worker is ready.
   *
   * @throws WarderError what the first of them that failed to start said.
   */
  static async start(
    options: SupervisorOptions,
  ): Promise<{ supervisor: Supervisor; address: GatewayAddress }> {
    const supervisor = new Supervisor(options)
    cluster.setupPrimary({ exec: options.program, args: ['gateway'], silent: true })
    try {
      return { supervisor, address: await supervisor.#startAll() }
    } catch (failure) {
      await supervisor.stop()
      throw failure
    }
  }

  /** Ends gateways, then the worker; what does not end in time is killed. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#stopAll('gateway')
    await this.#stopAll('worker')
  }

  async #startAll(): Promise<GatewayAddress> {
    const { gatewayCount, worker } = this.#options
    const gateways = Array.from({ length: gatewayCount }, () => this.#start('gateway'))
    const addresses = Promise.all(gateways.map(({ ready }) => ready))
    addresses.catch(() => undefined)
    if (worker !== undefined) await Promise.race([this.#start('worker').ready, addresses])
    this.#mayListen = true
    for (const gateway of gateways) tell(gateway, { kind: 'listen' })
    const [address] = await addresses
    if (address === undefined) throw new WarderError('INTERNAL', { why: 'no gateway was started' })
    return address
  }

  #start(role: Role): Child {
    const process = role === 'gateway' ? this.#forkGateway() : this.#forkWorker()
    const { output } = this.#options
    process.stdout?.pipe(output, { end: false })
    process.stderr?.pipe(output, { end: false })
    const ended = new Promise<void>((resolve) => process.once('exit', () => resolve()))
    const child: Child = { role, process, ended, ready: this.#ready(role, process) }
    child.ready.catch(() => undefined)
    this.#children.add(child)
    process.once('exit', (code, signal) => this.#ended(child, signal ?? `code ${code ?? 0}`))
    return child
  }

  #forkGateway(): ChildProcess {
    return cluster.fork(this.#environment()).process
  }

  #forkWorker(): ChildProcess {
    const { program, worker = {} } = this.#options
    return fork(program, ['worker'], {
      env: defined({ ...this.#environment(), ...worker }),
      silent: true,
    })
  }

  /** node:cluster adds to this process's environment: what is not passed on is taken away. */
  #environment(): Variables {
    const taken = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]))
    return { ...taken, ...this.#options.variables }
  }

  #ready(role: Role, process: ChildProcess): Promise<GatewayAddress | undefined> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new WarderError('CONTROL_PLANE_UNAVAILABLE', { why }))
      const timer = setTimeout(() => fail(`the ${role} did not start in time`), START_MS_MAX)
      process.on('message', (message) => {
        const said = asChildMessage(message)
        if (said?.kind === 'progress') this.#options.progress(said.line)
        else if (said?.kind === 'failed')
          reject(new WarderError(said.refusal.code, said.refusal.details))
        else if (said?.kind === 'ready') resolve(said.address)
        if (said?.kind === 'ready') clearTimeout(timer)
      })
      process.once('exit', () => {
        clearTimeout(timer)
        fail(`the ${role} ended while it was starting`)
      })
    })
  }

  #ended(child: Child, how: string): void {
    this.#children.delete(child)
    if (this.#isStopping || !this.#mayListen) return
    const { report, onGivenUp } = this.#options
    report('supervisor', new Error(`a ${child.role} ended (${how}); another one is started`))
    const now = performance.now()
    this.#deaths.push(now)
    while ((this.#deaths[0] ?? now) < now - DEATH_WINDOW_MS) this.#deaths.shift()
    if (this.#deaths.length >= DEATH_COUNT_MAX) {
      onGivenUp(new Error(`${this.#deaths.length} processes ended within a minute`))
      return
    }
    setTimeout(() => this.#restart(child.role), RESTART_MS)
  }

  #restart(role: Role): void {
    if (this.#isStopping) return
    const child = this.#start(role)
    if (role === 'gateway') tell(child, { kind: 'listen' })
    child.ready.catch((failure: unknown) => this.#options.report(`start of a ${role}`, failure))
  }

  async #stopAll(role: Role): Promise<void> {
    const children = [...this.#children].filter((child) => child.role === role)
    await Promise.all(children.map((child) => stopped(child)))
  }
}

function tell({ process }: Child, message: ParentMessage): void {
  // It may have died a moment ago; its end is noticed by itself.
  if (process.connected) process.send(message, () => undefined)
}

async function stopped(child: Child): Promise<void> {
  const late = new AbortController()
  tell(child, { kind: 'stop' })
  const kill = sleep(STOP_MS_MAX, undefined, { signal: late.signal }).then(
    () => child.process.kill('SIGKILL'),
    () => undefined,
  )
  await child.ended
  late.abort()
  await kill
}

const defined = (variables: Variables): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  )
