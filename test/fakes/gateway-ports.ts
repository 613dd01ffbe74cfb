// The ports behind the PostgreSQL port, in memory. They do what a test tells them to, and keep what
// was asked of them; nobody here waits for time to pass.

import { createHash } from 'node:crypto'

import type { AuditEvent, AuditKind } from '../../core/audit.js'
import { granted, refused, WarderError, type Outcome, type Refusal } from '../../core/errors.js'
import type { Grant } from '../../core/grant.js'
import { grantIdOf, type GrantId, type RequestId, type ReviewId } from '../../core/ids.js'
import type {
  AccessService,
  Authenticated,
  AuditLog,
  Cancellation,
  Clock,
  Identity,
  OnPending,
  ReviewService,
} from '../../core/ports.js'
import type { Principal } from '../../core/principal.js'
import type { AccessQuestion, ReviewOutcome, ReviewQuestion } from '../../core/question.js'
import { HintBus } from '../../store/hint-bus.js'
import { MemoryGrants } from '../workflows/memory-ports.js'
import { trailOf, type TrailEvent } from './trail.js'

/** Longest wait for something that a test expects to happen. */
export const DEADLINE_MS = 10_000

/** Resolves as the promise does, or rejects once the deadline has passed. */
export function within<T>(promise: Promise<T>, what: string, deadlineMs = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited too long for ${what}`)), deadlineMs)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Tells those who wait whenever something changed. */
export class Changes {
  #wake = new Set<() => void>()

  announce(): void {
    const waiting = this.#wake
    this.#wake = new Set()
    for (const wake of waiting) wake()
  }

  /** Resolves with the first value that `look` finds. */
  until<T>(look: () => T | undefined, what: string): Promise<T> {
    const watch = async (): Promise<T> => {
      for (;;) {
        const found = look()
        if (found !== undefined) return found
        await new Promise<void>((resolve) => this.#wake.add(resolve))
      }
    }
    return within(watch(), what)
  }
}

/** Real time. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => Math.round(performance.now()),
}

/** Everybody whose token is `good` or starts with `good-` is let in under that name. */
export class GoodTokens implements Identity {
  authenticate(token: string): Promise<Outcome<Authenticated>> {
    if (!/^good(?:-\S*)?$/.test(token)) {
      return Promise.resolve(refused('UNAUTHENTICATED', { why: 'it is not a good one' }))
    }
    const principal: Principal = {
      issuer: 'ci',
      subject: token,
      groups: ['jobs'],
      attributes: {},
      actors: [],
      parties: [],
      aliases: [`ci/${token}`],
      tokenExpiresAt: Date.now() + 3_600_000,
    }
    const digest = createHash('sha256').update(token).digest('hex')
    return Promise.resolve(granted({ principal, principalKey: digest, tokenDigest: digest }))
  }
}

/** Grants with the reads that gateways make. */
export class LiveGrants extends MemoryGrants {
  override changed(known?: ReadonlyMap<GrantId, number>) {
    const rows = [...(known ?? [])].flatMap(([id, epoch]) => {
      const row = this.rows.get(id)
      return row !== undefined && row.epoch > epoch ? [row] : []
    })
    return Promise.resolve(rows as never[])
  }
}

/** Opens every request at once, unless `script` says otherwise. */
export class ScriptedAccess implements AccessService {
  readonly questions: AccessQuestion[] = []
  readonly idled: RequestId[] = []
  script:
    | ((
        question: AccessQuestion,
        signal: Cancellation,
        onPending: OnPending,
      ) => Promise<Outcome<null>>)
    | undefined
  readonly #grants: LiveGrants
  #serial = 0

  constructor(grants: LiveGrants) {
    this.#grants = grants
  }

  newRequestId = (): RequestId => `req_test${String(++this.#serial).padStart(6, '0')}`

  async open(
    question: AccessQuestion,
    signal: Cancellation,
    onPending: OnPending,
  ): Promise<Outcome<Grant>> {
    this.questions.push(question)
    const scripted = await this.script?.(question, signal, onPending)
    if (scripted?.ok === false) return scripted
    const { requestId, principal, principalKey, resource, role, origin, reason } = question
    const grant: Grant = {
      ...{ id: grantIdOf(requestId), requestId, principal, principalKey, resource, role, origin },
      ...{ reason, policyDigest: 'p'.repeat(64), openedAt: Date.now(), epoch: 1 },
      expiresAt: Date.now() + 3_600_000,
    }
    return granted(await this.#grants.open(grant))
  }
  begin() {
    return Promise.resolve(refused('CONTROL_PLANE_UNAVAILABLE'))
  }
  decide() {
    return Promise.resolve(granted('approved' as const))
  }
  review() {
    return Promise.resolve(refused('NOT_FOUND'))
  }
  extend() {
    return Promise.resolve(refused('NOT_FOUND'))
  }
  ended() {
    return Promise.resolve()
  }
  complete() {
    return Promise.resolve(granted(null))
  }
  withdraw() {
    return Promise.resolve(granted(null))
  }
  idle(id: RequestId) {
    this.idled.push(id)
    return Promise.resolve()
  }
}

/** A command that waits for a person, in a test's hands. */
export interface HeldReview {
  readonly question: ReviewQuestion
  approve(): void
  deny(reason?: string): void
  /** Ends it in any way at all. */
  end(outcome: Outcome<ReviewOutcome>): void
}

/** Denies everything at once; after `hold()` it keeps questions until the test answers. */
export class ScriptedReviews implements ReviewService {
  readonly questions: ReviewQuestion[] = []
  readonly withdrawn: ReviewId[] = []
  readonly changes = new Changes()
  #holds = false
  readonly #held: HeldReview[] = []

  /** From now on questions wait for `next()` to be answered. */
  hold(): void {
    this.#holds = true
  }

  /** Back to denying, with nothing remembered. */
  reset(): void {
    this.#holds = false
    this.questions.length = 0
    this.withdrawn.length = 0
    this.#held.length = 0
  }

  /** The oldest question that nobody has taken yet. */
  next(): Promise<HeldReview> {
    return this.changes.until(() => this.#held.shift(), 'a held command')
  }

  ask(
    question: ReviewQuestion,
    signal: Cancellation,
    onOpened?: () => void,
  ): Promise<Outcome<ReviewOutcome>> {
    this.questions.push(question)
    const { digest } = question
    const denied = { state: 'denied', digest, by: ['okta/dana'], reason: 'by script' } as const
    if (!this.#holds) return Promise.resolve(granted(denied))
    return new Promise((resolve) => {
      const end = (state: ReviewOutcome['state'], reason: string) =>
        resolve(granted({ state, digest, by: ['okta/dana'], reason }))
      signal.addEventListener('abort', () => {
        this.withdrawn.push(question.reviewId)
        end('withdrawn', 'the caller went away')
        this.changes.announce()
      })
      onOpened?.()
      this.#held.push({
        question,
        approve: () => end('approved', ''),
        deny: (reason = 'not today') => end('denied', reason),
        end: resolve,
      })
      this.changes.announce()
    })
  }
  /** People are asked, and nobody waits. */
  open(question: ReviewQuestion): Promise<Outcome<null>> {
    this.questions.push(question)
    return Promise.resolve(granted(null))
  }
  decide() {
    return Promise.resolve(granted('approved' as const))
  }
  withdraw() {
    return Promise.resolve(granted(null))
  }
}

/** A log whose writes a test can hold up or break. */
export class TrailAudit implements AuditLog {
  /** Finished commands one by one. */
  readonly events: TrailEvent[] = []
  readonly changes = new Changes()
  #gate: Promise<void> | undefined
  #failed: WarderError | undefined
  readonly #listeners = new Set<(failure: Error) => void>()
  /** Tickets that somebody waits for while the log is held. */
  readonly awaited: number[] = []

  append<K extends AuditKind>(event: AuditEvent<K>): number {
    if (this.#failed !== undefined) throw this.#failed
    const ticket = this.events.push(...trailOf(event))
    this.changes.announce()
    return ticket
  }

  async durable(ticket: number): Promise<void> {
    if (this.#gate !== undefined) {
      this.awaited.push(ticket)
      this.changes.announce()
    }
    await this.#gate
    if (this.#failed !== undefined) throw this.#failed
  }

  onFailure(listener: (failure: Error) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Nothing becomes durable until the returned function is called. */
  holdUp(): () => void {
    let release = (): void => undefined
    this.awaited.length = 0
    this.#gate = new Promise<void>((resolve) => {
      release = resolve
    })
    return () => {
      this.#gate = undefined
      release()
    }
  }

  /** Breaks the log for good. */
  fail(): void {
    this.#failed = new WarderError('RECORD_UNAVAILABLE')
    for (const listener of this.#listeners) listener(this.#failed)
  }

  /** The next event, from `from` on, of a kind that fits. */
  until(
    kind: TrailEvent['kind'],
    from = 0,
    fits: (fields: TrailEvent['fields']) => boolean = () => true,
  ): Promise<TrailEvent> {
    return this.changes.until(
      () => this.events.slice(from).find((event) => event.kind === kind && fits(event.fields)),
      `the record ${kind}`,
    )
  }
}

/** The bus with nobody else on it. */
export class InstantBus extends HintBus {
  constructor() {
    super({
      from: 'gwy_test',
      onTrouble: (trouble) => {
        throw trouble
      },
    })
  }
}

/** The end of a grant by a person. */
export const revocation = (by = 'okta/otto'): NonNullable<Grant['end']> => ({
  reason: 'revoked',
  by,
  at: Date.now(),
})

/** A refusal of a given code, as a port gives it. */
export const no = (code: Refusal['code']): Outcome<never> => refused(code)
