// From what each run showed to the figures that are printed and written. Pure.

import type { SubjectName } from './cases.js'
import type { LoadResult } from './load.js'
import { median, pairwiseDifference, pairwiseRatio, rounded } from './rows.js'
import type { Metric, Peer, Row } from './rows.js'

/** One run of one subject. */
export interface Measured extends LoadResult {
  readonly case: string
  readonly subject: SubjectName
  /** The first is 1. */
  readonly round: number
}

/** A figure of every subject, or of those cases that it says something about. */
export interface Figure {
  readonly metric: Metric
  /** Heads its column. */
  readonly title: string
  readonly isFor: (caseName: string) => boolean
  /** Digits after the point in the table; four significant ones in all when absent. */
  readonly decimals?: number
  /** NaN when the subject has no such figure. */
  readonly valueOf: (measured: readonly Measured[], caseName: string, subject: string) => number
}

/** What of a run a figure is made of. */
export type Quantity = (run: Measured) => number | undefined

const tps: Quantity = (run) => run.tps
const cpuUs: Quantity = (run) => run.cpuUsPerTx
const latencyMs: Quantity = (run) => run.p50Ms

/** A bulk case is told by the seconds of one pass, others by transactions and latency. */
export const isBulk = (caseName: string): boolean => caseName.startsWith('bulk')
const isSmall = (caseName: string): boolean => !isBulk(caseName)
const always = () => true

const medianOf =
  (quantity: Quantity): Figure['valueOf'] =>
  (measured, caseName, subject) =>
    median([...seriesOf(measured, caseName, subject, quantity).values()])

/** The medians over the rounds that every table begins with. */
export const MEDIANS: readonly Figure[] = [
  { metric: 'tps', title: 'tps', isFor: isSmall, valueOf: medianOf(tps) },
  { metric: 'p50_ms', title: 'p50 ms', isFor: isSmall, valueOf: medianOf(latencyMs) },
  {
    ...{ metric: 'wall_s', title: 'wall s', isFor: isBulk },
    valueOf: medianOf((run) => run.p50Ms / 1_000),
  },
  { metric: 'cpu_us_per_tx', title: 'CPU µs/tx', isFor: always, valueOf: medianOf(cpuUs) },
  {
    ...{ metric: 'store_cpu_us_per_tx', title: 'store CPU µs/tx', isFor: always },
    valueOf: medianOf((run) => run.storeCpuUsPerTx),
  },
]

const comparing =
  (
    quantity: Quantity,
    peer: Peer,
    compare: (ones: readonly number[], others: readonly number[]) => number,
  ): Figure['valueOf'] =>
  (measured, caseName, subject) => {
    const [ones, others] = [subject, peer].map((name) =>
      seriesOf(measured, caseName, name, quantity),
    )
    const rounds = [...(ones?.keys() ?? [])].filter((round) => others?.has(round))
    const pick = (series: ReadonlyMap<number, number> | undefined) =>
      rounds.map((round) => series?.get(round) ?? Number.NaN)
    return compare(pick(ones), pick(others))
  }

/** Speed as a multiple of the peer's. */
export const tpsTo = (peer: Peer): Figure => ({
  ...{ metric: `tps_to_${peer}`, title: `tps ÷ ${peer}`, isFor: isSmall, decimals: 2 },
  valueOf: comparing(tps, peer, pairwiseRatio),
})

/** CPU time of a transaction as a multiple of the peer's. */
export const cpuTo = (peer: Peer): Figure => ({
  ...{ metric: `cpu_to_${peer}`, title: `CPU ÷ ${peer}`, isFor: always, decimals: 2 },
  valueOf: comparing(cpuUs, peer, pairwiseRatio),
})

/** Seconds of one bulk pass as a multiple of the peer's. */
export const wallTo = (peer: Peer): Figure => ({
  ...{ metric: `wall_to_${peer}`, title: `wall ÷ ${peer}`, isFor: isBulk, decimals: 2 },
  valueOf: comparing(latencyMs, peer, pairwiseRatio),
})

/** Median latency that comes on top of the peer's when one connection is open. */
export const latencyOver = (peer: Peer): Figure => ({
  ...{ metric: `p50_ms_over_${peer}`, title: `p50 − ${peer} ms`, decimals: 3 },
  isFor: (caseName) => /-1(?:-tls)?$/.test(caseName),
  valueOf: comparing(latencyMs, peer, pairwiseDifference),
})

/** The figures as rows, each with a value. */
export const rowsOf = (measured: readonly Measured[], figures: readonly Figure[]): readonly Row[] =>
  pairsOf(measured).flatMap(({ caseName, subject }) =>
    figures.flatMap((figure) => {
      const value = valueOf(figure, measured, caseName, subject)
      if (Number.isNaN(value)) return []
      return [{ case: caseName, subject, metric: figure.metric, value: rounded(value) }]
    }),
  )

/**
 * The figures for people: one line per case and subject.
 *
 * @param note - A last column of words, with its head.
 */
export function tableOf(
  measured: readonly Measured[],
  figures: readonly Figure[],
  note?: { readonly title: string; of(caseName: string, subject: string): string },
): string {
  const used = figures.filter((figure) =>
    pairsOf(measured).some(
      ({ caseName, subject }) => !Number.isNaN(valueOf(figure, measured, caseName, subject)),
    ),
  )
  const head = ['case', 'subject', ...used.map(({ title }) => title)]
  const lines = pairsOf(measured).map(({ caseName, subject }) => [
    ...[caseName, subject],
    ...used.map((figure) => cell(valueOf(figure, measured, caseName, subject), figure.decimals)),
  ])
  if (note === undefined) return aligned([head, ...lines])
  const notes = [note.title, ...lines.map(([one = '', other = '']) => note.of(one, other))]
  return aligned([head, ...lines])
    .split('\n')
    .map((line, at) => `${line}  ${notes[at] ?? ''}`)
    .join('\n')
}

const valueOf = (
  figure: Figure,
  measured: readonly Measured[],
  caseName: string,
  subject: string,
): number => (figure.isFor(caseName) ? figure.valueOf(measured, caseName, subject) : Number.NaN)

function cell(value: number, decimals: number | undefined): string {
  if (Number.isNaN(value)) return '–'
  return decimals === undefined ? String(rounded(value)) : value.toFixed(decimals)
}

const pairsOf = (measured: readonly Measured[]) =>
  namesOf(measured, 'case').flatMap((caseName) =>
    namesOf(measured, 'subject')
      .filter((name) => measured.some((run) => run.case === caseName && run.subject === name))
      .map((subject) => ({ caseName, subject })),
  )

/** By round. */
const seriesOf = (
  measured: readonly Measured[],
  caseName: string,
  subject: string,
  quantity: Quantity,
): ReadonlyMap<number, number> =>
  new Map(
    measured
      .filter((run) => run.case === caseName && run.subject === subject)
      .flatMap((run) => {
        const value = quantity(run)
        return value === undefined ? [] : [[run.round, value] as const]
      }),
  )

const namesOf = (measured: readonly Measured[], key: 'case' | 'subject'): string[] => [
  ...new Set(measured.map((run) => run[key])),
]

/** Columns padded to their widest cell; all but the first two, which are words, to the right. */
export function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  )
  const pad = (text: string, column: number) =>
    column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n')
}
