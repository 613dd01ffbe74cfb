// The Temporal dev server as Warder's child, on a database file of its own. For one machine; it
// listens on loopback only and is not what Temporal's makers advise for production.

import { join } from 'node:path'
import { Connection } from '@temporalio/client'
import { WarderError } from '../../core/errors.js'
import { systemClock } from '../clock.js'
import { openPart } from '../data-directory.js'
import type { Progress } from './executable.js'
import { accepts, choosePort } from './loopback-port.js'
import { SupervisedChild, clearOrphan } from './supervised-child.js'
import type { ChildSpec, StopStep } from './supervised-child.js'

const TITLE = 'Temporal (dev server)'
const NAMESPACE = 'default'
/** Its first start makes the database; on a busy machine that takes some seconds. */
const START_MS_MAX = 60_000
const PROBE_MS_MAX = 1_000
const STOP_STEPS: readonly StopStep[] = [
  { signal: 'SIGTERM', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
]

/** Where the dev server keeps its state, and where it listens. */
export interface TemporalServerOptions {
  /** Path of the Temporal CLI. */
  readonly binary: string
  readonly dataDirectory: string
  /** Any free one, the same at each start, when absent. */
  readonly port?: number
  readonly progress: Progress
  /** Called once when the server can't be kept running any longer. */
  readonly onGivenUp: (failure: Error) => void
}

/** A dev server that is started again, on the same port and file, whenever it dies. */
export class TemporalServer {
  readonly address: string
  readonly namespace = NAMESPACE
  readonly #child: SupervisedChild

  private constructor(address: string, child: SupervisedChild) {
    this.address = address
    this.#child = child
  }

  /**
   * Starts it and resolves when it serves. What an earlier, killed start left behind is stopped.
   *
   * @throws WarderError `CONTROL_PLANE_UNAVAILABLE` with the end of its log when it does not start.
   */
  static async start(options: TemporalServerOptions): Promise<TemporalServer> {
    const { dataDirectory, progress, onGivenUp } = options
    try {
      const directory = openPart(dataDirectory, 'temporal')
      const recordFile = join(directory, 'process.json')
      await clearOrphan(TITLE, recordFile, STOP_STEPS, progress)
      const port = await choosePort(join(directory, 'port'), options.port)
      const address = `127.0.0.1:${port}`
      progress(`Starting ${TITLE} on ${address}: for one machine, not for production …`)
      const spec = childSpec(options.binary, directory, recordFile, port)
      return new TemporalServer(address, await SupervisedChild.start(spec, progress, onGivenUp))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new WarderError('CONTROL_PLANE_UNAVAILABLE', { why }, { cause: error })
    }
  }

  /** Number of the server's process, which changes when it is started again. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Stops it; what it holds stays in its file. Idempotent. */
  stop(): Promise<void> {
    return this.#child.stop()
  }
}

function childSpec(binary: string, directory: string, recordFile: string, port: number): ChildSpec {
  // With WAL and NORMAL the file is as fast as memory, and a kill -9 of the server loses nothing.
  const pragmas = ['journal_mode=WAL', 'synchronous=NORMAL']
  return {
    title: TITLE,
    command: binary,
    arguments: [
      ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port)],
      ...['--db-filename', join(directory, 'temporal.db')],
      ...pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
      ...['--log-level', 'warn', '--log-format', 'json'],
    ],
    // The user's own CLI profile and TEMPORAL_* variables are none of this server's business.
    environment: { HOME: directory, PATH: '/usr/bin:/bin', TZ: 'UTC' },
    logFile: join(directory, 'server.log'),
    recordFile,
    // The plain connection first: a refused gRPC channel waits a second before it tries again.
    isReady: async () => (await accepts(port)) && (await serves(`127.0.0.1:${port}`)),
    startMsMax: START_MS_MAX,
    stopSteps: STOP_STEPS,
  }
}

/** True when the server answers and its namespace is there. */
async function serves(address: string): Promise<boolean> {
  let connection: Connection | undefined
  try {
    connection = await Connection.connect({ address, connectTimeout: PROBE_MS_MAX })
    const { workflowService } = connection
    await connection.withDeadline(systemClock.now() + PROBE_MS_MAX, () =>
      workflowService.describeNamespace({ namespace: NAMESPACE }),
    )
    return true
  } catch {
    return false
  } finally {
    await connection?.close()
  }
}
