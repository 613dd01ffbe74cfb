// The clock of the process: the only place that reads the system's time. Never sleeps.

import { performance } from 'node:perf_hooks'
import type { Clock } from '../core/ports.js'

/** The system's clocks behind the Clock port; everything else is given this or a fake. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
}
