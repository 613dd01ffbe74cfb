// A worker, the services on Temporal, and stores in memory: all that a workflow test talks to.
import { randomUUID } from 'node:crypto'
import type { TestWorkflowEnvironment } from '@temporalio/testing'
import { createActivities } from '../../activities/activities.js'
import { TemporalAccess } from '../../app/temporal-access.js'
import {
  TEMPORAL_DEADLINES,
  TemporalCalls,
  type TemporalDeadlines,
} from '../../app/temporal-calls.js'
import { TemporalReviews } from '../../app/temporal-reviews.js'
import { startTemporalWorker, type RunningWorker } from '../../app/temporal-worker.js'
import type { RequestId } from '../../core/ids.js'
import type { AccessVerdict } from '../../core/verdict.js'
import {
  MemoryAudit,
  MemoryBreakGlass,
  MemoryGrants,
  MemoryInbox,
  MemoryReleases,
  MemorySessions,
  MemoryTokens,
} from './memory-ports.js'
import { asks, minuteMs } from './questions.js'
import { bundlePath, testDataConverter } from './servers.js'

export interface World {
  readonly env: TestWorkflowEnvironment
  readonly access: TemporalAccess
  readonly reviews: TemporalReviews
  readonly grants: MemoryGrants
  readonly inbox: MemoryInbox
  readonly sessions: MemorySessions
  readonly releases: MemoryReleases
  readonly breakGlass: MemoryBreakGlass
  readonly audit: MemoryAudit
  readonly taskQueue: string
  readonly failures: unknown[]
  /** What policy says of every wish from now on. */
  verdict: AccessVerdict
  isSingleUse: boolean
  startWorker(): Promise<RunningWorker>
  services(processName: string, deadlines?: Partial<TemporalDeadlines>): Services
  stop(): Promise<void>
}

export interface Services {
  readonly access: TemporalAccess
  readonly reviews: TemporalReviews
}

export async function startWorld(env: TestWorkflowEnvironment): Promise<World> {
  const taskQueue = `warder-${randomUUID()}`
  const audit = new MemoryAudit()
  const grants = new MemoryGrants()
  const inbox = new MemoryInbox()
  const sessions = new MemorySessions()
  const releases = new MemoryReleases()
  const breakGlass = new MemoryBreakGlass()
  const failures: unknown[] = []
  const clock = { now: () => Date.now(), monotonicMs: () => performance.now() }
  const activities = createActivities({
    ...{ grants, inbox, sessions, releases, breakGlass, audit, clock, tokens: new MemoryTokens() },
    rules: () => ({
      digest: 'p'.repeat(64),
      isSingleUse: () => world.isSingleUse,
      judge: () => world.verdict,
    }),
  })
  const workers: RunningWorker[] = []
  const services = (processName: string, deadlines: Partial<TemporalDeadlines> = {}): Services => {
    const calls = new TemporalCalls({
      client: env.client,
      clock,
      deadlines: { ...TEMPORAL_DEADLINES, ...deadlines },
      report: (what, error) => failures.push([what, error]),
    })
    const release = (id: RequestId) => grants.release(id)
    const executionMsMax = () => 24 * 60 * minuteMs
    return {
      access: new TemporalAccess({ calls, taskQueue, processName, executionMsMax, release }),
      reviews: new TemporalReviews(calls, taskQueue, processName),
    }
  }
  const world: World = {
    ...{ env, grants, inbox, sessions, releases, breakGlass, audit, taskQueue, failures, services },
    ...services(randomUUID()),
    verdict: asks(),
    isSingleUse: false,
    async startWorker() {
      const worker = await startTemporalWorker({
        connection: env.nativeConnection,
        namespace: env.namespace ?? 'default',
        ...{ taskQueue, activities, bundlePath: await bundlePath() },
        dataConverter: testDataConverter(),
      })
      workers.push(worker)
      return worker
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()))
    },
  }
  await world.startWorker()
  return world
}

/** Never aborted. */
export const patient = (): AbortSignal => new AbortController().signal

/** Resolves once the condition holds; fails the test when it does not within ten seconds. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 10_000
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`did not happen: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
