// The rows that a benchmark writes, and the figures that rows are made of. Pure.

/** What a figure is about; `store_cpu_us_per_tx` is what keeping the record costs elsewhere. */
export type Metric =
  'tps' | 'cpu_us_per_tx' | 'store_cpu_us_per_tx' | 'p50_ms' | 'p99_ms' | 'wall_s'

/** One figure. */
export interface Row {
  readonly case: string
  readonly subject: string
  readonly metric: Metric
  readonly value: number
}

/** Significant digits that are kept: more would be noise. */
const DIGITS = 4

/** The median of numbers in any order; NaN when there are none. */
export const median = (values: readonly number[]): number => percentile(values, 50)

/**
 * The percentile `rank` (0 to 100) by linear interpolation between the closest ranks; NaN when there
 * are no values.
 */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  const at = ((sorted.length - 1) * rank) / 100
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

/**
 * The median of the quotients of two series, round by round: what disturbed a whole round then
 * disturbs neither more than the other.
 */
export const pairwiseRatio = (ones: readonly number[], others: readonly number[]): number =>
  median(
    ones.flatMap((one, round) => {
      const other = others[round]
      return other === undefined || other === 0 ? [] : [one / other]
    }),
  )

/** Rounds to four significant digits. */
export const rounded = (value: number): number => Number(value.toPrecision(DIGITS))

/** The text of a result file: one row a line, so that two files can be compared. */
export const rowsText = (rows: readonly Row[]): string =>
  `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`
