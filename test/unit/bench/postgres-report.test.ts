import { expect, test } from 'vitest'
import { aligned, postgresRows, postgresTable } from '../../../bench/postgres-report.js'
import type { Measured } from '../../../bench/postgres-report.js'

const run = (
  subject: string,
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

const HOW = { seconds: 3, roundCount: 2, rowCount: 100_000 }

test('a figure that a subject does not have is no row', () => {
  const metrics = postgresRows(MEASURED)
    .filter(({ subject }) => subject === 'direct')
    .map(({ metric }) => metric)
  expect(metrics).toEqual(['tps', 'p50_ms'])
})

test('a row is the median over the rounds', () => {
  expect(postgresRows(MEASURED)).toContainEqual({
    case: 'simple-8',
    subject: 'gateway',
    metric: 'tps',
    value: 60,
  })
})

test('bulk is told as the seconds of one pass', () => {
  const bulk = { case: 'bulk', subject: 'direct', round: 1, tps: 20, p50Ms: 50 }
  expect(postgresRows([bulk])).toEqual([
    { case: 'bulk', subject: 'direct', metric: 'wall_s', value: 0.05 },
  ])
})

test('ratios are taken round by round, whatever order the runs come in', () => {
  const lines = postgresTable(MEASURED, HOW).split('\n')
  const gateway = lines.find((line) => line.includes('gateway')) ?? ''
  expect(gateway.trim().split(/\s+/).slice(-2)).toEqual(['0.50', '3.00'])
})

test('without its rival a ratio is a dash', () => {
  const lines = postgresTable([run('gateway', 1, 100)], HOW).split('\n')
  expect(lines.at(-1)?.trim().split(/\s+/).slice(-2)).toEqual(['–', '–'])
})

test('columns are as wide as their widest cell', () => {
  const lines = [
    ['case', 'subject', 'tps'],
    ['b', 'd', '1234'],
  ]
  expect(aligned(lines)).toBe('case  subject   tps\nb     d        1234')
})
