// Signs, now and then, how far this process's chain has come, and once, at the start, what it finds
// of processes that are gone. Never signs a head of its own that it did not write itself.

import { WarderError } from '../core/errors.js'
import type { Clock } from '../core/ports.js'
import type { ChainHead, Checkpoint, RecordStore } from '../core/record.js'
import { GENESIS } from './chain.js'
import type { CheckpointSigner } from './checkpoint.js'

/** A chain is signed at the latest this long after its first unsigned record … */
const EVERY_MS = 10_000
/** … or after this many records … */
const EVERY_COUNT = 1_000
/** … but not more often than this. */
const APART_MS_MIN = 1_000
/** Failures in a row after which the log is given up: what nobody signs proves too little. */
const FAILURES_MAX = 3
/** Other processes may take the next number first; one of them succeeds each time. */
const NUMBER_ATTEMPTS_MAX = 20

/** What the writer needs. */
export interface CheckpointParts {
  readonly store: RecordStore
  /** Signs with the key in force, which may be another one later. */
  readonly signer: Pick<CheckpointSigner, 'sign'>
  readonly clock: Clock
  readonly chain: string
  /** Hears of a failure after which the log must not go on. */
  readonly onFailure: (failure: WarderError) => void
}

type Head = Pick<ChainHead, 'seq' | 'hash'>

/** Writes the checkpoints of one chain. */
export class CheckpointWriter {
  readonly #parts: CheckpointParts
  #head: Head | undefined
  #signedSeq = 0
  #signedAtMs = Number.NEGATIVE_INFINITY
  #mine: Checkpoint | undefined
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #failureCount = 0
  #closed = false

  constructor(parts: CheckpointParts) {
    this.#parts = parts
  }

  /** Takes note that the chain is durable up to `head`. Returns at once. */
  note(head: Head): void {
    this.#head = head
    if (this.#closed || this.#running !== undefined) return
    const sinceMs = this.#parts.clock.monotonicMs() - this.#signedAtMs
    const enough = head.seq - this.#signedSeq >= EVERY_COUNT
    const dueInMs = (enough ? APART_MS_MIN : EVERY_MS) - sinceMs
    if (dueInMs <= 0) {
      this.#start()
      return
    }
    // A timer that is set runs early enough for "now and then"; the count is looked at each time.
    this.#timer ??= setTimeout(() => {
      this.#start()
    }, dueInMs).unref()
  }

  /** Signs what is still unsigned. @throws WarderError `RECORD_UNAVAILABLE` when it can't be written. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
    const head = this.#head
    if (head !== undefined && head.seq > this.#signedSeq) await this.#write(head)
  }

  /** Stops without a last signature: the log has failed. */
  abandon(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const head = this.#head
    if (this.#closed || this.#running !== undefined || head === undefined) return
    this.#running = this.#attempt(head).finally(() => {
      this.#running = undefined
      if (this.#head !== undefined && this.#head.seq > this.#signedSeq) this.note(this.#head)
    })
  }

  async #attempt(head: Head): Promise<void> {
    try {
      await this.#write(head)
      this.#failureCount = 0
    } catch (error) {
      this.#failureCount += 1
      // The next one is tried after the usual time, not at once.
      this.#signedAtMs = this.#parts.clock.monotonicMs()
      const tampered = error instanceof CheckpointsChanged
      if (!tampered && this.#failureCount < FAILURES_MAX) return
      const why = tampered ? error.message : 'checkpoints can’t be written'
      this.#parts.onFailure(new WarderError('RECORD_UNAVAILABLE', { why }, { cause: error }))
    }
  }

  async #write(head: Head): Promise<void> {
    const { store, signer, clock, chain } = this.#parts
    const found = this.#signedSeq === 0 ? await this.#found() : []
    const heads: ChainHead[] = [{ chain, seq: head.seq, hash: head.hash, by: 'writer' }, ...found]
    for (let attempt = 0; attempt < NUMBER_ATTEMPTS_MAX; attempt += 1) {
      const latest = await store.latestCheckpoint()
      await this.#checkMine(latest)
      const checkpoint = signer.sign({
        number: (latest?.number ?? 0) + 1,
        at: Math.floor(clock.now()),
        previous: latest?.hash ?? GENESIS,
        heads,
      })
      if (!(await store.addCheckpoint(checkpoint))) continue
      this.#mine = checkpoint
      this.#signedSeq = head.seq
      this.#signedAtMs = clock.monotonicMs()
      return
    }
    throw new WarderError('RECORD_UNAVAILABLE', { why: 'no number was free for a checkpoint' })
  }

  async #found(): Promise<ChainHead[]> {
    const tips = await this.#parts.store.unsignedTips()
    return tips
      .filter((tip) => tip.chain !== this.#parts.chain)
      .map(({ chain, seq, hash }) => ({ chain, seq, hash, by: 'finder' }))
  }

  /** What this process signed before must still stand where it stood. */
  async #checkMine(latest: Checkpoint | undefined): Promise<void> {
    const mine = this.#mine
    if (mine === undefined) return
    const there =
      latest?.number === mine.number ? latest : await this.#parts.store.checkpoint(mine.number)
    if (latest === undefined || latest.number < mine.number || there?.hash !== mine.hash) {
      throw new CheckpointsChanged(`checkpoint ${String(mine.number)} was removed or replaced`)
    }
  }
}

/** The store no longer holds what this process wrote there: somebody changed the log. */
class CheckpointsChanged extends Error {
  override readonly name = 'CheckpointsChanged'
}
