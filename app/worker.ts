// `warder worker`: the process that runs workflows and activities, and applies the operator's policy
// file where there is one. Callers never reach it.

import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { NativeConnection } from '@temporalio/worker'

import { accessRulesOf } from '../activities/access-rules.js'
import { createActivities } from '../activities/activities.js'
import { openFoundation, type Foundation, type ProcessOptions } from './foundation.js'
import { createDataConverter } from './payload-codec.js'
import { followPolicyFile } from './policy-file.js'
import type { RunningProcess } from './process.js'
import { rotationOn } from './rotation.js'
import { TASK_QUEUE } from './temporal.js'
import { routeTemporalLog, startTemporalWorker } from './temporal-worker.js'

const BUNDLE = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url))
/** What a stopping worker still runs is handed back to Temporal after this. */
const STOP_MS_MAX = 15_000

/** Starts the worker; on any failure what was started is stopped again. */
export async function startWorker(options: ProcessOptions): Promise<RunningProcess> {
  const foundation = await openFoundation(options, 'wrk')
  const { policyFile } = options.environment
  try {
    const stopFollowing =
      policyFile === undefined
        ? () => undefined
        : await followPolicyFile(policyFile, foundation.policyLife, options)
    const stopWorkflows = await runWorkflows(options, foundation)
    endRotations(options, foundation)
    return {
      async stop() {
        stopFollowing()
        await stopWorkflows()
        await foundation.close()
      },
    }
  } catch (failure) {
    await foundation.close()
    throw failure
  }
}

/** In the background: until it is done, sessions are let in with either password. */
function endRotations({ report }: ProcessOptions, foundation: Foundation): void {
  rotationOn(foundation)
    .recover(`warder/${foundation.name}`)
    .then(
      (open) => open.forEach(({ name, why }) => report(`rotation of ${name}`, why)),
      (failure: unknown) => report('rotations', failure),
    )
}

async function runWorkflows(
  { environment, report, onFatal }: ProcessOptions,
  foundation: Foundation,
): Promise<() => Promise<void>> {
  const { keys, temporalAddress: address, policies, clock, audit } = foundation
  routeTemporalLog((level, message) => report(`temporal ${level}`, message))
  const connection = await NativeConnection.connect({ address })
  const worker = await startTemporalWorker({
    connection,
    namespace: environment.temporal.namespace,
    dataConverter: createDataConverter(keys.payloads),
    bundlePath: BUNDLE,
    taskQueue: TASK_QUEUE,
    activities: createActivities({
      rules: () => accessRulesOf(policies.policy),
      grants: foundation.grants,
      inbox: foundation.inbox,
      tokens: foundation.tokens,
      breakGlass: foundation.breakGlass,
      sessions: foundation.registry,
      releases: foundation.releases,
      ...{ audit, clock },
    }),
  })
  let isStopping = false
  worker.ended.catch((failure: unknown) => {
    if (!isStopping) onFatal(new Error('the worker failed', { cause: failure }))
  })
  return async () => {
    isStopping = true
    await Promise.race([worker.stop(), sleep(STOP_MS_MAX, undefined, { ref: false })])
    await connection.close()
  }
}
