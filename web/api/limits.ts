// Every limit of the API, with its reason. It holds numbers, never behaviour.

/** A request body; reasons and ids are short. */
export const bodyBytesMax = 64 * 1024
/** A policy in a body; a policy file of a thousand resources is about 300 KiB. */
export const policyBytesMax = 1024 * 1024
/** A request for access that comes with a plan of 64 KiB, every character of it escaped. */
export const planBodyBytesMax = 512 * 1024
/** The text of a plan, in UTF-16 units; who reads it counts its bytes. */
export const planLengthMax = 64 * 1024
/** All headers of a request: a token of 16 KiB and the usual rest. */
export const headerBytesMax = 32 * 1024
/** Receiving one whole request; slower senders hold a socket for nothing. */
export const receiveTimeoutMs = 30_000
/** An idle kept connection. */
export const idleTimeoutMs = 75_000
/** A long poll; most load balancers cut at 60 s. */
export const waitSecondsMax = 60
/** Between two looks at an item that somebody waits for: at first, when answers may come at once, … */
export const pollMs = 250
/** … and later, when people are thinking. */
export const pollMsMax = 1_000
/** Requests of one principal that wait for people at once; a person answers them one by one. */
export const pendingCountMax = 20
/** An Idempotency-Key; a UUID has 36 characters. */
export const idempotencyKeyLengthMax = 128
/** After which a call that is still running may be asked for again. */
export const busyRetryS = 1
/** Calls of one principal per second on average, and at once. */
export const callRate = { perSecond: 20, burst: 60 } as const
/** Failed authentications of one address per second on average, and at once. */
export const failureRate = { perSecond: 2, burst: 30 } as const
/** Principals and addresses whose rate is kept; the least recent are forgotten first. */
export const bucketCountMax = 20_000
/** Entries of a list in one page, unless asked for more. */
export const pageCount = 100
/** The same at most. */
export const pageCountMax = 500
/** Items that are looked at for one page: most of them may be none of the caller's business. */
export const scannedCountMax = 2_000
/** A place in a list; those that we give out are shorter. */
export const placeLengthMax = 256
/** A reason that a person or a job gives. */
export const reasonLengthMax = 2_000
/** A secret; private keys are about 4 KiB. */
export const secretLengthMax = 32 * 1024
/** A grant or an extension can't be asked for longer than this; the policy says less. */
export const durationMsMax = 7 * 24 * 3_600_000
