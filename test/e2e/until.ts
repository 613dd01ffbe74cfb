// Waiting without sleeping: asks again and again until something is so, or a deadline has passed.

import { setTimeout as pause } from 'node:timers/promises'

const POLL_MS = 20

/** Thrown by a probe to say that what is waited for can't happen any more. */
export class Hopeless extends Error {}

/**
 * The first value of `probe` that is neither undefined nor false. A probe that throws is asked again.
 *
 * @throws Error naming `what`, and the last thing that the probe threw, after `deadlineMs`.
 */
export async function until<T>(
  what: string,
  deadlineMs: number,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  pollMs = POLL_MS,
): Promise<T> {
  const end = performance.now() + deadlineMs
  let last: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value !== undefined && value !== false) return value
    } catch (error) {
      if (error instanceof Hopeless) throw error
      last = error
    }
    if (performance.now() > end) {
      throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause: last })
    }
    await pause(pollMs)
  }
}

/** The value, or an error naming `what` when it does not come in time. */
export async function within<T>(what: string, deadlineMs: number, value: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not within ${deadlineMs} ms: ${what}`))
    }, deadlineMs)
  })
  try {
    return await Promise.race([value, late])
  } finally {
    clearTimeout(timer)
  }
}
