// Reads what pgbench writes while it runs and what it leaves behind. Pure.

/** One line of `--progress`. */
export interface ProgressLine {
  /** Seconds since pgbench began. */
  readonly atSeconds: number
  /** Transactions per second since the line before. */
  readonly tps: number
}

const PROGRESS = /^progress: ([0-9.]+) s, ([0-9.]+) tps/

/** The line as progress, or undefined when it says something else. */
export function readProgress(line: string): ProgressLine | undefined {
  const [, at, tps] = PROGRESS.exec(line) ?? []
  return at === undefined || tps === undefined
    ? undefined
    : { atSeconds: Number(at), tps: Number(tps) }
}

/**
 * Latencies in ms from a per-transaction log (PostgreSQL manual, "Per-Transaction Logging"):
 * `client transaction time_us script epoch_s epoch_us`, of what ended within [from, to) epoch ms.
 */
export function readLatencies(log: string, fromMs: number, toMs: number): number[] {
  return log.split('\n').flatMap((line) => {
    const [, , timeUs, , seconds, micros] = line.split(' ').map(Number)
    if (timeUs === undefined || seconds === undefined || micros === undefined) return []
    const atMs = seconds * 1_000 + micros / 1_000
    // A transaction that failed has a word in place of its time.
    return atMs >= fromMs && atMs < toMs && Number.isFinite(timeUs) ? [timeUs / 1_000] : []
  })
}
