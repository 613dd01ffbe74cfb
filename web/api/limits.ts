// Every limit of the API, with its reason. It holds numbers, never behaviour.

/** A request body; reasons and ids are short. */
export const bodyBytesMax = 64 * 1024
/** A policy in a body; a policy file of a thousand resources is about 300 KiB. */
export const policyBytesMax = 1024 * 1024
/** All headers of a request: a token of 16 KiB and the usual rest. */
export const headerBytesMax = 32 * 1024
/** Receiving one whole request; slower senders hold a socket for nothing. */
export const receiveTimeoutMs = 30_000
/** An idle kept connection. */
export const idleTimeoutMs = 75_000
/** A long poll; most load balancers cut at 60 s. */
export const waitMsMax = 30_000
/** Between two looks at an item that somebody waits for. */
export const pollMs = 250
/** Waiting for a new request to be durable before the caller gets its id anyway. */
export const openWaitMs = 5_000
/** Requests of one principal that this process is opening at once; a person answers them one by one. */
export const openingCountMax = 20
/** The same over all principals: each holds one call to the control plane. */
export const openingCountTotalMax = 500
/** Refusals that are remembered for whoever asks with the id; they are small. */
export const refusalCountMax = 10_000
/** How long a refusal is remembered. */
export const refusalMs = 10 * 60_000
/** Calls of one principal per second on average, and at once. */
export const callRate = { perSecond: 20, burst: 60 } as const
/** Failed authentications of one address per second on average, and at once. */
export const failureRate = { perSecond: 2, burst: 30 } as const
/** Principals and addresses whose rate is kept; the least recent are forgotten first. */
export const bucketCountMax = 20_000
/** Items in one list. */
export const listCountMax = 500
/** Audit records in one page. */
export const auditPageCountMax = 500
/** A reason that a person or a job gives. */
export const reasonLengthMax = 2_000
/** A secret; private keys are about 4 KiB. */
export const secretLengthMax = 32 * 1024
/** A grant or an extension can't be asked for longer than this; the policy says less. */
export const durationMsMax = 7 * 24 * 3_600_000
