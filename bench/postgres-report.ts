// From what each run showed to the figures that are printed and written. Pure.

import type { LoadResult } from './load.js'
import { median, pairwiseRatio, rounded } from './rows.js'
import type { Metric, Row } from './rows.js'

/** One run of one subject. */
export interface Measured extends LoadResult {
  readonly case: string
  readonly subject: string
  readonly round: number
}

/** The lines under the table that say what the figures are held against. */
export const LIMIT_LINES = `Aims: tps of the gateway with 8 connections ≥ 0.7 × PgBouncer’s; its CPU per transaction ≤ 2.0 × HAProxy’s.`

const BULK = 'bulk'

/** Metric, where a run has it (µs and ms as they are), and whether the case is shown by it. */
const METRICS: readonly {
  readonly metric: Metric
  readonly of: (run: Measured) => number | undefined
  readonly isFor: (name: string) => boolean
}[] = [
  { metric: 'tps', of: ({ tps }) => tps, isFor: (name) => name !== BULK },
  { metric: 'p50_ms', of: ({ p50Ms }) => p50Ms, isFor: (name) => name !== BULK },
  { metric: 'wall_s', of: ({ p50Ms }) => p50Ms / 1_000, isFor: (name) => name === BULK },
  { metric: 'cpu_us_per_tx', of: ({ cpuUsPerTx }) => cpuUsPerTx, isFor: () => true },
  { metric: 'store_cpu_us_per_tx', of: (run) => run.storeCpuUsPerTx, isFor: () => true },
]

/** Medians over the rounds, as rows. */
export function postgresRows(measured: readonly Measured[]): readonly Row[] {
  return namesOf(measured, 'case').flatMap((name) =>
    namesOf(measured, 'subject').flatMap((subject) =>
      METRICS.filter(({ isFor }) => isFor(name)).flatMap(({ metric, of }) => {
        const values = seriesOf(measured, name, subject, of)
        if (values.length === 0) return []
        return [{ case: name, subject, metric, value: rounded(median(values)) }]
      }),
    ),
  )
}

/** The same for people: one line per case and subject, with ratios taken round by round. */
export function postgresTable(
  measured: readonly Measured[],
  how: { readonly seconds: number; readonly roundCount: number; readonly rowCount: number },
): string {
  const head = [
    ...['case', 'subject', 'tps', 'p50 ms', 'wall s', 'CPU µs/tx', 'store CPU µs/tx'],
    ...['tps ÷ pgbouncer', 'CPU ÷ haproxy'],
  ]
  const rows = postgresRows(measured)
  const lines = namesOf(measured, 'case').flatMap((name) =>
    namesOf(measured, 'subject').map((subject) => {
      const value = (metric: Metric) => {
        const row = rows.find(
          (one) => one.case === name && one.subject === subject && one.metric === metric,
        )
        return row === undefined ? '–' : String(row.value)
      }
      return [
        ...[name, subject, value('tps'), value('p50_ms'), value('wall_s')],
        ...[value('cpu_us_per_tx'), value('store_cpu_us_per_tx')],
        ratio(measured, name, subject, 'pgbouncer', ({ tps }) => tps),
        ratio(measured, name, subject, 'haproxy', ({ cpuUsPerTx }) => cpuUsPerTx),
      ]
    }),
  )
  const about =
    `Medians of ${how.roundCount} rounds in turn, ${how.seconds} s each. ` +
    `A transaction of bulk is one SELECT of ${how.rowCount} rows.`
  return `${about}\n${aligned([head, ...lines])}`
}

function ratio(
  measured: readonly Measured[],
  name: string,
  subject: string,
  other: string,
  of: (run: Measured) => number | undefined,
): string {
  const value = pairwiseRatio(
    seriesOf(measured, name, subject, of),
    seriesOf(measured, name, other, of),
  )
  return Number.isNaN(value) ? '–' : value.toFixed(2)
}

const seriesOf = (
  measured: readonly Measured[],
  name: string,
  subject: string,
  of: (run: Measured) => number | undefined,
): number[] =>
  measured
    .filter((run) => run.case === name && run.subject === subject)
    .sort((one, other) => one.round - other.round)
    .flatMap((run) => of(run) ?? [])

const namesOf = (measured: readonly Measured[], key: 'case' | 'subject'): string[] => [
  ...new Set(measured.map((run) => run[key])),
]

/** Columns padded to their widest cell, numbers to the right. */
export function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  )
  const pad = (cell: string, column: number) =>
    column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n')
}
