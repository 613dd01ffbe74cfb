// What is under way between a caller and his target: the replies that are awaited, the pipeline that
// no Sync has ended yet, and what may have changed since the last ReadyForQuery. No I/O.

import { serialize } from 'pg-protocol'

import type { Clock } from '../../core/ports.js'
import { Outbox } from './codec.js'
import { OWN_NAME } from './own-lookup.js'
import type { Results } from './results.js'
import {
  IDLE,
  IN_TRANSACTION,
  Replies,
  Reply,
  type ReplyDetails,
  type ReplyEvents,
  type ReplyKind,
} from './replies.js'

/** A statement that no server accepts: it fails the caller's transaction where a refusal must. */
export const POISON = 'REFUSED BY WARDER'

/** What the pipeline tells and asks of the session around it. */
export interface PipelineEvents extends Pick<ReplyEvents, 'finished' | 'reported'> {
  /** Writes what the outboxes hold. */
  flush(): void
  /** A transaction is over for certain: its portals are gone. */
  transactionEnded(): void
}

/** The state of one conversation between its messages. */
export class Pipeline {
  readonly toTarget = new Outbox()
  readonly toCaller = new Outbox()
  readonly replies: Replies
  /** Messages of the extended protocol were forwarded since the last Sync. */
  isOpen = false
  /** Something was forwarded that may have changed the transaction's status. */
  #controlOutstanding = false
  /** Something was forwarded that may change what names mean. */
  #namesOutstanding = false
  #onSettled: (() => void) | undefined
  readonly #on: PipelineEvents
  readonly #results: Results
  readonly #clock: Clock

  constructor(events: PipelineEvents, results: Results, clock: Clock) {
    this.#on = events
    this.#results = results
    this.#clock = clock
    this.replies = new Replies(this.toCaller, results, {
      finished: (reply) => {
        reply.durationMs = Math.max(0, clock.now() - reply.startedAt)
        events.finished(reply)
      },
      reported: (name, value) => events.reported(name, value),
      settled: () => {
        this.#nothingOutstanding()
        const resolve = this.#onSettled
        this.#onSettled = undefined
        resolve?.()
      },
    })
  }

  /** Awaits the reply to a command that is forwarded now. */
  command(kind: 'query' | 'execute', details: ReplyDetails): void {
    if (details.occurrence !== undefined) this.#results.note(details.occurrence)
    this.replies.push(new Reply(kind, this.#clock.now(), details))
  }

  /** Awaits the reply to any other message. */
  expect(kind: ReplyKind, details?: ReplyDetails): void {
    this.replies.push(new Reply(kind, 0, details))
  }

  /**
   * Inside an explicit transaction for certain: the last status said so, and nothing was forwarded
   * since that could have ended it.
   */
  get inTransaction(): boolean {
    return this.replies.status === IN_TRANSACTION && !this.#controlOutstanding
  }

  /** Names may mean something else once what is under way is done, or has failed. */
  get namesMayChange(): boolean {
    return this.replies.count > 0 && this.#namesOutstanding
  }

  /** A command is forwarded that may change the transaction's status, or what names mean. */
  noteControl(isDefining: boolean): void {
    this.#controlOutstanding = true
    if (isDefining) this.#namesOutstanding = true
  }

  /** The target fails the pipeline for us: order, skipping and transaction stay PostgreSQL's. */
  refuse(error: Buffer): void {
    this.expect('refusal', { error })
    this.toTarget.add(serialize.parse({ name: `${OWN_NAME}refusal`, text: POISON }))
    this.replies.skipping = true
  }

  /** Resolves when no reply is awaited. Within a pipeline the target is asked to flush them. */
  async settled(): Promise<void> {
    if (this.replies.count === 0) return
    if (this.isOpen) this.toTarget.add(serialize.flush())
    await new Promise<void>((resolve) => {
      this.#onSettled = resolve
      this.#on.flush()
    })
  }

  #nothingOutstanding(): void {
    this.#namesOutstanding = false
    // Within a pipeline no ReadyForQuery has told how the transaction stands.
    if (this.isOpen) return
    this.#controlOutstanding = false
    if (this.replies.status === IDLE) this.#on.transactionEnded()
  }
}
