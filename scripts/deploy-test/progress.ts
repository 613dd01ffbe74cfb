// Says what is being waited for: at its start, every half minute while it lasts, and how long it took.

import type { Narrator } from '../demo/narrator.js'

const HEARTBEAT_MS = 30_000
/** What is over sooner is not worth a second line. */
const WORTH_TELLING_MS = 1_000

/** Something that takes a while. */
export type Timed = <T>(what: string, work: () => Promise<T>) => Promise<T>

/** Times work, and tells the narrator of it. */
export const timedBy =
  (narrator: Narrator): Timed =>
  async (what, work) => {
    const startedMs = performance.now()
    const seconds = () => ((performance.now() - startedMs) / 1_000).toFixed(0)
    narrator.note(`${what} …`)
    const heartbeat = setInterval(() => {
      narrator.note(`  still at it after ${seconds()} s: ${what}`)
    }, HEARTBEAT_MS)
    try {
      const value = await work()
      if (performance.now() - startedMs > WORTH_TELLING_MS)
        narrator.note(`  done in ${seconds()} s`)
      return value
    } finally {
      clearInterval(heartbeat)
    }
  }
