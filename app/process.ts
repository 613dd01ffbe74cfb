// One serving process in the foreground: from its start to the signal, or the word of its
// supervisor, that ends it. What it serves is passed in.

import type { Writable } from 'node:stream'

import { pino } from 'pino'

import { WarderError } from '../core/errors.js'
import type { Environment } from './environment.js'
import type { ProcessOptions } from './foundation.js'
import { asParentMessage, type ChildMessage, type GatewayAddress } from './process-messages.js'

/** Exit code of a process that can't go on (EX_SOFTWARE). */
export const CANT_GO_ON = 70
/** Exit code of a process whose supervisor died (EX_TEMPFAIL). */
const ORPHANED = 75
/** Exit code after a second signal. */
const BROKEN_OFF = 130

/** What a process is run with. */
export interface RunOptions {
  readonly environment: Environment
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly output: Writable
  /** Calls the listener on each signal that asks the process to stop. */
  readonly onStopAsked: (listener: () => void) => void
}

/** Something that serves. */
export interface RunningProcess {
  readonly address?: GatewayAddress | undefined
  stop(): Promise<void>
}

/** Starts what serves; `mayListen` resolves when callers may be let in. */
export type Start<T extends RunningProcess = RunningProcess> = (
  options: ProcessOptions,
  mayListen: Promise<void>,
) => Promise<T>

/** Runs until it is asked to stop (0) or can't go on (70). */
export async function runProcess<T extends RunningProcess>(
  options: RunOptions,
  start: Start<T>,
  announce: (running: T, say: (line: string) => void) => void,
): Promise<number> {
  const { environment, variables, version, output } = options
  const log = pino({ level: environment.logLevel }, output)
  const supervisor = new SupervisorLink()
  const end = endAsked(options, supervisor, (line) => output.write(`${line}\n`))
  const say = (line: string) => {
    if (supervisor.isThere) supervisor.tell({ kind: 'progress', line })
    else output.write(`${line}\n`)
  }
  let running: T
  try {
    running = await start(
      {
        ...{ environment, variables, version, progress: say },
        report: (what, failure) => log.error({ err: failure, what }, 'something failed'),
        onFatal: (failure) => {
          log.fatal({ err: failure }, 'Warder can’t go on')
          end.ask(CANT_GO_ON)
        },
      },
      supervisor.mayListen,
    )
  } catch (failure) {
    if (!supervisor.isThere || !(failure instanceof WarderError)) throw failure
    supervisor.tell({ kind: 'failed', refusal: failure.refusal })
    return supervisor.leave(CANT_GO_ON)
  }
  if (supervisor.isThere) supervisor.tell({ kind: 'ready', address: running.address })
  else announce(running, say)
  const code = await end.asked
  await running.stop()
  return supervisor.leave(code)
}

/** The one end of a process, whoever asks for it first. */
function endAsked(
  { onStopAsked }: RunOptions,
  supervisor: SupervisorLink,
  say: (line: string) => void,
) {
  let ask: (code: number) => void = () => undefined
  const asked = new Promise<number>((resolve) => {
    ask = resolve
  })
  supervisor.onStop(() => ask(0))
  let askedCount = 0
  onStopAsked(() => {
    // A terminal's Ctrl-C reaches every process: the supervisor stops them in its own order.
    if (supervisor.isThere) return
    askedCount += 1
    if (askedCount > 1) process.exit(BROKEN_OFF)
    say('Stopping: no new callers; open sessions are ended …')
    ask(0)
  })
  return { asked, ask: (code: number) => ask(code) }
}

/** The way to the supervisor that started this process, if one did. */
class SupervisorLink {
  readonly isThere = process.send !== undefined
  /**
   * Resolves when callers may be let in, at once without a supervisor; rejects when it is to stop
   * before that.
   */
  readonly mayListen: Promise<void>
  #onStop: () => void = () => undefined

  constructor() {
    this.mayListen = this.isThere ? this.#listen() : Promise.resolve()
    this.mayListen.catch(() => undefined)
  }

  tell(message: ChildMessage): void {
    // Away since a moment ago: `disconnect` says so.
    if (process.connected) process.send?.(message)
  }

  onStop(listener: () => void): void {
    this.#onStop = listener
  }

  /** Lets go of the supervisor, so that nothing keeps the process alive. */
  leave(code: number): number {
    process.removeAllListeners('disconnect')
    if (process.connected) process.disconnect()
    return code
  }

  #listen(): Promise<void> {
    // Nobody would start it again, or stop it: its sessions must not outlive who answers for them.
    process.on('disconnect', () => process.exit(ORPHANED))
    return new Promise((resolve, reject) => {
      process.on('message', (message) => {
        const kind = asParentMessage(message)?.kind
        if (kind === 'listen') resolve()
        if (kind !== 'stop') return
        reject(new WarderError('CONTROL_PLANE_UNAVAILABLE', { why: 'it was stopped' }))
        this.#onStop()
      })
    })
  }
}
