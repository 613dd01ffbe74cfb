// Every limit of this folder, with its reason. It holds numbers, never behaviour.

/** A token longer than this is refused before anything of it is parsed; real ones are 1 to 8 KiB. */
export const tokenBytesMax = 16 * 1024
/** Nesting of JSON objects and arrays in a token; Kubernetes tokens need 4. */
export const jsonDepthMax = 16
/** Scalar claims that become attributes; GitHub sends about 30. */
export const attributeCountMax = 64
/** One attribute's value. */
export const attributeBytesMax = 1024
/** Groups of one token; beyond a few hundred, issuers leave them out anyway. */
export const groupCountMax = 500
/** One subject, group, party or alias. */
export const nameBytesMax = 256
/** Values of one claim that names parties or aliases. */
export const nameCountMax = 16
/** Hops of an `act` chain: job, agent, agent started by it. */
export const actorDepthMax = 3
/** A discovery document or key set; the largest in use are about 20 KiB. */
export const documentBytesMax = 256 * 1024
/** Whole fetch of one document, connect to last byte. */
export const fetchTimeoutMs = 5_000
/** Keys in one set. */
export const keyCountMax = 64
/** Keys older than this are renewed in the background. */
export const keysRefreshMs = 5 * 60_000
/** Keys older than this are renewed before they are used, if the issuer answers. */
export const keysAwaitMs = 15 * 60_000
/** Keys older than this, while an issuer can't be reached, are worth waking somebody up for. */
export const keysAlertMs = 3_600_000
/** Between two reports of the same trouble with an issuer. */
export const troubleGapMs = 60_000
/** Between two reloads for an unknown `kid`, so that a flood of invented ones costs one fetch. */
export const unknownKeyGapMs = 30_000
/** Between the end of a failed attempt and the next one, so that few callers wait for an issuer that is away. */
export const retryGapMs = 3_000
