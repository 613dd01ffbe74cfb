// What the figures are held against: each bar, and by how much the gateway kept or missed it. Pure.

import { aligned } from './report.js'
import type { Metric, Row } from './rows.js'

/** One bar, for a figure of the gateway. */
export interface Bar {
  readonly case: string
  readonly metric: Metric
  /** What the figure is, as the table's head calls it. */
  readonly title: string
  /** The value that is just good enough, and on which side of it good is. */
  readonly limit: { readonly min: number } | { readonly max: number }
}

const EIGHT = ['simple-8', 'prepared-8'] as const
const ONE = ['simple-1', 'prepared-1'] as const

/** The bars of passing statements. */
export const BARS: readonly Bar[] = [
  ...EIGHT.map((name) => ({
    ...{ case: name, metric: 'tps_to_pgbouncer' as const, title: 'tps ÷ pgbouncer' },
    limit: { min: 0.7 },
  })),
  ...EIGHT.map((name) => ({
    ...{ case: name, metric: 'cpu_to_haproxy' as const, title: 'CPU ÷ haproxy' },
    limit: { max: 2 },
  })),
  ...ONE.map((name) => ({
    ...{ case: name, metric: 'p50_ms_over_haproxy' as const, title: 'p50 − haproxy ms' },
    limit: { max: 0.2 },
  })),
  {
    ...{ case: 'bulk-masked', metric: 'wall_to_direct', title: 'wall ÷ direct' },
    limit: { max: 1.6 },
  },
]

const DECIMALS = 3

/** Differences of decimal fractions would otherwise miss a bar by 1e-17. */
const rounded = (value: number): number => Number(value.toFixed(DECIMALS))

/** Says of each bar whether the rows keep it, and by how much. */
export function barsTable(bars: readonly Bar[], rows: readonly Row[]): string {
  const lines = bars.map((bar) => {
    const row = rows.find(
      (one) => one.subject === 'gateway' && one.case === bar.case && one.metric === bar.metric,
    )
    const { limit } = bar
    const text = 'min' in limit ? `≥ ${limit.min.toFixed(3)}` : `≤ ${limit.max.toFixed(3)}`
    const named = [bar.case, bar.title, text]
    if (row === undefined) return [...named, '–', 'not measured']
    const room = rounded('min' in limit ? row.value - limit.min : limit.max - row.value)
    const outcome = room >= 0 ? 'kept by' : 'missed by'
    return [...named, row.value.toFixed(DECIMALS), `${outcome} ${Math.abs(room).toFixed(DECIMALS)}`]
  })
  return aligned([['bars', '', 'bar', 'gateway', ''], ...lines])
}
