// The effects that the inner folders need, as interfaces. app/ constructs what implements them.

import type { AuditEvent, AuditKind } from './audit.js'
import type { Closure } from './closure.js'
import type { Decision } from './decision.js'
import type { Outcome } from './errors.js'
import type { Grant } from './grant.js'
import type { GatewayId, GrantId, RequestId, ReviewId, SessionId } from './ids.js'
import type { Plan } from './plan.js'
import type { Principal } from './principal.js'
import type { InboxItem } from './inbox.js'
import type { AccessQuestion, ReviewOutcome, ReviewQuestion } from './question.js'
import type {
  ApprovedPlan,
  PlanStanding,
  RetryKey,
  RetryStanding,
  SettledRetry,
} from './release.js'
import type { Credential, Resource } from './resource.js'
import type { Session, SessionEnd } from './session.js'
import type { Approval } from './verdict.js'

/** The part of a standard AbortSignal that waiting calls listen to. */
export interface Cancellation {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** The only source of time. Limits are kept on `monotonicMs`, records carry `now`. */
export interface Clock {
  /** Epoch ms; may jump. */
  now(): number
  /** Ms since some start; never jumps. */
  monotonicMs(): number
}

/** Turns what a caller presents into a principal. */
export interface Identity {
  /**
   * Checks signature, issuer, audience and times offline; a token that belongs to its first caller is
   * looked up in the ledger. Refuses with `UNAUTHENTICATED`, or `CONTROL_PLANE_UNAVAILABLE` without a ledger.
   *
   * @param peer address and port of the caller's socket; a bound token is refused without it
   */
  authenticate(token: string, peer?: string): Promise<Outcome<Authenticated>>
}

/** A verified token: who, and what the workflow needs in order to finish the verification. */
export interface Authenticated {
  readonly principal: Principal
  /** Tells this principal, with its attributes and parties, from any other (hex SHA-256). */
  readonly principalKey: string
  /** Hex SHA-256 of the token. */
  readonly tokenDigest: string
  readonly tokenId?: string | undefined
}

/** Called when a request has to wait for people; at most once per call. */
export type OnPending = (pending: { requestId: RequestId; approval: Approval }) => void

/** How far a request has come when it is known to last: `verifying` only when it moves to a new run. */
export type Begun = 'verifying' | 'pending' | 'active'

/** Access requests, as gateways, API and bots see them. Every call has a deadline of its own. */
export interface AccessService {
  /**
   * Starts the request (or joins the running one with this id) and waits until it is a grant or is
   * over. Refuses with `FORBIDDEN`, `REQUEST_DENIED`, `REQUEST_EXPIRED`, `REQUEST_WITHDRAWN`, `GRANT_*`,
   * or, when the control plane does not answer, `CONTROL_PLANE_UNAVAILABLE`.
   */
  open(
    question: AccessQuestion,
    signal: Cancellation,
    onPending: OnPending,
  ): Promise<Outcome<Grant>>
  /**
   * Starts the request and answers as soon as it is judged; from then on it lives without anybody who
   * waits, and what becomes of it stands in the inbox. Refuses as `open` does.
   */
  begin(question: AccessQuestion): Promise<Outcome<Begun>>
  decide(id: RequestId, decision: Decision): Promise<Outcome<'pending' | 'approved' | 'denied'>>
  /** Closes the review of a break-glass grant that is over. */
  review(id: RequestId, closure: Closure): Promise<Outcome<null>>
  extend(id: RequestId, byMs: number, by: string): Promise<Outcome<{ expiresAt: number }>>
  /** Tells the workflow that its grant was ended in the store; never needed for the cut itself. */
  ended(id: RequestId): Promise<void>
  /** The job is done (`warder exec`). */
  complete(id: RequestId): Promise<Outcome<null>>
  withdraw(id: RequestId, why: string): Promise<Outcome<null>>
  /** The last connection of a `connect` grant closed on this gateway. */
  idle(id: RequestId): Promise<void>
}

/** Reviews of held commands. */
export interface ReviewService {
  /**
   * Asks people and waits for the outcome. Aborting the signal withdraws the review. Refuses with
   * `CONTROL_PLANE_UNAVAILABLE` when the review could not be opened or its outcome not be learnt.
   * `onOpened` is called once, when the review durably exists: only then may the caller be told
   * that people were asked.
   */
  ask(
    question: ReviewQuestion,
    signal: Cancellation,
    onOpened?: () => void,
  ): Promise<Outcome<ReviewOutcome>>
  /**
   * Asks people without waiting for them; answers when the review durably exists. Asking again under
   * the same id changes nothing. Refuses with `CONTROL_PLANE_UNAVAILABLE`.
   */
  open(question: ReviewQuestion): Promise<Outcome<null>>
  decide(id: ReviewId, decision: Decision): Promise<Outcome<'pending' | 'approved' | 'denied'>>
  withdraw(id: ReviewId, why: string): Promise<Outcome<null>>
}

/** The rows that gateways enforce. Only workflows open and extend; anyone entitled may end. */
export interface GrantStore {
  /**
   * The id under which this principal's request for (resource, role) by connecting runs, reserved
   * if there is none, so that many first connections make one request.
   */
  reserve(key: {
    principalKey: string
    resource: string
    role: string
    requestId: RequestId
  }): Promise<RequestId>
  /** Gives a reservation back once its request is over. Idempotent. */
  release(requestId: RequestId): Promise<void>
  /** Idempotent: opening the same grant again returns the row as it is. */
  open(grant: Grant): Promise<Grant>
  find(id: GrantId): Promise<Grant | undefined>
  /** Live grants of a principal on a resource, newest first. */
  live(principalKey: string, resource: string, nowMs: number): Promise<readonly Grant[]>
  /** Moves the end of a live grant; a grant that has ended stays ended. */
  extend(id: GrantId, expiresAt: number): Promise<Grant | undefined>
  /** Ends it, bumps its epoch and tells every gateway. The first end stays; returns the row. */
  end(id: GrantId, end: NonNullable<Grant['end']>): Promise<Grant | undefined>
  /** Grants among `ids` that are no longer live or whose epoch is newer than the one given. */
  changed(known: ReadonlyMap<GrantId, number>): Promise<readonly Grant[]>
}

/**
 * Approvals that are used later than they are given. Each is used once, whichever gateway asks first,
 * and only while its grant is live.
 */
export interface ReleaseStore {
  /** Uses the approval of a command up, if there is one; else says what stands about it. */
  take(key: RetryKey): Promise<RetryStanding>
  /**
   * Reserves `reviewId` for the question about a command until `until` (epoch ms), unless another one
   * stands; returns the one that does. Undefined when the grant has too many open questions.
   */
  reserve(key: RetryKey & { reviewId: ReviewId; until: number }): Promise<ReviewId | undefined>
  /** Writes down what became of a question; idempotent, and nothing when another one stands by now. */
  settle(retry: SettledRetry): Promise<void>
  /** Questions of a grant that are open, and approvals that are still to be used. */
  openCount(id: GrantId): Promise<number>
  /** Keeps an approved plan with its grant. Idempotent. */
  keepPlan(plan: ApprovedPlan): Promise<void>
  plan(id: GrantId): Promise<PlanStanding | undefined>
  /** Moves a plan on from `from` to `to`; false when somebody else did, or the grant is over. */
  advance(id: GrantId, from: number, to: number): Promise<boolean>
}

/** Reads the text of a plan as the gateway would read its statements when they come. */
export interface PlanReader {
  /**
   * Refuses with `STATEMENT_INVALID` what the grammar refuses, and with `LIMIT_EXCEEDED` what is longer,
   * or has more statements, than people can be expected to look at.
   */
  read(text: string): Promise<Outcome<Plan>>
}

/** That a grant changed: the row as this process wrote it, or only which one it is. */
export interface GrantNews {
  readonly id: GrantId
  /** Absent when another process changed it: rows are sealed, so the store is asked. */
  readonly grant?: Grant | undefined
}

/** Asks whichever gateway gave out a cancel key to act on it; proves the key without showing it. */
export interface CancelHint {
  /** The clear part of the key, 1 to 2^31 - 1. */
  readonly processId: number
  /** Base64url of 16 random bytes: no two hints are alike, so that none is good twice. */
  readonly nonce: string
  /** Hex HMAC-SHA-256 over all of the key and the nonce. */
  readonly proof: string
}

/**
 * Carries hints between the processes of one deployment. A hint may come late, twice or never, and
 * may be forged: nothing rests on it, and whoever hears one looks at the truth in the store.
 * Publishing never waits and never fails.
 */
export interface Bus {
  /** This process's listeners are told before it returns, the others soon. */
  publishGrant(grant: Grant): void
  /** A version was applied; every process, this one too, reads the policy anew. */
  publishPolicy(): void
  /** Goes to the other processes only. */
  publishCancel(hint: CancelHint): void
  /** Each `on…` returns what takes the listener off again. */
  onGrant(listener: (news: GrantNews) => void): () => void
  onPolicy(listener: () => void): () => void
  onCancel(listener: (hint: CancelHint) => void): () => void
  /** Hints were lost, or may have been: read now what the next poll would read. */
  onResync(listener: () => void): () => void
}

/** Which items, and how many at most. */
export interface InboxFilter {
  readonly state?: 'pending' | 'active' | undefined
  /** Access requests of this principal only. */
  readonly principalKey?: string | undefined
  /** Older than this one. */
  readonly before?: InboxPlace | undefined
  readonly limitCount: number
}

/** Where an item stands in the order of a list. */
export interface InboxPlace {
  readonly openedAt: number
  readonly id: RequestId | ReviewId
}

/** What waits for people, and what became of it: written by workflows, read by people. */
export interface Inbox {
  /** Inserts or replaces by id; an older revision than the stored one changes nothing. */
  put(item: InboxItem): Promise<void>
  find(id: RequestId | ReviewId): Promise<InboxItem | undefined>
  /** Newest first. `pending` waits for a decision or a review, `active` is a running grant. */
  list(filter: InboxFilter): Promise<readonly InboxItem[]>
}

/** Tokens that may be used once, or by one caller. */
export interface TokenLedger {
  /** True the first time, and again for the same holder; false when somebody else used it. */
  consume(token: {
    issuer: string
    tokenId: string
    expiresAt: number
    holder: RequestId
  }): Promise<boolean>
  /** True for the first caller who shows the token, and again for him; false for everybody else. */
  bind(token: {
    issuer: string
    tokenId: string
    expiresAt: number
    caller: string
  }): Promise<boolean>
}

/** The sessions of one grant on one gateway, counted. */
export interface GatewaySessions {
  readonly grantId: GrantId
  readonly gatewayId: GatewayId
  readonly openCount: number
  /** Ended because the grant was revoked. */
  readonly revokedCount: number
}

/** The reviews that break-glass grants leave behind, as far as they bar the way to the next one. */
export interface BreakGlassLedger {
  /** Owed from now on. Idempotent. */
  owe(review: { requestId: RequestId; principal: string; dueAt: number }): Promise<void>
  /** Closed; nothing happens when nobody owed it. */
  settle(requestId: RequestId, at: number): Promise<void>
  /** The oldest review of this principal (`issuer/subject`) that was due before `nowMs` and is open. */
  overdue(principal: string, nowMs: number): Promise<RequestId | undefined>
}

/** Which conversations are open, and where. */
export interface SessionRegistry {
  opened(session: Session): Promise<void>
  ended(id: SessionId, end: SessionEnd, at: number): Promise<void>
  /** Keeps this gateway's sessions and reviews alive; they lapse when it stops doing so. */
  heartbeat(gatewayId: GatewayId, validForMs: number): Promise<void>
  gatewayAlive(gatewayId: GatewayId): Promise<boolean>
  openCount(grantId: GrantId): Promise<number>
  /**
   * What became of the sessions under these grants, per grant and gateway. A gateway that is no
   * longer alive has no open ones: it has ended them, or they died with it.
   */
  sessionsUnder(grantIds: readonly GrantId[]): Promise<readonly GatewaySessions[]>
}

/** The tamper-evident log. */
export interface AuditLog {
  /** Takes the event into the next batch; returns its ticket. Throws `RECORD_UNAVAILABLE` when the log has failed. */
  append<K extends AuditKind>(event: AuditEvent<K>): number
  /** Resolves when everything up to the ticket is durable; rejects with `RECORD_UNAVAILABLE`. */
  durable(ticket: number): Promise<void>
  /** Called once when the log fails: from then on nothing may be forwarded. */
  onFailure(listener: (failure: Error) => void): () => void
}

/** Hands out the secret for one handshake with a target. */
export interface CredentialBroker {
  /**
   * At least one; two while a rotation is under way, of which the target takes one. Each call hands
   * out fresh copies.
   *
   * @throws WarderError `TARGET_REFUSED` when the reference leads nowhere.
   */
  credentialsFor(resource: Resource): Promise<readonly Credential[]>
}
