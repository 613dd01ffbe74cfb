// Reads what pgbench leaves behind. Pure.

/** What a per-transaction log says about a window of time. */
export interface LoggedWindow {
  /** Connections that had ended a transaction before the window began. */
  readonly earlyConnectionCount: number
  /** Latency in ms of each transaction that ended within the window. */
  readonly latenciesMs: readonly number[]
}

/**
 * Reads a per-transaction log (PostgreSQL manual, "Per-Transaction Logging"), whose lines are
 * `client transaction time_us script epoch_s epoch_us`, for the window [from, to) in epoch ms.
 */
export function readWindow(log: string, fromMs: number, toMs: number): LoggedWindow {
  const early = new Set<string>()
  const latenciesMs: number[] = []
  for (const line of log.split('\n')) {
    const [client, , timeUs, , seconds, micros] = line.split(' ')
    if (client === undefined || micros === undefined) continue
    const latencyMs = Number(timeUs) / 1_000
    // A transaction that failed has a word in place of its time.
    if (!Number.isFinite(latencyMs)) continue
    const atMs = Number(seconds) * 1_000 + Number(micros) / 1_000
    if (atMs < fromMs) early.add(client)
    else if (atMs < toMs) latenciesMs.push(latencyMs)
  }
  return { earlyConnectionCount: early.size, latenciesMs }
}
