// Reviews of held commands over Temporal: one workflow per command, one update parked on it until
// somebody decided. Whatever goes wrong is a refusal, and takes the review back.

import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowUpdateFailedError,
  type WorkflowHandle,
} from '@temporalio/client'
import type { Decision } from '../core/decision.js'
import { granted, refused, type Outcome } from '../core/errors.js'
import type { ReviewId } from '../core/ids.js'
import type { Cancellation, ReviewService } from '../core/ports.js'
import type { ReviewOutcome, ReviewQuestion } from '../core/question.js'
import type { Tally } from '../core/quorum.js'
import type { commandReview } from '../workflows/command-review.js'
import * as messages from '../workflows/messages.js'
import { following, sizeChecked, wasCutOff, type TemporalCalls } from './temporal-calls.js'

/** How much longer than its own time-out a review may exist, for its records to be written. */
const marginMs = 300_000
/** How much longer than the time-out its outcome is waited for. */
const outcomeMarginMs = 10_000

/** ReviewService on Temporal. */
export class TemporalReviews implements ReviewService {
  readonly #calls: TemporalCalls
  readonly #taskQueue: string
  readonly #processName: string
  #askCount = 0

  /** `processName` tells this process from every other one, over restarts too. */
  constructor(calls: TemporalCalls, taskQueue: string, processName: string) {
    this.#calls = calls
    this.#taskQueue = taskQueue
    this.#processName = processName
  }

  async ask(
    question: ReviewQuestion,
    cancellation: Cancellation,
    onOpened: () => void = () => undefined,
  ): Promise<Outcome<ReviewOutcome>> {
    const checked = sizeChecked(question)
    if (!checked.ok) return checked
    const { reviewId: id } = question
    const { signal, release } = following(cancellation)
    try {
      if (signal.aborted) return withdrawnByCaller(id)
      return granted(await this.#outcome(question, signal, onOpened))
    } catch (error) {
      // Nobody waits any more, so the card must not look as if somebody did. Whoever was turned
      // away never held this command.
      if (!(error instanceof WorkflowUpdateFailedError)) this.#abandon(question, signal.aborted)
      if (signal.aborted) return withdrawnByCaller(id)
      return this.#calls.refusalFor('wait for a review', error, id)
    } finally {
      release()
    }
  }

  async open(question: ReviewQuestion): Promise<Outcome<null>> {
    const checked = sizeChecked(question)
    if (!checked.ok) return checked
    const { reviewId: id } = question
    try {
      this.#askCount += 1
      const start = () =>
        this.#calls.client.workflow.executeUpdateWithStart(messages.opened, {
          args: [question.digest] as [string],
          updateId: `opened.${this.#processName}.${this.#askCount}`,
          startWorkflowOperation: this.#starting(question),
        })
      await this.#calls.within(this.#calls.deadlines.openMsMax, start)
      return granted(null)
    } catch (error) {
      // It is over already: what became of it is in the store, or about to be.
      if (error instanceof WorkflowExecutionAlreadyStartedError || wasCutOff(error)) {
        return granted(null)
      }
      return this.#calls.refusalFor('open a review', error, id)
    }
  }

  async decide(id: ReviewId, decision: Decision): Promise<Outcome<Tally>> {
    return this.#calls.ask(
      'decide a review',
      id,
      () => this.#handle(id).executeUpdate(messages.decide, { args: [decision] }),
      () => refused('ALREADY_DECIDED', { what: id }),
    )
  }

  async withdraw(id: ReviewId, why: string): Promise<Outcome<null>> {
    return this.#calls.ask(
      'withdraw a review',
      id,
      () => this.#handle(id).executeUpdate(messages.withdraw, { args: [why] }),
      () => refused('ALREADY_DECIDED', { what: id }),
    )
  }

  async #outcome(
    question: ReviewQuestion,
    signal: AbortSignal,
    onOpened: () => void,
  ): Promise<ReviewOutcome> {
    const { timeoutMs } = question.approval
    const endMs = this.#calls.clock.monotonicMs() + timeoutMs + outcomeMarginMs
    let parked = await this.#start(question, signal)
    onOpened()
    for (;;) {
      const asked = await this.#calls.waitFor(parked, endMs, signal)
      if (asked.state !== 'again') return asked
      parked = await this.#start(question, signal)
    }
  }

  /** Starts the review, or joins it in its next run; accepted means that people can see it. */
  #start(question: ReviewQuestion, signal: AbortSignal) {
    this.#askCount += 1
    const updateId = `ask.${this.#processName}.${this.#askCount}`
    const startWorkflowOperation = this.#starting(question)
    const start = () =>
      this.#calls.client.workflow.startUpdateWithStart(messages.ask, {
        args: [question.digest],
        ...{ updateId, startWorkflowOperation, waitForStage: 'ACCEPTED' as const },
      })
    return this.#calls.within(this.#calls.deadlines.openMsMax, start, signal)
  }

  #starting(question: ReviewQuestion) {
    return new WithStartWorkflowOperation<typeof commandReview>(messages.WORKFLOW_TYPES.review, {
      args: [{ question }],
      workflowId: question.reviewId,
      taskQueue: this.#taskQueue,
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowExecutionTimeout: question.approval.timeoutMs + marginMs,
    })
  }

  #abandon({ reviewId, digest }: ReviewQuestion, byCaller: boolean): void {
    const why = byCaller ? 'the caller went away' : 'the gateway lost its control plane'
    void this.#calls.hint('abandon a review', () =>
      this.#handle(reviewId).signal(messages.abandoned, digest, why),
    )
  }

  #handle(id: ReviewId): WorkflowHandle<typeof commandReview> {
    return this.#calls.client.workflow.getHandle<typeof commandReview>(id)
  }
}

const withdrawnByCaller = (id: ReviewId): Outcome<never> =>
  refused('REVIEW_WITHDRAWN', { why: 'the caller went away', id })
