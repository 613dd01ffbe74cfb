// A server that Warder runs as its child: started, watched, started again when it dies, stopped.
// Leaves a record of who runs what, so that a later start finds what a kill -9 left behind.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { replaceFile } from '../private-file.js'
import { asIdentity, isRunning, ownIdentity, processIdentity } from './process-identity.js'
import type { ProcessIdentity } from './process-identity.js'
import type { Progress } from './executable.js'

/** What to run, and how to tell that it works. */
export interface ChildSpec {
  /** As people read it in progress lines: `PostgreSQL (store)`. */
  readonly title: string
  readonly command: string
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Only root may give it; the child then runs as this user. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
  readonly logFile: string
  readonly recordFile: string
  /** True once the child with this number answers; asked every `READY_POLL_MS`. */
  readonly isReady: (pid: number) => Promise<boolean>
  readonly startMsMax: number
  readonly stopSteps: readonly StopStep[]
}

/** One signal and how long it gets until the next, harder one. */
export interface StopStep {
  readonly signal: NodeJS.Signals
  readonly waitMs: number
}

const READY_POLL_MS = 20
const GONE_POLL_MS = 20
/** A log that is longer at start is put aside as `.1`, in place of the one before. */
const LOG_BYTES_MAX = 10 * 1024 * 1024
const LOG_TAIL_BYTES = 2_000
const RESTART_FIRST_MS = 100
const RESTART_MS_MAX = 5_000
/** Deaths in a row, each before `SETTLED_MS` have passed, after which starting again is given up. */
const DEATHS_MAX = 5
const SETTLED_MS = 30_000

/** Records that this very process has written and that are still its own. */
const ownRecords = new Set<string>()

/** A child that is up until it is stopped, or until it has died too often. */
export class SupervisedChild {
  readonly #spec: ChildSpec
  readonly #progress: Progress
  readonly #onGivenUp: (failure: Error) => void
  readonly #atExit = () => {
    this.#child?.kill('SIGTERM')
  }
  #child: ChildProcess | undefined
  readonly #stopping = new AbortController()
  #restart: Promise<void> = Promise.resolve()
  #deathCount = 0

  private constructor(spec: ChildSpec, progress: Progress, onGivenUp: (failure: Error) => void) {
    this.#spec = spec
    this.#progress = progress
    this.#onGivenUp = onGivenUp
  }

  /**
   * Starts the child and resolves when it is ready. `onGivenUp` is called once if it later can't be
   * kept running.
   *
   * @throws Error with the end of the child's log when it does not get ready.
   */
  static async start(
    spec: ChildSpec,
    progress: Progress,
    onGivenUp: (failure: Error) => void,
  ): Promise<SupervisedChild> {
    const child = new SupervisedChild(spec, progress, onGivenUp)
    process.once('exit', child.#atExit)
    ownRecords.add(spec.recordFile)
    try {
      await child.#launch()
    } catch (error) {
      await child.stop()
      throw error
    }
    return child
  }

  /** Number of the running child, for whoever wants to look at it. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Stops the child and forgets it. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#restart
    await this.#end()
    process.off('exit', this.#atExit)
    rmSync(this.#spec.recordFile, { force: true })
    ownRecords.delete(this.#spec.recordFile)
  }

  async #launch(): Promise<void> {
    const { title, startMsMax, isReady } = this.#spec
    const child = this.#spawn()
    const deadline = performance.now() + startMsMax
    const exited = new Promise<never>((_resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        reject(this.#failure(`${title} ended at start (${signal ?? `code ${code ?? '?'}`})`))
      })
    })
    const ready = async (pid: number) => {
      while (!(await isReady(pid))) {
        if (this.#isStopping()) return
        if (performance.now() > deadline) {
          throw this.#failure(`${title} was not ready after ${startMsMax / 1000} s`)
        }
        await delay(READY_POLL_MS)
      }
    }
    if (child.pid === undefined) await exited
    else await Promise.race([ready(child.pid), exited])
    exited.catch(() => undefined)
    child.once('exit', (code, signal) => {
      this.#restart = this.#died(signal ?? `code ${code ?? '?'}`)
    })
    if (child.exitCode !== null || child.signalCode !== null) await exited
  }

  #spawn(): ChildProcess {
    const { command, environment, user, logFile, recordFile } = this.#spec
    if (existsSync(logFile) && statSync(logFile).size > LOG_BYTES_MAX) {
      renameSync(logFile, `${logFile}.1`)
    }
    const log = openSync(logFile, 'a', 0o600)
    try {
      // Its own session: a Ctrl-C at the terminal reaches Warder alone, which then stops its
      // children in the right order.
      const child = spawn(command, this.#spec.arguments, {
        env: environment,
        stdio: ['ignore', log, log],
        detached: true,
        cwd: '/',
        ...(user ?? {}),
      })
      this.#child = child
      const identity = child.pid === undefined ? undefined : processIdentity(child.pid)
      replaceFile(recordFile, JSON.stringify({ owner: ownIdentity(), child: identity }))
      return child
    } finally {
      closeSync(log)
    }
  }

  async #died(how: string): Promise<void> {
    const { title } = this.#spec
    while (!this.#isStopping()) {
      this.#deathCount += 1
      if (this.#deathCount > DEATHS_MAX) {
        this.#onGivenUp(this.#failure(`${title} died ${DEATHS_MAX} times in a row (${how})`))
        return
      }
      this.#progress(`${title} ended (${how}); starting it again …`)
      const waitMs = Math.min(RESTART_FIRST_MS * 2 ** (this.#deathCount - 1), RESTART_MS_MAX)
      await delay(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      if (this.#isStopping()) return
      try {
        await this.#launch()
        this.#forgetDeathsLater()
        return
      } catch (error) {
        this.#progress(error instanceof Error ? error.message : String(error))
        await this.#end()
      }
    }
  }

  #forgetDeathsLater(): void {
    const child = this.#child
    setTimeout(() => {
      if (this.#child === child && child?.exitCode === null) this.#deathCount = 0
    }, SETTLED_MS).unref()
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  async #end(): Promise<void> {
    const child = this.#child
    const pid = child?.pid
    if (child === undefined || pid === undefined) return
    const gone = new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve()
      else child.once('exit', () => resolve())
    })
    for (const { signal, waitMs } of this.#spec.stopSteps) {
      child.kill(signal)
      const patience = new AbortController()
      const over = delay(waitMs, undefined, { signal: patience.signal }).catch(() => undefined)
      await Promise.race([gone, over])
      patience.abort()
      if (child.exitCode !== null || child.signalCode !== null) return
    }
  }

  #failure(what: string): Error {
    const { logFile } = this.#spec
    return new Error(`${what}; the end of ${logFile}:\n${logTail(logFile)}`)
  }
}

/**
 * Makes sure that nothing from an earlier start still runs under this record: stops what a killed
 * Warder left behind.
 *
 * @throws Error when another Warder is running it now.
 */
export async function clearOrphan(
  title: string,
  recordFile: string,
  stopSteps: readonly StopStep[],
  progress: Progress,
): Promise<void> {
  const { owner, child } = readRecord(recordFile)
  if (owner !== undefined && isRunning(owner)) {
    if (owner.pid !== process.pid || ownRecords.has(recordFile)) {
      throw new Error(
        `${title} is being run by process ${owner.pid}; stop that one, or give this one a data directory of its own (WARDER_DATA)`,
      )
    }
  }
  if (child !== undefined) await stopOrphan(title, child, stopSteps, progress)
  rmSync(recordFile, { force: true })
}

/** Stops a process that is not our child any more, hard in the end. */
export async function stopOrphan(
  title: string,
  orphan: ProcessIdentity,
  stopSteps: readonly StopStep[],
  progress: Progress,
): Promise<void> {
  if (!isRunning(orphan)) return
  progress(`Stopping ${title}, left behind by an earlier start (process ${orphan.pid}) …`)
  for (const { signal, waitMs } of stopSteps) {
    if (!isRunning(orphan)) return
    process.kill(orphan.pid, signal)
    for (let waitedMs = 0; waitedMs < waitMs && isRunning(orphan); waitedMs += GONE_POLL_MS) {
      await delay(GONE_POLL_MS)
    }
  }
  if (isRunning(orphan)) throw new Error(`${title} (process ${orphan.pid}) can't be stopped`)
}

function readRecord(file: string): { owner?: ProcessIdentity; child?: ProcessIdentity } {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof value !== 'object' || value === null) return {}
    const owner = 'owner' in value ? asIdentity(value.owner) : undefined
    const child = 'child' in value ? asIdentity(value.child) : undefined
    return { ...(owner && { owner }), ...(child && { child }) }
  } catch {
    return {}
  }
}

function logTail(file: string): string {
  try {
    return readFileSync(file).subarray(-LOG_TAIL_BYTES).toString('utf8').trim()
  } catch {
    return '(no log)'
  }
}
