// Access requests over Temporal. Callers of one process that wait for the same request share one
// parked update: a run takes only ten at a time. Whatever goes wrong is a refusal.

import { setTimeout as pause } from 'node:timers/promises'
import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandle,
} from '@temporalio/client'
import type { Closure } from '../core/closure.js'
import type { Decision } from '../core/decision.js'
import { granted, refused, type Outcome } from '../core/errors.js'
import type { Grant } from '../core/grant.js'
import type { RequestId } from '../core/ids.js'
import type { AccessService, Begun, Cancellation, OnPending } from '../core/ports.js'
import type { AccessQuestion } from '../core/question.js'
import type { Tally } from '../core/quorum.js'
import type { Approval } from '../core/verdict.js'
import type { accessRequest } from '../workflows/access-request.js'
import * as messages from '../workflows/messages.js'
import { following, sizeChecked, wasCutOff, type TemporalCalls } from './temporal-calls.js'

/** How much longer than the approval's time-out the outcome is waited for. */
const outcomeMarginMs = 10_000
/** What a workflow knows the asker by who made it over the API: he looks into the inbox, and never leaves. */
const ASKER = 'asker'
/** Pause before a request that moves to a new run is asked again. */
const againMs = 100

/** What TemporalAccess is made with. */
export interface TemporalAccessOptions {
  readonly calls: TemporalCalls
  readonly taskQueue: string
  /** Tells this process from every other one, over restarts too. */
  readonly processName: string
  /** Hard stop of a request, from its making on: the longest approval and grant of any rule. */
  readonly executionMsMax: () => number
  /** Gives the reservation back of a request that was stopped from outside and could not. */
  readonly release: (id: RequestId) => Promise<void>
}

interface Waiting {
  readonly question: AccessQuestion
  /** What the workflow knows this waiting by; told back when it is given up. */
  readonly name: string
  readonly controller: AbortController
  readonly listeners: Set<(approval: Approval) => void>
  approval?: Approval
  callerCount: number
  outcome: Promise<Outcome<Grant>>
}

/** AccessService on Temporal. */
export class TemporalAccess implements AccessService {
  readonly #options: TemporalAccessOptions
  readonly #calls: TemporalCalls
  readonly #waiting = new Map<RequestId, Waiting>()
  #updateCount = 0

  constructor(options: TemporalAccessOptions) {
    this.#options = options
    this.#calls = options.calls
  }

  async open(
    question: AccessQuestion,
    cancellation: Cancellation,
    onPending: OnPending,
  ): Promise<Outcome<Grant>> {
    const { requestId } = question
    const checked = sizeChecked(question)
    if (!checked.ok) return checked
    if (cancellation.aborted) return withdrawnByCaller(question)
    const waiting = this.#waiting.get(requestId) ?? this.#begin(question)
    if (!isSameWish(waiting.question, question)) {
      return refused('FORBIDDEN', { what: question.resource })
    }
    const { signal, release } = following(cancellation)
    const listener = (approval: Approval) => {
      onPending({ requestId, approval })
    }
    if (waiting.approval !== undefined) listener(waiting.approval)
    else waiting.listeners.add(listener)
    waiting.callerCount += 1
    try {
      return await Promise.race([waiting.outcome, aborted(signal, question)])
    } finally {
      release()
      waiting.listeners.delete(listener)
      waiting.callerCount -= 1
      if (waiting.callerCount === 0) waiting.controller.abort()
    }
  }

  async begin(question: AccessQuestion): Promise<Outcome<Begun>> {
    const { requestId } = question
    const checked = sizeChecked(question)
    if (!checked.ok) return checked
    const asker = { question, name: ASKER }
    try {
      const standing = await this.#firstStanding(asker)
      if (standing.state === 'over') return refused(standing.refusal.code, standing.refusal.details)
      return granted(standing.state === 'again' ? 'verifying' : standing.state)
    } catch (error) {
      // The caller is told that there is none, so none may be left for people to answer.
      void this.#calls.hint('leave a request', () =>
        this.#handle(requestId).signal(messages.left, ASKER),
      )
      return this.#calls.refusalFor('open a request', error, requestId)
    }
  }

  async decide(id: RequestId, decision: Decision): Promise<Outcome<Tally>> {
    return this.#calls.ask(
      'decide a request',
      id,
      () => this.#handle(id).executeUpdate(messages.decide, { args: [decision] }),
      () => refused('ALREADY_DECIDED', { what: id }),
    )
  }

  async review(id: RequestId, closure: Closure): Promise<Outcome<null>> {
    return this.#calls.ask(
      'close the review of a break-glass',
      id,
      () => this.#handle(id).executeUpdate(messages.review, { args: [closure] }),
      () => refused('ALREADY_DECIDED', { what: `The review of ${id}` }),
    )
  }

  async extend(id: RequestId, byMs: number, by: string): Promise<Outcome<{ expiresAt: number }>> {
    return this.#calls.ask(
      'extend a grant',
      id,
      () => this.#handle(id).executeUpdate(messages.extend, { args: [byMs, by] }),
      () => refused('GRANT_EXPIRED', { id }),
    )
  }

  async ended(id: RequestId): Promise<void> {
    await this.#calls.hint('tell of an ended grant', () => this.#handle(id).signal(messages.ended))
  }

  async idle(id: RequestId): Promise<void> {
    await this.#calls.hint('tell of an idle grant', () => this.#handle(id).signal(messages.idle))
  }

  async complete(id: RequestId): Promise<Outcome<null>> {
    return this.#calls.ask(
      'complete a request',
      id,
      () => this.#handle(id).executeUpdate(messages.complete),
      () => granted(null),
    )
  }

  async withdraw(id: RequestId, why: string): Promise<Outcome<null>> {
    return this.#calls.ask(
      'withdraw a request',
      id,
      () => this.#handle(id).executeUpdate(messages.withdraw, { args: [why] }),
      () => refused('ALREADY_DECIDED', { what: id }),
    )
  }

  #begin(question: AccessQuestion): Waiting {
    const { requestId } = question
    const waiting: Waiting = {
      question,
      name: this.#nextName('wait'),
      controller: new AbortController(),
      listeners: new Set(),
      callerCount: 0,
      outcome: Promise.resolve(refused('INTERNAL')),
    }
    waiting.outcome = this.#drive(waiting).finally(() => {
      if (this.#waiting.get(requestId) === waiting) this.#waiting.delete(requestId)
    })
    this.#waiting.set(requestId, waiting)
    waiting.controller.signal.addEventListener('abort', () => {
      if (this.#waiting.get(requestId) === waiting) this.#waiting.delete(requestId)
    })
    return waiting
  }

  /** Never rejects. */
  async #drive(waiting: Waiting): Promise<Outcome<Grant>> {
    const { question, controller } = waiting
    const { requestId } = question
    try {
      return await this.#settle(waiting)
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError || wasCutOff(error)) {
        return await this.#past(question)
      }
      // Nobody of this process waits any more; the last process to leave withdraws the request.
      void this.#calls.hint('leave a request', () =>
        this.#handle(requestId).signal(messages.left, waiting.name),
      )
      if (controller.signal.aborted) return withdrawnByCaller(question)
      return this.#calls.refusalFor('open a request', error, requestId)
    }
  }

  async #settle(waiting: Waiting): Promise<Outcome<Grant>> {
    const { question, controller, listeners } = waiting
    const first = await this.#firstStanding(waiting, controller.signal)
    if (first.state !== 'pending') return outcomeOf(first, question)
    waiting.approval = first.approval
    for (const listener of listeners) listener(first.approval)
    const endMs = this.#calls.clock.monotonicMs() + first.approval.timeoutMs + outcomeMarginMs
    for (;;) {
      const { contactMsMax } = this.#calls.deadlines
      const park = () =>
        this.#handle(question.requestId).startUpdate(messages.openSession, {
          args: [joining(waiting)],
          updateId: this.#nextName('open'),
          waitForStage: 'ACCEPTED',
        })
      const parked = await this.#calls.within(contactMsMax, park, controller.signal)
      const standing = await this.#calls.waitFor(parked, endMs, controller.signal)
      if (standing.state !== 'again') return outcomeOf(standing, question)
      await pause(againMs, undefined, { signal: controller.signal })
    }
  }

  async #firstStanding(
    asker: Pick<Waiting, 'question' | 'name'>,
    signal?: AbortSignal,
  ): Promise<messages.Standing> {
    const { question } = asker
    const updateId = this.#nextName('standing')
    const start = async () => {
      const startWorkflowOperation = new WithStartWorkflowOperation<typeof accessRequest>(
        messages.WORKFLOW_TYPES.access,
        {
          args: [{ question }],
          workflowId: question.requestId,
          taskQueue: this.#options.taskQueue,
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          // A review that is owed stays open for as long as nobody closes it.
          ...(question.breakGlass !== true && {
            workflowExecutionTimeout: this.#options.executionMsMax(),
          }),
        },
      )
      return this.#calls.client.workflow.executeUpdateWithStart(messages.standing, {
        ...{ args: [joining(asker)] as [messages.Join] },
        ...{ updateId, startWorkflowOperation },
      })
    }
    return this.#calls.within(this.#calls.deadlines.openMsMax, start, signal)
  }

  /** What became of a request that is over. */
  async #past(question: AccessQuestion): Promise<Outcome<Grant>> {
    const { requestId } = question
    // Whoever reserved this id must get a new one; a request stopped from outside could not do it.
    if (question.origin === 'connect') {
      void this.#calls.hint('release a request', () => this.#options.release(requestId))
    }
    try {
      const result = () => this.#handle(requestId).result()
      const { refusal } = await this.#calls.within(this.#calls.deadlines.contactMsMax, result)
      return refused(refusal.code, refusal.details)
    } catch (error) {
      return this.#calls.refusalFor('read a past request', error, requestId)
    }
  }

  #nextName(name: string): string {
    this.#updateCount += 1
    return `${name}.${this.#options.processName}.${this.#updateCount}`
  }

  #handle(id: RequestId): WorkflowHandle<typeof accessRequest> {
    return this.#calls.client.workflow.getHandle<typeof accessRequest>(id)
  }
}

const joining = ({ name, question }: Pick<Waiting, 'name' | 'question'>): messages.Join => ({
  waiter: name,
  principalKey: question.principalKey,
  resource: question.resource,
  role: question.role,
})

function outcomeOf(standing: messages.Standing, { requestId }: AccessQuestion): Outcome<Grant> {
  if (standing.state === 'active') return granted(standing.grant)
  if (standing.state === 'over') return refused(standing.refusal.code, standing.refusal.details)
  return refused('CONTROL_PLANE_UNAVAILABLE', { id: requestId })
}

const isSameWish = (a: AccessQuestion, b: AccessQuestion): boolean =>
  a.principalKey === b.principalKey && a.resource === b.resource && a.role === b.role

const withdrawnByCaller = ({ resource, requestId }: AccessQuestion): Outcome<never> =>
  refused('REQUEST_WITHDRAWN', { what: resource, why: 'the caller went away', id: requestId })

const aborted = (signal: AbortSignal, question: AccessQuestion): Promise<Outcome<never>> =>
  new Promise((resolve) => {
    const abort = () => {
      resolve(withdrawnByCaller(question))
    }
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
  })
