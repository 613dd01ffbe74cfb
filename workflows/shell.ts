// What both workflows need around their reducer: activity stubs with their limits, refusals as
// failures of an update, and waiting that a cancel request does not break.

import {
  ApplicationFailure,
  CancellationScope,
  condition,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow'
import { messageOf, type Refusal } from '../core/errors.js'
import type { Activities } from './activities.js'

/** Short store calls in the worker itself. They are retried for as long as the workflow runs. */
export const nearby = proxyLocalActivities<Activities>({
  startToCloseTimeout: '5s',
  // Longer pauses become timers of the server, so that messages are not kept waiting meanwhile.
  localRetryThreshold: '1s',
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '10s' },
})

/**
 * As `nearby`, and the workflow task does not end before it has succeeded: an update that is
 * accepted in that task is heard of only then.
 */
export const firstOfAll = proxyLocalActivities<Activities>({
  startToCloseTimeout: '5s',
  localRetryThreshold: '60s',
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '2s' },
})

/** One try: its caller can live without the answer. */
export const glance = proxyLocalActivities<Activities>({
  scheduleToCloseTimeout: '1s',
  retry: { maximumAttempts: 1 },
})

/** Calls that must not keep the answer of an update waiting: scheduled after it has left. */
export const afterwards = proxyActivities<Activities>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '10s' },
})

/** A refusal as what a validator throws: its type is our code, nothing is written to history. */
export const rejection = ({ code, details }: Refusal): ApplicationFailure =>
  ApplicationFailure.nonRetryable(messageOf({ code, details }), code, details)

/**
 * Waits in a scope of its own: a cancel request is an event for the reducer, it breaks nothing off.
 * False when the time was over first.
 */
export async function settled(holds: () => boolean, waitMsMax?: number): Promise<boolean> {
  return CancellationScope.nonCancellable(async () => {
    if (waitMsMax !== undefined) return condition(holds, waitMsMax)
    await condition(holds)
    return true
  })
}

/** Runs a handler so that a bug in it fails this one update instead of blocking the workflow. */
export async function guarded<T>(handler: () => T | Promise<T>): Promise<T> {
  try {
    return await handler()
  } catch (error) {
    if (error instanceof ApplicationFailure) throw error
    throw ApplicationFailure.nonRetryable(
      error instanceof Error ? error.message : String(error),
      'INTERNAL',
    )
  }
}
