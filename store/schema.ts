// The tables as TypeScript sees them. Never the source of truth: that is migrations/.

import type { GrantEnd, GrantOrigin } from '../core/grant.js'
import type { GatewayId, GrantId, ProposalId, RequestId, ReviewId, SessionId } from '../core/ids.js'
import type { KeyPurpose } from '../core/keys.js'
import type { Protocol } from '../core/resource.js'
import type { SessionEnd } from '../core/session.js'

/** A grant; who holds it and why is sealed. */
export interface GrantTable {
  id: GrantId
  request_id: RequestId
  principal_key: string
  resource: string
  role: string
  origin: GrantOrigin
  policy_digest: string
  opened_at: number
  expires_at: number
  epoch: number
  end_reason: GrantEnd | null
  end_by: string | null
  end_at: number | null
  sealed: Uint8Array
}

/** Which request stands for (principal, resource, role) by connecting. */
export interface GrantReservationTable {
  principal_key: string
  resource: string
  role: string
  request_id: RequestId
}

/** A running gateway and until when it is believed to be alive. */
export interface GatewayTable {
  id: GatewayId
  /** `timestamptz` on the store's own clock, so that the hosts' clocks do not matter. */
  alive_until: Date
}

/** One conversation. */
export interface SessionTable {
  id: SessionId
  grant_id: GrantId
  gateway_id: GatewayId
  protocol: Protocol
  peer: string
  opened_at: number
  end_reason: SessionEnd | null
  ended_at: number | null
}

/** What waits or waited for people; all but what lists are made by is sealed. */
export interface InboxTable {
  id: RequestId | ReviewId
  state: string
  revision: number
  opened_at: number
  /** Whose access request it is; null for held commands. Which rows to look at, never evidence. */
  principal_key: string | null
  sealed: Uint8Array
}

/** A call that must not be run twice, under digests of who made it and of the key he gave. */
export interface IdempotencyKeyTable {
  principal_key: string
  key_digest: string
  /** Digest of the call. */
  fingerprint: string
  /** `timestamptz` on the store's own clock; while it lies ahead the call is taken to be running. */
  running_until: Date
  expires_at: Date
  status: number | null
  sealed: Uint8Array | null
}

/** A token that was used, under a digest of (issuer, token id). */
export interface SpentTokenTable {
  token_digest: string
  holder: RequestId
  expires_at: number
}

/** Whose a token is, under a digest of (issuer, token id). */
export interface TokenBindingTable {
  token_digest: string
  caller: string
  expires_at: number
}

/** One version of the policy; versions are never changed. */
export interface PolicyTable {
  version: number
  digest: string
  source: string
  applied_by: string
  applied_at: number
  reason: string
  confirmed_by: string | null
}

/** A policy that waits, or waited, for a second person; its text and its author are sealed. */
export interface PolicyProposalTable {
  id: ProposalId
  state: string
  base_version: number
  digest: string
  opened_at: number
  expires_at: number
  decided_by: string | null
  decided_at: number | null
  version: number | null
  sealed: Uint8Array
}

/** By which version a process judges, as it said last. */
export interface PolicyProcessTable {
  process: string
  version: number
  trouble: string | null
  /** On the store's own clock. */
  alive_until: Date
}

/** A stored credential. */
export interface SecretTable {
  name: string
  version: number
  sealed: Uint8Array
  stored_by: string
  stored_at: number
}

/** An audit record; append-only by trigger. */
export interface AuditRecordTable {
  chain: string
  seq: number
  at: number
  monotonic_ms: number
  kind: string
  body: string
  previous: string
  hash: string
  principal: string | null
  resource: string | null
  session_id: string | null
  request_id: string | null
  review_id: string | null
}

/** A signed checkpoint; append-only by trigger. */
export interface AuditCheckpointTable {
  number: number
  at: number
  previous: string
  /** JSON text: it is signed byte for byte. */
  heads: string
  key_id: string
  hash: string
  signature: string
}

/** How far each chain has been signed: an index over the checkpoints, not evidence. */
export interface AuditSignedTable {
  chain: string
  seq: number
}

/** The key of a recording; without its row the chunks can't be read any more. */
export interface RecordingTable {
  session_id: SessionId
  started_at: number
  sealed_key: Uint8Array
  chunk_count: number | null
  closed_at: number | null
}

/** A service key, by the hex SHA-256 of it. */
export interface ServiceKeyTable {
  name: string
  digest: string
  resource: string
  role: string
  added_by: string
  added_at: number
  expires_at: number
  revoked_by: string | null
  revoked_at: number | null
  last_used_at: number | null
}

/** One of Warder's own keys, wrapped. */
export interface KeyTable {
  purpose: KeyPurpose
  version: number
  id: string
  wrapped_by: string
  wrapped: Uint8Array
  public_part: string | null
  endorsed_by: string | null
  endorsement: string | null
  made_at: number
  /** `timestamptz` on the store's own clock, so that the hosts' clocks do not matter. */
  active_from: Date
}

/** The newest question about a command that may be run again, and its answer; that one is sealed. */
export interface RetryTable {
  grant_id: GrantId
  digest: string
  review_id: ReviewId
  state: 'pending' | 'approved' | 'denied'
  until: number
  used_at: number | null
  sealed: Uint8Array | null
}

/** An approved plan and how far it has come; its statements are sealed. */
export interface PlanTable {
  grant_id: GrantId
  request_id: RequestId
  digest: string
  policy_digest: string
  step_count: number
  next: number
  sealed: Uint8Array
}

/** The review that a break-glass grant leaves behind. */
export interface BreakGlassReviewTable {
  request_id: RequestId
  /** `issuer/subject`. */
  principal: string
  due_at: number
  closed_at: number | null
}

/** Every table, as kysely wants it. */
export interface Schema {
  grants: GrantTable
  grant_reservations: GrantReservationTable
  gateways: GatewayTable
  sessions: SessionTable
  inbox: InboxTable
  spent_tokens: SpentTokenTable
  token_bindings: TokenBindingTable
  policies: PolicyTable
  policy_proposals: PolicyProposalTable
  policy_processes: PolicyProcessTable
  secrets: SecretTable
  audit_records: AuditRecordTable
  audit_checkpoints: AuditCheckpointTable
  audit_signed: AuditSignedTable
  recordings: RecordingTable
  keys: KeyTable
  idempotency_keys: IdempotencyKeyTable
  secret_candidates: SecretTable
  service_keys: ServiceKeyTable
  retries: RetryTable
  plans: PlanTable
  break_glass_reviews: BreakGlassReviewTable
}
