// Connects the process to Temporal and hands out its two services. Where the server is and how it
// is spoken to comes from the configuration; nothing else in Warder knows that it is Temporal.

import { setTimeout as pause } from 'node:timers/promises'

import { Client, Connection, type ConnectionOptions } from '@temporalio/client'
import type { DataConverter } from '@temporalio/common'
import type { RequestId } from '../core/ids.js'
import type { AccessService, Clock, ReviewService } from '../core/ports.js'
import type { Policy } from '../policy/policy.js'
import { TemporalAccess } from './temporal-access.js'
import { TemporalCalls, TEMPORAL_DEADLINES, type TemporalDeadlines } from './temporal-calls.js'
import { TemporalReviews } from './temporal-reviews.js'

/** Queue that gateways and workers of one deployment share. */
export const TASK_QUEUE = 'warder'

/** How much longer than any rule allows a request may run: for its close-out, and for late clocks. */
const executionMarginMs = 3_600_000

/** How long a process that ends waits for what it still has to tell. */
const lastWordsMsMax = 1_000

/** The hard stop for access requests under a policy, in ms: its longest approval and grant. */
export function executionMsMaxOf(policy: Policy): number {
  const longestMs = policy.access.map(({ approval, durationMsMax, role }) => {
    const planMs = policy.roles.get(role)?.plans?.timeoutMs ?? 0
    return Math.max(approval?.timeoutMs ?? 0, planMs) + durationMsMax
  })
  return Math.max(0, ...longestMs) + executionMarginMs
}

/** What is needed to use a Temporal server. */
export interface TemporalOptions {
  readonly connection: ConnectionOptions
  readonly namespace: string
  readonly taskQueue: string
  readonly dataConverter: DataConverter
  readonly clock: Clock
  /** Tells this process from every other one, over restarts too: its gateway id, for example. */
  readonly processName: string
  /** See `executionMsMaxOf`; asked anew for each request. */
  readonly executionMsMax: () => number
  readonly release: (id: RequestId) => Promise<void>
  readonly report: (what: string, error: unknown) => void
  readonly deadlines?: TemporalDeadlines | undefined
}

/** The services, and the way out. */
export interface TemporalServices {
  readonly access: AccessService
  readonly reviews: ReviewService
  close(): Promise<void>
}

/** Connects lazily: a server that is away makes calls refuse, it does not keep a gateway down. */
export function connectTemporal(options: TemporalOptions): TemporalServices {
  const { namespace, dataConverter, taskQueue, processName, clock, report } = options
  const connection = Connection.lazy(options.connection)
  const client = new Client({ connection, namespace, dataConverter })
  const deadlines = options.deadlines ?? TEMPORAL_DEADLINES
  const calls = new TemporalCalls({ client, clock, deadlines, report })
  const { executionMsMax, release } = options
  return {
    access: new TemporalAccess({ calls, taskQueue, processName, executionMsMax, release }),
    reviews: new TemporalReviews(calls, taskQueue, processName),
    async close() {
      // A call under way would find its channel closed in the middle of a retry.
      await Promise.race([calls.hintsSent(), pause(lastWordsMsMax, undefined, { ref: false })])
      await connection.close()
    },
  }
}
