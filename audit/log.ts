// The writing end of the audit log: numbers, chains and batches events, and says when they are
// durable. Never loses, reorders or renumbers one; when it can't write, it is over for good.

import type { AuditEvent, AuditKind } from '../core/audit.js'
import { assert, WarderError } from '../core/errors.js'
import type { AuditLog, Clock } from '../core/ports.js'
import type { RecordStore, Sealer, StoredRecord } from '../core/record.js'
import { bodyOf, keysOf, splitEvent } from './body.js'
import { GENESIS, isChain, recordHash } from './chain.js'
import { CheckpointWriter } from './checkpoint-writer.js'
import type { CheckpointSigner } from './checkpoint.js'

/**
 * A record that nobody waits for is on its way to the store after this long: with the 50 ms for which
 * finished commands are collected, within 100.
 */
const FLUSH_MS = 25
/** Records of one write, and their bytes: a write stays a matter of milliseconds. */
const BATCH_COUNT_MAX = 1_000
const BATCH_BYTES_MAX = 4 * 1024 * 1024
/** One event, encoded; the longest statement that a gateway forwards fits, sealed. */
const RECORD_BYTES_MAX = 24 * 1024 * 1024
/** Records not yet durable; beyond it events are refused, so that a slow store costs no memory. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024
/** What a record takes besides its body. */
const RECORD_OVERHEAD_BYTES = 600
/** How long one write may take, and how long to wait before the same rows are written again. */
const WRITE_MS_MAX = 2_000
const RETRY_AFTER_MS: readonly number[] = [100, 200, 400, 800, 1_600]
/** No new attempt after this long: a restart of the store fits, and no session waits for longer. */
const RETRY_MS_MAX = 5_000

/** What the log is made of. */
export interface AuditLogParts {
  readonly store: RecordStore
  readonly sealer: Sealer
  /** Signs with the key in force, which may be another one later. */
  readonly signer: Pick<CheckpointSigner, 'sign'>
  readonly clock: Clock
  /** Names this run of the process: never used by another run (`gwy_…`). */
  readonly chain: string
  /** Version of Warder, for `log.opened`. */
  readonly version: string
  /** Bytes not yet durable, at most; 64 MiB when absent. */
  readonly pendingBytesMax?: number | undefined
  /** Pauses before a write is repeated, ms; 0.1 s to 1.6 s when absent. */
  readonly retryAfterMs?: readonly number[] | undefined
}

interface Waiter {
  readonly ticket: number
  readonly resolve: () => void
  readonly reject: (failure: Error) => void
}

/** One process's hash chain in the audit log. */
export class ChainedAuditLog implements AuditLog {
  readonly #parts: AuditLogParts
  readonly #pendingBytesMax: number
  readonly #checkpoints: CheckpointWriter
  readonly #listeners = new Set<(failure: Error) => void>()
  #pending: { record: StoredRecord; bytes: number }[] = []
  #pendingBytes = 0
  #lastSeq = 0
  #lastHash = GENESIS
  #durableSeq = 0
  #waiters: Waiter[] = []
  #timer: NodeJS.Timeout | undefined
  #soon: NodeJS.Immediate | undefined
  #flushing: Promise<void> | undefined
  #failure: WarderError | undefined
  #closing = false

  private constructor(parts: AuditLogParts) {
    this.#parts = parts
    this.#pendingBytesMax = parts.pendingBytesMax ?? PENDING_BYTES_MAX
    this.#checkpoints = new CheckpointWriter({
      ...parts,
      onFailure: (failure) => {
        this.#fail(failure)
      },
    })
  }

  /**
   * Opens a new chain with `log.opened` as its first record.
   *
   * @throws WarderError `RECORD_UNAVAILABLE` when that can't be made durable, or when the chain
   * exists already.
   */
  static async open(parts: AuditLogParts): Promise<ChainedAuditLog> {
    assert(isChain(parts.chain), 'a chain is named by at most 64 letters, digits, _ and -')
    const log = new ChainedAuditLog(parts)
    const fields = { gatewayId: parts.chain, version: parts.version }
    await log.durable(log.append({ kind: 'log.opened', fields }))
    return log
  }

  /**
   * Takes the event into the next batch; returns its ticket.
   *
   * @throws WarderError `RECORD_UNAVAILABLE` when the log has failed, is closed, or owes too much;
   * `INTERNAL` for an event that core/audit.ts does not know.
   */
  append<K extends AuditKind>(event: AuditEvent<K>): number {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closing) throw new WarderError('RECORD_UNAVAILABLE', { why: 'the log is closed' })
    const { chain, sealer, clock } = this.#parts
    const split = splitEvent(event)
    const seq = this.#lastSeq + 1
    const body = bodyOf(split, sealer, chain, seq)
    const bytes = body.length + RECORD_OVERHEAD_BYTES
    this.#checkRoom(bytes)
    const unhashed = {
      chain,
      seq,
      at: Math.floor(clock.now()),
      monotonicMs: Math.floor(clock.monotonicMs()),
      kind: split.kind,
      body,
      previous: this.#lastHash,
    }
    const record = { ...unhashed, hash: recordHash(unhashed), keys: keysOf(split.open) }
    this.#pending.push({ record, bytes })
    this.#pendingBytes += bytes
    this.#lastSeq = seq
    this.#lastHash = record.hash
    this.#schedule()
    return seq
  }

  /** Writes at once, together with whatever else is waiting. */
  durable(ticket: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    assert(ticket >= 1 && ticket <= this.#lastSeq, 'a ticket comes from append')
    if (ticket <= this.#durableSeq) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ ticket, resolve, reject })
      this.#schedule()
    })
  }

  /** A listener that comes after the failure hears of it too. */
  onFailure(listener: (failure: Error) => void): () => void {
    const own = (failure: Error): void => {
      listener(failure)
    }
    this.#listeners.add(own)
    const failure = this.#failure
    if (failure !== undefined) queueMicrotask(() => this.#tell(own, failure))
    return () => {
      this.#listeners.delete(own)
    }
  }

  /**
   * Writes and signs everything that was appended; after it nothing is taken any more.
   *
   * @throws WarderError `RECORD_UNAVAILABLE` when that did not succeed.
   */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#lastSeq > 0) await this.durable(this.#lastSeq)
    await this.#checkpoints.close()
  }

  #checkRoom(bytes: number): void {
    if (bytes > RECORD_BYTES_MAX) {
      throw new WarderError('RECORD_UNAVAILABLE', { why: 'one record is too long' })
    }
    // One record always fits when nothing is owed.
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#pendingBytesMax) {
      throw new WarderError('RECORD_UNAVAILABLE', { why: 'the store is too slow for the log' })
    }
  }

  /** Somebody waits, or there is a full batch: then not even the next 50 ms are waited for. */
  #urgent(): boolean {
    return this.#waiters.length > 0 || this.#pending.length >= BATCH_COUNT_MAX
  }

  #schedule(): void {
    if (this.#flushing !== undefined || this.#soon !== undefined) return
    if (this.#pending.length === 0) return
    if (this.#urgent()) {
      // Not now but after this turn of the event loop: whoever else it brings shares the write.
      this.#soon = setImmediate(() => {
        this.#startFlush()
      })
    } else {
      this.#timer ??= setTimeout(() => {
        this.#startFlush()
      }, FLUSH_MS)
    }
  }

  #startFlush(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#soon)
    this.#timer = undefined
    this.#soon = undefined
    if (this.#flushing !== undefined || this.#failure !== undefined) return
    this.#flushing = this.#flush().finally(() => {
      this.#flushing = undefined
      if (this.#failure === undefined) this.#schedule()
    })
  }

  async #flush(): Promise<void> {
    try {
      do {
        const batch = this.#takeBatch()
        const last = batch.at(-1)?.record
        if (last === undefined) return
        await this.#write(batch.map(({ record }) => record))
        if (this.#failure !== undefined) return
        for (const { bytes } of batch) this.#pendingBytes -= bytes
        this.#durableSeq = last.seq
        this.#release()
        this.#checkpoints.note(last)
      } while (this.#urgent())
    } catch (error) {
      const why = error instanceof WarderError ? error.details.why : undefined
      this.#fail(
        new WarderError(
          'RECORD_UNAVAILABLE',
          { why: why ?? 'the log can’t be written' },
          { cause: error },
        ),
      )
    }
  }

  #takeBatch(): { record: StoredRecord; bytes: number }[] {
    let count = 0
    let bytes = 0
    for (const entry of this.#pending) {
      if (count > 0 && (count >= BATCH_COUNT_MAX || bytes + entry.bytes > BATCH_BYTES_MAX)) break
      count += 1
      bytes += entry.bytes
    }
    return this.#pending.splice(0, count)
  }

  /** The very same rows each time: what is already there counts as written, anything else ends the log. */
  async #write(records: readonly StoredRecord[]): Promise<void> {
    const { clock, retryAfterMs = RETRY_AFTER_MS } = this.#parts
    const startedMs = clock.monotonicMs()
    for (let attempt = 0; ; attempt += 1) {
      try {
        const outcome = await withinMs(this.#parts.store.append(records), WRITE_MS_MAX)
        if (outcome === 'written') return
      } catch (error) {
        const pauseMs = retryAfterMs[attempt]
        const late = clock.monotonicMs() - startedMs >= RETRY_MS_MAX
        if (pauseMs === undefined || late) throw error
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
        continue
      }
      throw new WarderError('RECORD_UNAVAILABLE', { why: 'somebody else writes the same chain' })
    }
  }

  #release(): void {
    const ready = this.#waiters.filter(({ ticket }) => ticket <= this.#durableSeq)
    if (ready.length === 0) return
    this.#waiters = this.#waiters.filter(({ ticket }) => ticket > this.#durableSeq)
    for (const { resolve } of ready) resolve()
  }

  #fail(failure: WarderError): void {
    if (this.#failure !== undefined) return
    this.#failure = failure
    clearTimeout(this.#timer)
    clearImmediate(this.#soon)
    this.#checkpoints.abandon()
    this.#pending = []
    this.#pendingBytes = 0
    const waiters = this.#waiters
    this.#waiters = []
    for (const { reject } of waiters) reject(failure)
    for (const listener of [...this.#listeners]) this.#tell(listener, failure)
  }

  /** Whatever one listener does, the others are told: each of them has sessions to end. */
  #tell(listener: (failure: Error) => void, failure: Error): void {
    if (!this.#listeners.delete(listener)) return
    try {
      listener(failure)
    } catch {
      // Nothing to report to: the log has failed, and with it every session.
    }
  }
}

async function withinMs<T>(work: Promise<T>, msMax: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new WarderError('RECORD_UNAVAILABLE', { why: 'the store does not answer in time' }))
    }, msMax)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
