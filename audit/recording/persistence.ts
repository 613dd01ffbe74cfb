// One chunk into a store, with patience: repeated for some seconds, so that a short outage costs no
// session. Never reads, and never keeps a chunk longer than that.

import { setTimeout as sleep } from 'node:timers/promises'
import { WarderError } from '../../core/errors.js'
import type { Clock } from '../../core/ports.js'
import type { ChunkStore } from '../../core/recording.js'

const RETRY_AFTER_MS: readonly number[] = [100, 200, 400, 800, 1_600]
/** All attempts together; a restart of the store fits, and no session waits for longer. */
const STORE_MS_MAX = 5_000

/** What storing needs. */
export interface Persistence {
  readonly chunks: ChunkStore
  readonly clock: Clock
  /** Pauses between attempts, ms; 0.1 s to 1.6 s when absent. */
  readonly retryAfterMs?: readonly number[] | undefined
}

/**
 * Resolves when the bytes are durable under the name. They are the same at every attempt, so one
 * that took effect unheard does no harm.
 *
 * @throws WarderError `RECORD_UNAVAILABLE` when the last attempt failed or five seconds are over.
 */
export async function storeChunk(
  { chunks, clock, retryAfterMs = RETRY_AFTER_MS }: Persistence,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const startedMs = clock.monotonicMs()
  for (let attempt = 0; ; attempt += 1) {
    const leftMs = STORE_MS_MAX - (clock.monotonicMs() - startedMs)
    try {
      await within(chunks.put(name, bytes), leftMs)
      return
    } catch (cause) {
      const pauseMs = retryAfterMs[attempt]
      if (pauseMs === undefined || pauseMs >= leftMs) throw failureOf(cause)
      await sleep(pauseMs)
    }
  }
}

async function within(work: Promise<void>, msMax: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(unavailable('the store of recordings does not answer in time'))
    }, msMax)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const failureOf = (cause: unknown): WarderError =>
  cause instanceof WarderError ? cause : unavailable('the store of recordings failed', cause)

const unavailable = (why: string, cause?: unknown): WarderError =>
  new WarderError('RECORD_UNAVAILABLE', { why }, { cause })
