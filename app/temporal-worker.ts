// Runs workflows and activities in this process. Stops gracefully: what is running is finished or
// handed back, nothing is lost, because everything that matters is in Temporal and in the store.

import type { DataConverter } from '@temporalio/common'
import {
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type LogEntry,
  type NativeConnection,
} from '@temporalio/worker'
import type { Activities } from '../workflows/activities.js'

/** What a worker needs. The connection stays the caller's to close, after `stop`. */
export interface WorkerOptions {
  readonly connection: NativeConnection
  readonly namespace: string
  readonly taskQueue: string
  /** File with the workflow bundle. */
  readonly bundlePath: string
  readonly activities: Activities
  readonly dataConverter: DataConverter
}

/** A worker that runs. */
export interface RunningWorker {
  /** Resolves when the worker has stopped, rejects when it failed. */
  readonly ended: Promise<void>
  /** Stops taking work, finishes what runs, for at most ten seconds. Idempotent. */
  stop(): Promise<void>
}

/** Where Temporal's log lines go; never to the output of a command. */
export type TemporalLog = (level: LogEntry['level'], message: string) => void

/** Sends the log of Temporal's SDK to `log`. Once per process, before the first worker. */
export function routeTemporalLog(log: TemporalLog): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', (entry) => {
      log(entry.level, entry.message)
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
    },
    // The process has signal handlers of its own, and stops its parts in order.
    shutdownSignals: [],
  })
}

/** Starts a worker and returns as soon as it polls. */
export async function startTemporalWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { connection, namespace, taskQueue, bundlePath, activities, dataConverter } = options
  const worker = await Worker.create({
    ...{ connection, namespace, taskQueue, dataConverter },
    activities: { ...activities },
    workflowBundle: { codePath: bundlePath },
    // A bug ends one workflow, which closes its grant, instead of blocking it for ever.
    workflowFailureErrorTypes: { '*': ['TypeError', 'RangeError', 'WarderError'] },
    // Two cores: more at a time only makes each of them slower. A waiting workflow takes no slot.
    maxConcurrentWorkflowTaskExecutions: 40,
    maxConcurrentLocalActivityExecutions: 40,
    maxConcurrentActivityTaskExecutions: 40,
    // About 0.2 MB each; beyond it the oldest are replayed when they are next needed.
    maxCachedWorkflows: 1_000,
    shutdownGraceTime: '5s',
    shutdownForceTime: '10s',
  })
  const ended = worker.run()
  let isStopping = false
  return {
    ended,
    async stop() {
      if (!isStopping) {
        isStopping = true
        if (worker.getState() === 'RUNNING') worker.shutdown()
      }
      await ended
    },
  }
}
