import { expect, test } from 'vitest'
import { postgresReport, postgresRows } from '../../../bench/postgres-report.js'
import type { Measured } from '../../../bench/report.js'

const run = (
  subject: Measured['subject'],
  round: number,
  tps: number,
  more: Partial<Measured> = {},
): Measured => ({ case: 'simple-8', subject, round, tps, p50Ms: 1, ...more })

const MEASURED: readonly Measured[] = [
  run('direct', 1, 400),
  run('pgbouncer', 1, 200, { cpuUsPerTx: 20 }),
  run('haproxy', 1, 100, { cpuUsPerTx: 10 }),
  run('gateway', 1, 100, { cpuUsPerTx: 30, storeCpuUsPerTx: 5 }),
  run('gateway', 2, 20, { cpuUsPerTx: 30, storeCpuUsPerTx: 5 }),
  run('pgbouncer', 2, 40, { cpuUsPerTx: 20 }),
]

const PLAIN = { seconds: 3, roundCount: 2, hasTls: false }
const TLS = { ...PLAIN, hasTls: true }

const valueOf = (metric: string, measured: readonly Measured[], facts = PLAIN) =>
  postgresRows(measured, facts).find((row) => row.subject === 'gateway' && row.metric === metric)
    ?.value

test('a figure that a subject does not have is no row', () => {
  const metrics = postgresRows(MEASURED, PLAIN)
    .filter(({ subject }) => subject === 'direct')
    .map(({ metric }) => metric)
  expect(metrics).toEqual(['tps', 'p50_ms', 'tps_to_pgbouncer'])
})

test('without its peer a comparison is no row', () => {
  const metrics = postgresRows([run('gateway', 1, 100)], PLAIN).map(({ metric }) => metric)
  expect(metrics).toEqual(['tps', 'p50_ms'])
})

test('a row is the median over the rounds', () => {
  expect(valueOf('tps', MEASURED)).toBe(60)
})

test('ratios are taken round by round, whatever order the runs come in', () => {
  expect(valueOf('tps_to_pgbouncer', MEASURED)).toBe(0.5)
})

test('a round in which the peer had no turn is in no ratio', () => {
  expect(valueOf('cpu_to_haproxy', [...MEASURED, run('gateway', 3, 1, { cpuUsPerTx: 90 })])).toBe(3)
})

test('bulk is told as the seconds of one pass, and as a multiple of the direct one', () => {
  const bulk = (subject: Measured['subject'], p50Ms: number): Measured => ({
    ...{ case: 'bulk', subject, round: 1, tps: 20, p50Ms },
  })
  const rows = postgresRows([bulk('direct', 50), bulk('gateway', 60)], PLAIN)
  expect(rows.filter(({ subject }) => subject === 'gateway')).toEqual([
    { case: 'bulk', subject: 'gateway', metric: 'wall_s', value: 0.06 },
    { case: 'bulk', subject: 'gateway', metric: 'wall_to_direct', value: 1.2 },
  ])
})

test('added latency is only told of one connection', () => {
  const one = (subject: Measured['subject'], p50Ms: number): Measured => ({
    ...{ case: 'prepared-1', subject, round: 1, tps: 1, p50Ms },
  })
  const measured = [...MEASURED, one('haproxy', 0.1), one('gateway', 0.25)]
  const over = postgresRows(measured, PLAIN).filter(
    ({ metric, subject }) => metric === 'p50_ms_over_haproxy' && subject === 'gateway',
  )
  expect(over.map((row) => [row.case, row.value])).toEqual([['prepared-1', 0.15]])
})

test('with TLS the peer is PgBouncer, and there are no bars', () => {
  expect(valueOf('cpu_to_haproxy', MEASURED, TLS)).toBeUndefined()
  expect(valueOf('cpu_to_pgbouncer', MEASURED, TLS)).toBe(1.5)
  expect(postgresReport(MEASURED, TLS)).not.toContain('missed by')
  expect(postgresReport(MEASURED, PLAIN)).toContain('missed by 0.200')
})
