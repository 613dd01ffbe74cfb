// `npm run bench -- decisions`: how long it takes until what people decide is done, on a whole
// Warder with its embedded engines.

import { setTimeout as pause } from 'node:timers/promises'
import { BenchApi } from './api.js'
import { BenchCaller } from './caller.js'
import { ROLE } from './policy-text.js'
import { aligned } from './report.js'
import { percentile, rounded } from './rows.js'
import type { Row } from './rows.js'
import { onStage } from './stage.js'
import type { BenchStage, BenchSurroundings } from './stage.js'
import { DATABASE } from './target.js'

const APPROVE_COUNT = 150
const REVOKE_COUNT = 80
/** Not counted: the first ones load code and fill caches. */
const WARM_UP_COUNT = 10
/** The API takes 20 calls a second from one person. */
const DECISION_PAUSE_MS = 40
/** Until the workflow of a revoked grant has closed its books, and a new grant can be had. */
const REOPEN_PAUSE_MS = 500
/** What a caller has received when he is cut off: he is in the middle of it. */
const STREAMED_BYTES = 1024 * 1024

const HELD_SQL = `INSERT INTO bench.notes VALUES ('approved')`
/** A thousand million rows. */
const ENDLESS_SQL = 'SELECT one.* FROM bench.lines one, bench.lines two, bench.lines three'

/** What each case is, and how fast it has to be. */
const CASES = {
  'approve-forwarded': {
    is: 'from the decision’s request being sent to the held INSERT’s reply at the caller',
    p50MsMax: 40,
    p99MsMax: 120,
  },
  'revoke-cut': {
    is: 'from the revocation’s request being sent, in the middle of a stream of rows, to the close that the caller sees after the last byte',
    p50MsMax: undefined,
    p99MsMax: 100,
  },
} as const

type CaseName = keyof typeof CASES

/** Measures, prints with `say`, and returns the rows. */
export async function benchDecisions(
  surroundings: BenchSurroundings,
  say: (text: string) => void,
): Promise<readonly Row[]> {
  return onStage(surroundings, async (stage) => {
    const api = new BenchApi(stage.gateway.address, () => stage.issuer.tokenFor('ana'))
    stage.onClose(() => {
      api.close()
      return Promise.resolve()
    })
    await api.warmUp()
    const { signal, progress } = surroundings
    const samples = {
      'approve-forwarded': await approvals(stage, api, signal, progress),
      'revoke-cut': await revocations(stage, api, signal, progress),
    }
    say(decisionsTable(samples))
    return decisionsRows(samples)
  })
}

async function approvals(
  stage: BenchStage,
  api: BenchApi,
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<readonly number[]> {
  progress(`approve-forwarded: ${APPROVE_COUNT} held statements, one after the other …`)
  const caller = await openCaller(stage)
  const samples: number[] = []
  while (samples.length < WARM_UP_COUNT + APPROVE_COUNT) {
    signal.throwIfAborted()
    caller.query(HELD_SQL)
    const notice = (await caller.next('N')).toString('utf8')
    const id = /cmd_[a-z0-9]+/.exec(notice)?.[0]
    if (id === undefined) throw new Error(`a held statement was told no id: ${notice}`)
    const send = await api.prepare('/v1/decisions', { id, answer: 'approve' })
    await pause(DECISION_PAUSE_MS)
    const sentAtMs = performance.now()
    const answered = send()
    const replied = caller.next('C').then(() => performance.now())
    const [repliedAtMs] = await Promise.all([replied, answered])
    await caller.next('Z')
    samples.push(repliedAtMs - sentAtMs)
  }
  caller.end()
  return samples.slice(WARM_UP_COUNT)
}

async function revocations(
  stage: BenchStage,
  api: BenchApi,
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<readonly number[]> {
  progress(`revoke-cut: ${REVOKE_COUNT} streams of rows, one after the other …`)
  const samples: number[] = []
  while (samples.length < WARM_UP_COUNT + REVOKE_COUNT) {
    signal.throwIfAborted()
    const caller = await openCaller(stage)
    const revocation = { resource: DATABASE, reason: 'benchmark' }
    const send = await api.prepare('/v1/revocations', revocation)
    caller.query(ENDLESS_SQL)
    await caller.stream(STREAMED_BYTES)
    const sentAtMs = performance.now()
    const answered = send()
    const [closedAtMs] = await Promise.all([caller.closedAtMs(), answered])
    samples.push(closedAtMs - sentAtMs)
    await pause(REOPEN_PAUSE_MS)
  }
  return samples.slice(WARM_UP_COUNT)
}

const openCaller = async ({ gateway, issuer }: BenchStage): Promise<BenchCaller> =>
  BenchCaller.open({
    port: gateway.address.port,
    userName: ROLE,
    database: DATABASE,
    password: await issuer.tokenFor('migrate-job'),
  })

/** Samples in ms of each case. */
export type DecisionSamples = Readonly<Record<CaseName, readonly number[]>>

const names = Object.keys(CASES) as CaseName[]

/** The percentiles as rows. */
export const decisionsRows = (samples: DecisionSamples): readonly Row[] =>
  names.flatMap((name) =>
    ([50, 99] as const).map((rank) => ({
      case: name,
      subject: 'gateway',
      metric: rank === 50 ? ('p50_ms' as const) : ('p99_ms' as const),
      value: rounded(percentile(samples[name], rank)),
    })),
  )

/** The same for people, next to the bars. */
export function decisionsTable(samples: DecisionSamples): string {
  const bar = (msMax: number | undefined) => (msMax === undefined ? '–' : `≤ ${msMax}`)
  const lines = names.map((name) => {
    const { p50MsMax, p99MsMax } = CASES[name]
    const at = (rank: number) => percentile(samples[name], rank).toFixed(1)
    const count = String(samples[name].length)
    return [name, count, at(50), bar(p50MsMax), at(99), bar(p99MsMax), at(100)]
  })
  const head = ['case', 'samples', 'p50 ms', 'bar', 'p99 ms', 'bar', 'max ms']
  const about = names.map((name) => `${name}: ${CASES[name].is}.`)
  return [aligned([head, ...lines]), ...about].join('\n')
}
