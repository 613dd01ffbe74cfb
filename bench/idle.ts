// `npm run bench -- idle`: how much memory of the gateway a session takes that does nothing, on a
// whole Warder with its embedded engines.

import { setTimeout as pause } from 'node:timers/promises'
import { BenchCaller } from './caller.js'
import { ROLE } from './policy-text.js'
import { residentKb } from './process-memory.js'
import { aligned } from './report.js'
import { rounded } from './rows.js'
import type { Row } from './rows.js'
import { onStage } from './stage.js'
import type { BenchStage, BenchSurroundings } from './stage.js'
import { DATABASE } from './target.js'

const SESSION_COUNT = 1_000
/** Opened and closed before: the first ones load code and let the heap grow. */
const WARM_UP_COUNT = 100
/** Logins under way at the same time. */
const AT_ONCE_COUNT = 8
/** What each session does before it is idle: twice what one read takes, so that no buffer stays unused. */
const SQL = 'SELECT line FROM bench.lines UNION ALL SELECT line FROM bench.lines'
const SAMPLE_MS = 1_000
/** Samples in a row that have to lie close together, and how close, kB. */
const QUIET_COUNT = 15
const QUIET_KB = 2_048
const SETTLE_MS_MAX = 90_000
/** Of each session; TLS takes more. */
const SESSION_KB_MAX = 120

/** What was seen. */
export interface IdleMemory {
  readonly sessionCount: number
  /** Resident memory of the gateway without sessions. */
  readonly beforeKb: number
  /** The same with all of them open and idle. */
  readonly idleKb: number
}

/** Measures, prints with `say`, and returns the rows. */
export async function benchIdle(
  surroundings: BenchSurroundings,
  say: (text: string) => void,
): Promise<readonly Row[]> {
  const { signal, progress } = surroundings
  return onStage(surroundings, async (stage) => {
    progress(`idle-${SESSION_COUNT}: ${WARM_UP_COUNT} sessions first, which are closed again …`)
    for (const caller of await open(stage, WARM_UP_COUNT, signal)) caller.end()
    const beforeKb = await settledKb(stage, signal)
    progress(`idle-${SESSION_COUNT}: ${SESSION_COUNT} sessions …`)
    const callers = await open(stage, SESSION_COUNT, signal)
    const idleKb = await settledKb(stage, signal)
    for (const caller of callers) caller.end()
    const seen = { sessionCount: SESSION_COUNT, beforeKb, idleKb }
    say(idleTable(seen))
    return idleRows(seen)
  })
}

/** Opens sessions that have each read some rows. */
async function open(
  { gateway, issuer }: BenchStage,
  count: number,
  signal: AbortSignal,
): Promise<readonly BenchCaller[]> {
  const callers: BenchCaller[] = []
  let openedCount = 0
  const openSome = async () => {
    while (openedCount < count) {
      openedCount += 1
      signal.throwIfAborted()
      const caller = await BenchCaller.open({
        port: gateway.address.port,
        userName: ROLE,
        database: DATABASE,
        password: await issuer.tokenFor('migrate-job'),
      })
      callers.push(caller)
      caller.query(SQL)
      await caller.next('Z')
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE_COUNT }, openSome))
  return callers
}

/** Waits until the collectors of garbage are done; the last sample when they never are. */
async function settledKb({ gateway }: BenchStage, signal: AbortSignal): Promise<number> {
  const samples: number[] = []
  for (let waitedMs = 0; waitedMs < SETTLE_MS_MAX; waitedMs += SAMPLE_MS) {
    const { pid } = gateway.child
    const kb = pid === undefined ? undefined : residentKb(pid)
    if (kb === undefined) throw new Error('the gateway is gone')
    samples.push(kb)
    if (isQuiet(samples)) break
    await pause(SAMPLE_MS, undefined, { signal })
  }
  return samples.at(-1) ?? Number.NaN
}

/** True when the last samples lie close together. */
export function isQuiet(samplesKb: readonly number[]): boolean {
  const last = samplesKb.slice(-QUIET_COUNT)
  return last.length === QUIET_COUNT && Math.max(...last) - Math.min(...last) <= QUIET_KB
}

const perSession = ({ sessionCount, beforeKb, idleKb }: IdleMemory): number =>
  rounded((idleKb - beforeKb) / sessionCount)

/** The figure as a row. */
export const idleRows = (seen: IdleMemory): readonly Row[] => [
  {
    case: `idle-${seen.sessionCount}`,
    subject: 'gateway',
    metric: 'kb_per_session',
    value: perSession(seen),
  },
]

/** The same for people, next to the bar. */
export function idleTable(seen: IdleMemory): string {
  const mb = (kb: number) => (kb / 1_024).toFixed(0)
  return [
    aligned([
      ['case', 'subject', 'MB before', 'MB idle', 'kB each', 'bar'],
      [
        ...[`idle-${seen.sessionCount}`, 'gateway', mb(seen.beforeKb), mb(seen.idleKb)],
        ...[perSession(seen).toFixed(1), `≤ ${SESSION_KB_MAX}`],
      ],
    ]),
    'Resident memory of the gateway’s processes; each session has read some rows before.',
  ].join('\n')
}
