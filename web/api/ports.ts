// What the API needs from the rest of the program, as interfaces. app/ passes what implements them.

import type { AuditValue } from '../../core/audit.js'
import type { Outcome, Refusal } from '../../core/errors.js'
import type { Idempotency } from '../../core/idempotency.js'
import type {
  GatewayId,
  GrantId,
  ProposalId,
  RequestId,
  ReviewId,
  SessionId,
} from '../../core/ids.js'
import type { ProposalState } from '../../core/policy-proposal.js'
import type {
  AccessService,
  Clock,
  Identity,
  Inbox,
  PlanReader,
  ReviewService,
} from '../../core/ports.js'
import type { Principal } from '../../core/principal.js'
import type { Checkpoint, RecordFilter } from '../../core/record.js'
import type { Readiness } from '../../core/readiness.js'
import type { ServiceKey } from '../../core/service-key.js'
import type { Policy } from '../../policy/policy.js'
import type { RightsChange } from '../../policy/rights-difference.js'

/** One audit record as people read it, sensitive fields opened. */
export interface AuditEntry {
  readonly chain: string
  readonly seq: number
  /** Epoch ms. */
  readonly at: number
  readonly kind: string
  readonly fields: Readonly<Record<string, AuditValue>>
}

/** What came of verifying the whole log. */
export interface AuditReport {
  readonly intact: boolean
  readonly recordCount: number
  readonly chainCount: number
  readonly checkpointCount: number
  /** What is wrong, one sentence each; empty when intact. */
  readonly problems: readonly string[]
}

/** The audit log as auditors read it. Rejects with `RECORD_UNAVAILABLE`. */
export interface AuditReader {
  /** Newest first. `before` and `next` are opaque places; an unknown one is `INVALID_ARGUMENT`. */
  query(
    filter: RecordFilter,
    page: { readonly limitCount: number; readonly before?: string | undefined },
  ): Promise<
    Outcome<{ readonly entries: readonly AuditEntry[]; readonly next?: string | undefined }>
  >
  /** The whole log as JSON Lines, each ending in a line feed: a part of it would not verify offline. */
  export(): AsyncIterable<string>
  verify(): Promise<AuditReport>
  /** SPKI PEM of every key that ever signed checkpoints, oldest first. */
  keys(): readonly string[]
  /** The newest signed checkpoint, to be kept where Warder can't write. */
  anchor(): Promise<Checkpoint | undefined>
}

/** Sessions as they happened, for auditors. Rejects with `RECORD_UNAVAILABLE`. */
export interface Replays {
  /**
   * What happened in one session as JSON Lines, each ending in a line feed, oldest first; the last
   * one says that it was told to its end. Undefined when nobody knows the session. That `by` was
   * shown a recording is durably on the log before the first line.
   */
  replay(id: SessionId, by: string): Promise<AsyncIterable<string> | undefined>
}

/** A version of the policy without its text. */
export interface PolicyHead {
  readonly version: number
  readonly digest: string
  readonly by: string
  /** Epoch ms. */
  readonly at: number
  readonly reason: string
  /** The second person, where one had to agree. */
  readonly confirmedBy?: string | undefined
}

/** A version of the policy, as it was applied. */
export interface PolicyInForce extends PolicyHead {
  readonly source: string
}

/** Versions, newest first; `next` is the `before` of the page that follows. */
export interface PolicyPage {
  readonly versions: readonly PolicyHead[]
  readonly next?: number | undefined
}

/** What one policy means beside another. */
export interface PolicyDifference {
  /** Of the later one. */
  readonly digest: string
  /** Who may do more, who less; widening first. Empty when no right changes. */
  readonly rights: readonly RightsChange[]
  /** What was edited, one line each; empty when nothing differs. */
  readonly changes: readonly string[]
}

/** A policy that waits, or waited, for a second person. */
export interface PolicyProposalView {
  readonly id: ProposalId
  readonly state: ProposalState
  readonly digest: string
  /** The version that it is to replace. */
  readonly base: number
  readonly by: string
  readonly reason: string
  /** Epoch ms. */
  readonly at: number
  /** Epoch ms. */
  readonly expiresAt: number
  readonly decidedBy?: string | undefined
  readonly version?: number | undefined
}

/** What applying a policy changes, or would change. */
export interface PolicyApplied extends PolicyDifference {
  /** The version that it was compared with; 0 for none. */
  readonly base: number
  /** The version that it is; absent for a dry run, and while it waits for a second person. */
  readonly version?: number | undefined
  readonly proposal?: PolicyProposalView | undefined
}

/** A policy that somebody wants in force. */
export interface PolicyWish {
  readonly source: string
  readonly reason: string
  /** The version that has to be in force for it to be applied. */
  readonly expect?: number | undefined
  /** Only compares. */
  readonly dryRun: boolean
}

/** By which version a process judges. */
export interface PolicyProcessView {
  readonly process: string
  readonly version: number
  readonly trouble?: string | undefined
}

/** The versions of the policy. Every call that changes something refuses with `NOT_ENTITLED`. */
export interface PolicyAdmin {
  current(): Promise<PolicyInForce | undefined>
  version(number: number): Promise<PolicyInForce | undefined>
  list(limitCount: number, before?: number): Promise<PolicyPage>
  /** Refuses with `NOT_FOUND`; version 0 is the empty policy. */
  difference(from: number, to: number): Promise<Outcome<PolicyDifference>>
  /** Those that said so within the last seconds. */
  processes(): Promise<readonly PolicyProcessView[]>
  /** Refuses with `POLICY_INVALID`, `POLICY_CONFLICT`. */
  apply(wish: PolicyWish, person: Principal): Promise<Outcome<PolicyApplied>>
  /** Applies an old version's text again. Refuses as `apply` does, and with `NOT_FOUND`. */
  rollback(
    version: number,
    wish: Omit<PolicyWish, 'source'>,
    person: Principal,
  ): Promise<Outcome<PolicyApplied>>
  /** Those that wait. */
  proposals(): Promise<readonly PolicyProposalView[]>
  proposal(
    id: ProposalId,
  ): Promise<Outcome<PolicyProposalView & PolicyDifference & { readonly source: string }>>
  /** Refuses with `NOT_FOUND`, `SELF_APPROVAL`, `ALREADY_DECIDED`, `POLICY_CONFLICT`. */
  confirm(id: ProposalId, reason: string, person: Principal): Promise<Outcome<PolicyApplied>>
  /** Refuses with `NOT_FOUND`, `ALREADY_DECIDED`, `POLICY_CONFLICT`. */
  reject(id: ProposalId, reason: string, person: Principal): Promise<Outcome<null>>
}

/** Stored credentials; a value goes in and never comes out here. */
export interface SecretAdmin {
  put(name: string, value: string, by: string): Promise<Outcome<{ readonly version: number }>>
}

/** A password that was changed at the target and here. */
export interface Rotated {
  readonly name: string
  readonly version: number
}

/** Changes stored credentials at their targets. */
export interface Rotator {
  /**
   * Rotates the password of a resource, or ends a rotation that was broken off. Refuses with
   * `NOT_FOUND`, `INVALID_ARGUMENT` (not stored here), `TARGET_REFUSED`, `ALREADY_DECIDED`.
   */
  rotate(resource: string, by: string): Promise<Outcome<Rotated>>
}

/** What a service key is to be for. */
export interface ServiceKeyWish {
  readonly name: string
  readonly resource: string
  readonly role: string
  readonly validForMs: number
}

/** Service keys as operators work on them. */
export interface ServiceKeyAdmin {
  /** The key leaves here and nowhere else. Refuses with `INVALID_ARGUMENT`. */
  add(
    wish: ServiceKeyWish,
    by: string,
  ): Promise<Outcome<{ readonly name: string; readonly key: string; readonly expiresAt: number }>>
  /** All, or those that were not used for this long. */
  list(unusedForMs?: number): Promise<readonly ServiceKey[]>
  /** Ends what runs under it, too. Refuses with `NOT_FOUND`. */
  revoke(name: string, by: string): Promise<Outcome<{ readonly sessionsCut: number }>>
}

/** What is to end at once. */
export type RevokeSelector =
  | { readonly kind: 'request'; readonly id: RequestId }
  | { readonly kind: 'review'; readonly id: ReviewId }
  | { readonly kind: 'principal'; readonly principal: string }
  | { readonly kind: 'resource'; readonly resource: string }

/** Sessions on one gateway. */
export interface GatewayCount {
  readonly gateway: GatewayId
  readonly sessions: number
}

/** What was ended, and how fast. */
export interface RevokeReceipt {
  readonly grants: readonly {
    readonly id: GrantId
    readonly principal: string
    readonly resource: string
    readonly role: string
  }[]
  /** Requests and reviews that were still waiting and are withdrawn. */
  readonly withdrawn: readonly (RequestId | ReviewId)[]
  readonly sessionsCut: number
  /** The same by gateway, as each of them has written down. */
  readonly cuts: readonly GatewayCount[]
  /** Sessions that a gateway had not written down as ended when the wait was over. */
  readonly unconfirmed: readonly GatewayCount[]
  /** Ms from the call to the last cut. */
  readonly tookMs: number
}

/**
 * Ends grants, on every gateway, before it answers; gateways that keep silent are named. Refuses with `NOT_FOUND` when nothing fits.
 */
export interface Revoker {
  revoke(selector: RevokeSelector, by: string, why: string): Promise<Outcome<RevokeReceipt>>
}

/** Where callers find the gateway. */
export interface GatewayAddress {
  readonly postgres: { readonly host: string; readonly port: number }
  /** PEM of the authority that signed the gateway's certificate, when it is not a public one. */
  readonly ca?: string | undefined
}

/** Puts a caller who could not be authenticated on record; at most as often as failures are let in. */
export type OnRefusedCaller = (address: string, refusal: Refusal) => void

/** Everything that the API is made of. */
export interface ApiDependencies {
  readonly identity: Identity
  readonly access: AccessService
  readonly reviews: ReviewService
  readonly inbox: Inbox
  readonly audit: AuditReader
  readonly replays: Replays
  /** The policy in force; the empty one denies everything. */
  readonly policy: () => Policy
  readonly policies: PolicyAdmin
  readonly secrets: SecretAdmin
  readonly rotator: Rotator
  readonly serviceKeys: ServiceKeyAdmin
  /** Cuts the text of a plan into statements. */
  readonly plans: PlanReader
  readonly revoker: Revoker
  readonly idempotency: Idempotency
  readonly readiness: () => Promise<Readiness>
  readonly clock: Clock
  readonly gateway: () => GatewayAddress
  readonly newRequestId: () => RequestId
  readonly onRefusedCaller: OnRefusedCaller
}
