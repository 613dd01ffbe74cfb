// Identifiers: a prefix that says what the thing is, then an opaque unambiguous rest.

/** An access request. Its grant, while it runs, is the same thing with the other prefix. */
export type RequestId = `req_${string}`
/** The time-boxed right that an access request turned into. */
export type GrantId = `grt_${string}`
/** One conversation under one grant. */
export type SessionId = `ses_${string}`
/** One held command: the id that its review, its card and its NOTICE carry. */
export type ReviewId = `cmd_${string}`
/** One running gateway process. */
export type GatewayId = `gwy_${string}`
/** One running process of Warder: a gateway or a worker. */
export type ProcessId = GatewayId | `wrk_${string}`

/** A policy that waits for a second person. */
export type ProposalId = `pol_${string}`

/** The grant that belongs to an access request: the same rest under another prefix. */
export const grantIdOf = (id: RequestId): GrantId => `grt_${id.slice(4)}`

/** The access request that a grant came from. */
export const requestIdOf = (id: GrantId): RequestId => `req_${id.slice(4)}`
