// What this process uses while something is done: the gateway runs in it, and so does what plays on it.

import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const SAMPLE_MS = 10
const NS_PER_MS = 1_000_000

setFlagsFromString('--expose-gc')
/** Collects all garbage there is. */
export const collectGarbage = runInNewContext('gc') as () => void

/** Runs `work`; resolves with the bytes by which resident memory at its peak was above the beginning. */
export async function residentGrowth(work: () => Promise<void>): Promise<number> {
  collectGarbage()
  const before = process.memoryUsage.rss()
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, SAMPLE_MS)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return Math.max(peak, process.memoryUsage.rss()) - before
}

/**
 * How long the main thread has run, ms (proc(5), `schedstat`): unlike a clock, that does not grow while
 * something else on the machine has its turn. A clock where the system does not say.
 */
export function mainThreadMs(): number {
  try {
    const stat = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1')
    return Number(stat.split(' ')[0]) / NS_PER_MS
  } catch {
    return performance.now()
  }
}
