// One held command: a durable shell around core/command-review.ts. Between a decision and the
// answer to the parked `ask` stands nothing but the reducer; records follow.

import {
  CancellationScope,
  allHandlersFinished,
  continueAsNew,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { AuditEvent } from '../core/audit.js'
import {
  digestRefusal,
  escalatesAt,
  openReview,
  outcomeOf,
  reviewItemOf,
  reviewTransition,
  type CommandReview,
  type ReviewEvent,
  type ReviewStep,
} from '../core/command-review.js'
import type { Decision } from '../core/decision.js'
import { assert, granted, refused, type Outcome } from '../core/errors.js'
import type { ReviewOutcome } from '../core/question.js'
import type { Tally } from '../core/quorum.js'
import { now } from './clock.js'
import * as messages from './messages.js'
import { afterwards, firstOfAll, glance, guarded, rejection, settled } from './shell.js'

/** How often the gateway that holds the command, or the grant it comes under, is looked for. */
const leaseMs = 15_000
/** Parked callers at a time: the gateway that holds the command, and itself once reconnected. */
const parkedCountMax = 4

/** Runs the review until somebody decided, or nobody can any more. */
export async function commandReview(input: messages.ReviewInput): Promise<ReviewOutcome> {
  const life = new ReviewLife(input)
  life.listen()
  CancellationScope.current().cancelRequested.catch(() => {
    life.withdraw('cancelled by an operator')
  })
  return CancellationScope.nonCancellable(async () => life.run())
}

class ReviewLife {
  #review: CommandReview
  #facts: AuditEvent[]
  #recordedRevision: number
  #parkedCount = 0
  #isLeaving = false

  constructor({ question, resumed }: messages.ReviewInput) {
    const first = openReview(question, now())
    this.#review = resumed?.review ?? first.review
    this.#facts = [...(resumed?.facts ?? first.facts)]
    this.#recordedRevision = resumed?.recordedRevision ?? 0
  }

  /** Registers every handler; done first, so that no message finds nobody there. */
  listen(): void {
    setHandler(messages.ask, () => guarded(() => this.#ask()), {
      validator: (digest: string) => {
        this.#admit(digest)
      },
    })
    setHandler(messages.opened, () => guarded(() => this.#opened()), {
      validator: (digest: string) => {
        const refusal = digestRefusal(this.#review, digest)
        if (refusal !== undefined) throw rejection(refusal)
      },
    })
    setHandler(messages.decide, (decision) => guarded(() => this.#decide(decision)), {
      validator: (decision: Decision) => {
        const { refusal } = reviewTransition(this.#review, this.#decided(decision))
        if (refusal !== undefined) throw rejection(refusal)
      },
    })
    setHandler(messages.withdraw, (why) =>
      guarded(() => {
        const { refusal } = this.withdraw(why)
        return refusal === undefined ? granted(null) : refused(refusal.code, refusal.details)
      }),
    )
    setHandler(messages.abandoned, (digest, why) => {
      if (digestRefusal(this.#review, digest) === undefined) this.withdraw(why)
    })
  }

  /** Takes the question back, unless it is decided. */
  withdraw(why: string): ReviewStep {
    return this.#apply({ type: 'withdrawn', why })
  }

  /** Waits for the end beside the recording, so that a slow log holds no deadline up. */
  async run(): Promise<ReviewOutcome> {
    const recording = this.#keepRecords()
    while (this.#review.state === 'pending' && !this.#isLeaving) await this.#watch()
    await recording
    await settled(allHandlersFinished)
    if (this.#review.state === 'pending') await this.#continue()
    // What was said while the last record was written.
    await this.#record()
    const outcome = outcomeOf(this.#review)
    assert(outcome !== undefined, 'a review that is over has an outcome')
    return outcome
  }

  /** Until the next event, deadline or look at the gateway's lease. */
  async #watch(): Promise<void> {
    const { deadlineAt } = this.#review
    const waitMs = Math.min(leaseMs, deadlineAt - now(), escalatesAt(this.#review) - now())
    const happened = await settled(
      () => this.#review.state !== 'pending' || this.#mustContinue(),
      Math.max(1, waitMs),
    )
    if (this.#mustContinue()) this.#isLeaving = true
    if (happened) return
    this.#apply({ type: 'escalated', at: now() })
    if (now() >= deadlineAt) {
      this.#apply({ type: 'deadline', at: now() })
    } else if (this.#isRetry) {
      if (await this.#isGrantOver()) this.withdraw('the grant has ended')
    } else if (!(await this.#isGatewayAlive())) {
      this.withdraw('the gateway that held the command is gone')
    }
  }

  /** Nobody waits on the wire: the question lives as long as the grant that the command comes under. */
  get #isRetry(): boolean {
    return this.#review.question.approval.wait === 'retry'
  }

  async #isGrantOver(): Promise<boolean> {
    try {
      return (await glance.inspectGrant(this.#review.question.grantId)).end !== null
    } catch {
      // Not knowing harms nobody: under a grant that has ended nothing is released.
      return false
    }
  }

  async #isGatewayAlive(): Promise<boolean> {
    try {
      return await glance.isGatewayAlive(this.#review.question.gatewayId)
    } catch {
      // Not knowing harms nobody: a dead gateway forwards nothing, and the deadline still stands.
      return true
    }
  }

  async #keepRecords(): Promise<void> {
    // The first record is written within the task that accepts `ask`: a caller who hears that the
    // review is open can rely on people seeing it.
    if (this.#recordedRevision === 0) await this.#record(firstOfAll.record)
    while (this.#review.state === 'pending' && !this.#isLeaving) {
      await settled(() => this.#review.revision !== this.#recordedRevision || this.#isLeaving)
      await this.#record()
    }
    await this.#record()
  }

  async #record(write = afterwards.record): Promise<void> {
    const { revision } = this.#review
    if (revision === this.#recordedRevision && this.#facts.length === 0) return
    const facts = this.#facts
    this.#facts = []
    await write(reviewItemOf(this.#review), facts)
    this.#recordedRevision = revision
  }

  #mustContinue(): boolean {
    return workflowInfo().continueAsNewSuggested && this.#review.state === 'pending'
  }

  async #continue(): Promise<void> {
    await continueAsNew<typeof commandReview>({
      question: this.#review.question,
      resumed: {
        review: this.#review,
        recordedRevision: this.#recordedRevision,
        facts: this.#facts,
      },
    })
  }

  #apply(event: ReviewEvent): ReviewStep {
    const step = reviewTransition(this.#review, event)
    this.#review = step.review
    this.#facts.push(...step.facts)
    return step
  }

  #admit(digest: string): void {
    const refusal = digestRefusal(this.#review, digest)
    if (refusal !== undefined) throw rejection(refusal)
    if (this.#parkedCount >= parkedCountMax) {
      const why = `${parkedCountMax} callers already wait for this review`
      throw rejection({ code: 'LIMIT_EXCEEDED', details: { why } })
    }
  }

  async #opened(): Promise<null> {
    await settled(() => this.#recordedRevision > 0)
    return null
  }

  async #ask(): Promise<messages.Asked> {
    this.#parkedCount += 1
    try {
      await settled(() => this.#review.state !== 'pending' || this.#isLeaving)
    } finally {
      this.#parkedCount -= 1
    }
    return outcomeOf(this.#review) ?? { state: 'again' }
  }

  #decided(decision: Decision): ReviewEvent {
    return { type: 'decided', decision, at: now() }
  }

  #decide(decision: Decision): Outcome<Tally> {
    const { refusal, review } = this.#apply(this.#decided(decision))
    if (refusal !== undefined) return refused(refusal.code, refusal.details)
    if (review.state === 'pending') return granted('pending')
    return granted(review.state === 'denied' ? 'denied' : 'approved')
  }
}
