// The rows that a benchmark writes, and the figures that rows are made of. Pure.

/** What is measured; `store_cpu_us_per_tx` is what keeping the record costs elsewhere. */
type Measure =
  | 'tps'
  | 'cpu_us_per_tx'
  | 'store_cpu_us_per_tx'
  | 'p50_ms'
  | 'p99_ms'
  | 'wall_s'
  | 'kb_per_session'
  | 'mb_per_s'
/** Another subject that a figure is compared with. */
export type Peer = 'direct' | 'pgbouncer' | 'haproxy'

/** What a figure is about; `X_to_PEER` is a quotient, `X_over_PEER` a difference. */
export type Metric = Measure | `${'tps' | 'cpu' | 'wall'}_to_${Peer}` | `p50_ms_over_${Peer}`

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
  pairwise(ones, others, (one, other) => (other === 0 ? undefined : one / other))

/** The median of the differences of two series, round by round. */
export const pairwiseDifference = (ones: readonly number[], others: readonly number[]): number =>
  pairwise(ones, others, (one, other) => one - other)

const pairwise = (
  ones: readonly number[],
  others: readonly number[],
  compare: (one: number, other: number) => number | undefined,
): number =>
  median(
    ones.flatMap((one, round) => {
      const other = others[round]
      return other === undefined ? [] : (compare(one, other) ?? [])
    }),
  )

/** Rounds to four significant digits. */
export const rounded = (value: number): number => Number(value.toPrecision(DIGITS))

/** The text of a result file: one row a line, so that two files can be compared. */
export const rowsText = (rows: readonly Row[]): string =>
  `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`
