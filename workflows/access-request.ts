// One access request, and the grant it turns into: a durable shell around core/access-request.ts.
// Handlers only apply events; everything that touches the store happens in one place, in order.

import {
  CancellationScope,
  ContinueAsNew,
  allHandlersFinished,
  continueAsNew,
  log,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { openAccessRequest, transition, type AccessEvent } from '../core/access-request.js'
import {
  extensionOf,
  isOver,
  isSpent,
  itemOf,
  refusalOf,
  type AccessRequest,
  type AccessStep,
} from '../core/access-standing.js'
import type { AuditEvent } from '../core/audit.js'
import type { Closure } from '../core/closure.js'
import type { Decision } from '../core/decision.js'
import { granted, refused, type Outcome, type Refusal } from '../core/errors.js'
import { principalName } from '../core/principal.js'
import type { Tally } from '../core/quorum.js'
import { Callers } from './callers.js'
import { now } from './clock.js'
import { GrantWatch } from './grant-watch.js'
import * as messages from './messages.js'
import { guarded, nearby, rejection, settled } from './shell.js'

/** The first revision that says who was asked. */
const judgedRevision = 2

/** Runs the request from verification to the closed row. Cancelling it ends it the same way. */
export async function accessRequest(input: messages.AccessInput): Promise<messages.AccessResult> {
  const life = new AccessLife(input)
  life.listen()
  CancellationScope.current().cancelRequested.catch(() => {
    life.stop('operator', 'cancelled by an operator')
  })
  return CancellationScope.nonCancellable(async () => life.run())
}

interface Extension {
  readonly byMs: number
  readonly by: string
  answer?: Outcome<{ expiresAt: number }>
}

const reviewedBy = (closure: Closure): AccessEvent => ({ type: 'reviewed', closure, at: now() })

class AccessLife {
  #request: AccessRequest
  #facts: AuditEvent[]
  #recordedRevision: number
  readonly #callers: Callers
  readonly #watch: GrantWatch
  #isLeaving = false
  #isWoken = false
  readonly #extensions: Extension[] = []

  constructor({ question, resumed }: messages.AccessInput) {
    const first = openAccessRequest(question, now())
    this.#request = resumed?.request ?? first.request
    this.#facts = [...(resumed?.facts ?? first.facts)]
    this.#recordedRevision = resumed?.recordedRevision ?? 0
    this.#callers = new Callers(question, resumed?.waiters ?? [])
    this.#watch = new GrantWatch(question.origin, now(), resumed)
  }

  /** Registers every handler; done first, so that no message finds nobody there. */
  listen(): void {
    const joining = { validator: (join: messages.Join) => this.#callers.admit(join) }
    setHandler(
      messages.standing,
      (join) => guarded(() => this.#wait(join, () => this.#isJudged())),
      joining,
    )
    setHandler(
      messages.openSession,
      (join) => guarded(() => this.#wait(join, () => this.#isSettled())),
      joining,
    )
    setHandler(messages.decide, (decision) => guarded(() => this.#decide(decision)), {
      validator: (decision: Decision) => {
        this.#rejectIf(transition(this.#request, this.#decided(decision)).refusal)
      },
    })
    setHandler(messages.review, (closure) => guarded(() => this.#review(closure)), {
      validator: (closure: Closure) => {
        this.#rejectIf(transition(this.#request, reviewedBy(closure)).refusal)
      },
    })
    setHandler(messages.extend, (byMs, by) => guarded(() => this.#extend(byMs, by)), {
      validator: (...[byMs]: [number, string]) => {
        const extension = extensionOf(this.#request, byMs)
        this.#rejectIf('refusal' in extension ? extension.refusal : undefined)
      },
    })
    setHandler(messages.complete, () => guarded(() => this.#complete()))
    setHandler(messages.withdraw, (why) =>
      guarded(() => {
        const step = this.#apply({ type: 'withdrawn', why, at: now() })
        return step.refusal === undefined
          ? granted(null)
          : refused(step.refusal.code, step.refusal.details)
      }),
    )
    setHandler(messages.ended, () => {
      this.#watch.suspect(now())
      this.#isWoken = true
    })
    setHandler(messages.idle, () => {
      this.#watch.emptied(now())
      this.#isWoken = true
    })
    setHandler(messages.left, (waiter) => {
      this.#leave(waiter)
    })
  }

  /** Drives the request until its row is closed and recorded, over as many runs as it takes. */
  async run(): Promise<messages.AccessResult> {
    try {
      while (!isOver(this.#request)) {
        // An end is never kept waiting by the log; everything else is recorded first.
        if (this.#request.phase !== 'ending') await this.#record()
        if (this.#mustContinue()) await this.#continue()
        await this.#step()
      }
    } catch (error) {
      if (error instanceof ContinueAsNew) throw error
      log.error('access request failed', { error })
      this.stop('warder', 'Warder failed')
      await this.#close()
    }
    // First, so that whoever sees the request as over gets a new one.
    const { question, breakGlass } = this.#request
    await nearby.releaseRequest(question.requestId)
    if (breakGlass?.closure !== undefined)
      await nearby.settleReview(question.requestId, breakGlass.closure.at)
    await this.#record()
    await settled(allHandlersFinished)
    return { state: itemOf(this.#request).state, refusal: refusalOf(this.#request) }
  }

  /** Ends whatever there is, from outside the request's own rules. */
  stop(by: string, why: string): void {
    const withdrawn = this.#apply({ type: 'withdrawn', why, at: now() })
    if (withdrawn.refusal !== undefined) {
      this.#apply({ type: 'ending', reason: 'revoked', by, at: now() })
    }
  }

  async #step(): Promise<void> {
    const { phase, grant, deadlineAt = now(), escalatesAt = Infinity } = this.#request
    if (phase === 'verifying') return this.#judge()
    if (phase === 'pending') {
      const isInTime = await this.#pause(Math.min(deadlineAt, escalatesAt))
      if (isInTime) return
      this.#apply({ type: 'escalated', at: now() })
      this.#apply({ type: 'deadline', at: now() })
    } else if (phase === 'opening' && grant !== undefined) {
      const { breakGlass, question } = this.#request
      const { plan, requestId, principal } = question
      // Before the grant: whoever owes a review that nobody remembers would owe none.
      if (breakGlass !== undefined)
        await nearby.oweReview(requestId, principalName(principal), breakGlass.dueAt)
      // An argument that is not there is left out: what is undefined is no payload that can be sealed.
      const row = await (plan === undefined
        ? nearby.openGrant(grant)
        : nearby.openGrant(grant, plan))
      this.#apply({ type: 'opened', row })
      this.#watch.opened(now())
    } else if (phase === 'active') {
      await this.#tend()
    } else if (phase === 'review-due') {
      const { dueAt = now(), isOverdue = true } = this.#request.breakGlass ?? {}
      // Once it is overdue only somebody's answer moves it, however long that takes.
      const isInTime = await this.#pause(isOverdue ? undefined : dueAt)
      if (!isInTime) this.#apply({ type: 'overdue', at: now() })
    } else {
      await this.#close()
    }
  }

  async #judge(): Promise<void> {
    const { question } = this.#request
    const verified = await nearby.verifyAccess(question)
    if (!verified.ok) {
      this.#apply({ type: 'rejected', refusal: verified.refusal })
      return
    }
    if (this.#request.phase !== 'verifying') return
    const { verdict, policyDigest } = await nearby.judgeAccess(question, now())
    this.#apply({ type: 'judged', verdict, policyDigest, at: now() })
  }

  /** One round of an active grant: an extension, its time, a look at its row, or a pause. */
  async #tend(): Promise<void> {
    const grant = this.#request.grant
    const extension = this.#extensions.shift()
    if (extension !== undefined) return this.#store(extension)
    if (grant === undefined || now() >= grant.expiresAt) {
      this.#apply({ type: 'ending', reason: 'expired', by: 'time', at: now() })
      return
    }
    if (now() >= this.#watch.dueAt) return this.#look()
    await this.#pause(Math.min(grant.expiresAt, this.#watch.dueAt))
  }

  async #store(extension: Extension): Promise<void> {
    const wanted = extensionOf(this.#request, extension.byMs)
    const id = this.#request.grant?.id
    if ('refusal' in wanted || id === undefined) {
      const { code, details } = 'refusal' in wanted ? wanted.refusal : refusalOf(this.#request)
      extension.answer = refused(code, details)
      return
    }
    const row = await nearby.extendGrant(id, wanted.expiresAt)
    if (row === null) {
      this.#watch.suspect(now())
      const { requestId } = this.#request.question
      extension.answer = refused('GRANT_EXPIRED', { id: requestId })
      return
    }
    this.#apply({ type: 'extended', row, by: extension.by })
    extension.answer = granted({ expiresAt: row.expiresAt })
  }

  async #look(): Promise<void> {
    const { grant } = this.#request
    if (grant === undefined) return
    const { end, openCount } = await nearby.inspectGrant(grant.id)
    const isIdle = this.#watch.seen(openCount, now())
    if (end !== null) {
      this.#apply({ type: 'ending', reason: end.reason, by: end.by, at: end.at })
    } else if (isIdle) {
      this.#apply({ type: 'ending', reason: 'idle', by: 'time', at: now() })
    }
  }

  async #close(): Promise<void> {
    const grant = this.#request.grant
    if (this.#request.phase !== 'ending' || grant?.end === undefined) return
    this.#apply({ type: 'closed', end: await nearby.endGrant(grant.id, grant.end) })
  }

  async #record(): Promise<void> {
    const { revision } = this.#request
    if (revision === this.#recordedRevision && this.#facts.length === 0) return
    const facts = this.#facts
    this.#facts = []
    await nearby.record(itemOf(this.#request), facts)
    this.#recordedRevision = revision
  }

  /** False when `until` came before anything else did; without one it waits for as long as it takes. */
  async #pause(until: number | undefined): Promise<boolean> {
    const { revision } = this.#request
    this.#isWoken = false
    return settled(
      () =>
        this.#request.revision !== revision ||
        this.#isWoken ||
        this.#extensions.length > 0 ||
        this.#mustContinue(),
      until === undefined ? undefined : Math.max(1, until - now()),
    )
  }

  #mustContinue(): boolean {
    const { phase } = this.#request
    const isWaiting = phase === 'pending' || phase === 'active' || phase === 'review-due'
    return workflowInfo().continueAsNewSuggested && isWaiting
  }

  async #continue(): Promise<void> {
    this.#isLeaving = true
    for (const extension of this.#extensions) {
      extension.answer = refused('CONTROL_PLANE_UNAVAILABLE', { why: 'try once more' })
    }
    await settled(allHandlersFinished)
    await continueAsNew<typeof accessRequest>({
      question: this.#request.question,
      resumed: {
        request: this.#request,
        recordedRevision: this.#recordedRevision,
        facts: this.#facts,
        waiters: this.#callers.names,
        idleDueAt: this.#watch.idleDueAt,
      },
    })
  }

  #apply(event: AccessEvent): AccessStep {
    const step = transition(this.#request, event)
    this.#request = step.request
    this.#facts.push(...step.facts)
    return step
  }

  #rejectIf(refusal: Refusal | undefined): void {
    if (refusal !== undefined) throw rejection(refusal)
  }

  async #wait(join: messages.Join, holds: () => boolean): Promise<messages.Standing> {
    await this.#callers.park(join, () => holds() || this.#isLeaving)
    return holds() ? this.#standing() : { state: 'again' }
  }

  #standing(): messages.Standing {
    const { phase, verdict, grant } = this.#request
    if (phase === 'pending' && verdict?.outcome === 'ask') {
      return { state: 'pending', approval: verdict.approval }
    }
    if (phase === 'active' && grant !== undefined) return { state: 'active', grant }
    return { state: 'over', refusal: refusalOf(this.#request) }
  }

  /** People have been asked, on record, or it is settled. */
  #isJudged(): boolean {
    if (this.#request.phase !== 'pending') return this.#isSettled()
    return this.#recordedRevision >= judgedRevision
  }

  #isSettled(): boolean {
    const { phase } = this.#request
    return phase !== 'verifying' && phase !== 'pending' && phase !== 'opening'
  }

  #leave(waiter: string): void {
    const isLast = this.#callers.leave(waiter)
    const { phase } = this.#request
    if (isLast && (phase === 'verifying' || phase === 'pending')) {
      this.#apply({ type: 'withdrawn', why: 'nobody waits for it any more', at: now() })
    }
  }

  #decided(decision: Decision): AccessEvent {
    return { type: 'decided', decision, at: now() }
  }

  #decide(decision: Decision): Outcome<Tally> {
    const step = this.#apply(this.#decided(decision))
    if (step.refusal !== undefined) return refused(step.refusal.code, step.refusal.details)
    const { phase } = step.request
    if (phase === 'pending') return granted('pending')
    return granted(phase === 'denied' ? 'denied' : 'approved')
  }

  #review(closure: Closure): Outcome<null> {
    const { refusal } = this.#apply(reviewedBy(closure))
    return refusal === undefined ? granted(null) : refused(refusal.code, refusal.details)
  }

  async #extend(byMs: number, by: string): Promise<Outcome<{ expiresAt: number }>> {
    const extension: Extension = { byMs, by }
    this.#extensions.push(extension)
    await settled(() => extension.answer !== undefined || this.#isSettledOver())
    const { code, details } = refusalOf(this.#request)
    return extension.answer ?? refused(code, details)
  }

  #isSettledOver(): boolean {
    return this.#request.phase === 'ending' || isSpent(this.#request)
  }

  async #complete(): Promise<Outcome<null>> {
    const { phase, question } = this.#request
    if (phase === 'verifying' || phase === 'pending') {
      this.#apply({ type: 'withdrawn', why: 'the job is over', at: now() })
    } else if (phase === 'opening' || phase === 'active') {
      const by = principalName(question.principal)
      this.#apply({ type: 'ending', reason: 'completed', by, at: now() })
    }
    await settled(() => isSpent(this.#request) || this.#isLeaving)
    return granted(null)
  }
}
