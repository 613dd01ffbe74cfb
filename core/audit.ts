// The facts that the audit log holds, and how delicate each field is. A field that is not
// classified here is secret, and is not written.

/** `public` is stored as is, `sensitive` is encrypted at rest, anything else is dropped. */
export type Sensitivity = 'public' | 'sensitive'

const WHO = { principal: 'public', chain: 'public', parties: 'public' } as const
const REQUEST = { requestId: 'public', resource: 'public', role: 'public' } as const
const SESSION = { grantId: 'public', sessionId: 'public', requestId: 'public' } as const
const STATEMENT = { text: 'sensitive', textBytes: 'public', digest: 'public' } as const

/** Every kind of audit event with its fields. Kinds are `thing.happened`. */
export const AUDIT_EVENTS = {
  'log.opened': { gatewayId: 'public', version: 'public' },
  'policy.applied': {
    policyDigest: 'public',
    version: 'public',
    by: 'public',
    confirmedBy: 'public',
    proposal: 'public',
    reason: 'sensitive',
  },
  /** A policy waits for a second person. */
  'policy.proposed': {
    policyDigest: 'public',
    base: 'public',
    proposal: 'public',
    by: 'public',
    reason: 'sensitive',
  },
  'policy.rejected': {
    policyDigest: 'public',
    proposal: 'public',
    by: 'public',
    reason: 'sensitive',
  },
  'secret.stored': { name: 'public', by: 'public' },
  /** A new password is stored and about to be told to the target; `resumed` after an interruption. */
  'secret.staged': {
    resource: 'public',
    name: 'public',
    version: 'public',
    by: 'public',
    resumed: 'public',
  },
  /** The target has the new password, and so has everybody who asks for it. */
  'secret.rotated': { resource: 'public', name: 'public', version: 'public', by: 'public' },
  'servicekey.added': {
    name: 'public',
    resource: 'public',
    role: 'public',
    by: 'public',
    expiresAt: 'public',
  },
  /** A warning: somebody came with a static key instead of a token. */
  'servicekey.used': {
    name: 'public',
    principal: 'public',
    resource: 'public',
    role: 'public',
    peer: 'public',
    expiresAt: 'public',
  },
  'servicekey.revoked': { name: 'public', by: 'public' },
  'connection.refused': { protocol: 'public', peer: 'public', code: 'public', why: 'sensitive' },
  'request.opened': { ...WHO, ...REQUEST, origin: 'public', reason: 'sensitive', peer: 'public' },
  'request.judged': {
    ...REQUEST,
    outcome: 'public',
    reasons: 'public',
    policyDigest: 'public',
    approvers: 'public',
    quorum: 'public',
  },
  'request.decided': {
    ...REQUEST,
    answer: 'public',
    by: 'public',
    channel: 'public',
    reason: 'sensitive',
  },
  /** More people may answer from now on: the members of `approvers`. */
  'request.escalated': { ...REQUEST, approvers: 'public' },
  'request.ended': { ...REQUEST, state: 'public', by: 'public', reason: 'sensitive' },
  'grant.opened': {
    ...WHO,
    ...REQUEST,
    grantId: 'public',
    expiresAt: 'public',
    plan: 'public',
    planSteps: 'public',
  },
  /** Opened at once, without anybody's approval; `approvers` have to review it until `dueAt`. */
  'grant.break-glass': {
    ...WHO,
    ...REQUEST,
    grantId: 'public',
    reason: 'sensitive',
    approvers: 'public',
    commands: 'public',
    dueAt: 'public',
  },
  /** Nobody reviewed it in time; its caller gets no further break-glass until somebody has. */
  'break-glass.overdue': { ...REQUEST, approvers: 'public', dueAt: 'public' },
  'break-glass.closed': {
    ...REQUEST,
    finding: 'public',
    by: 'public',
    channel: 'public',
    reason: 'sensitive',
  },
  'grant.extended': { grantId: 'public', requestId: 'public', expiresAt: 'public', by: 'public' },
  'grant.ended': {
    grantId: 'public',
    requestId: 'public',
    end: 'public',
    by: 'public',
    why: 'sensitive',
  },
  /** The receipt of a revocation: what was cut, by whom, how fast. */
  'grant.revoked': {
    grantId: 'public',
    requestId: 'public',
    by: 'public',
    why: 'sensitive',
    sessionsCut: 'public',
    unconfirmed: 'public',
    tookMs: 'public',
  },
  'session.opened': {
    ...WHO,
    ...SESSION,
    resource: 'public',
    role: 'public',
    protocol: 'public',
    peer: 'public',
    target: 'public',
    gatewayId: 'public',
    policyDigest: 'public',
  },
  'session.ended': {
    ...SESSION,
    end: 'public',
    durationMs: 'public',
    commands: 'public',
    toTargetBytes: 'public',
    toCallerBytes: 'public',
    why: 'sensitive',
  },
  /** Durable before the command can become permanent at the target. */
  'command.intended': {
    ...SESSION,
    ...STATEMENT,
    command: 'public',
    effect: 'public',
    kinds: 'public',
    relations: 'public',
    parameters: 'sensitive',
    policyDigest: 'public',
    reviewId: 'public',
    /** By what it was let through when people had agreed before it came. */
    release: 'public',
    transaction: 'public',
  },
  /**
   * What came of many commands of one session; core/finished-commands.ts packs and unpacks it. Reads
   * have only this one, with their text. Readers see each command as `command.finished`.
   */
  'commands.finished': {
    ...SESSION,
    count: 'public',
    first: 'public',
    last: 'public',
    startedAt: 'public',
    statements: 'public',
    runs: 'public',
    texts: 'sensitive',
    parameters: 'sensitive',
  },
  'command.refused': {
    ...SESSION,
    ...STATEMENT,
    command: 'public',
    effect: 'public',
    kinds: 'public',
    relations: 'public',
    parameters: 'sensitive',
    code: 'public',
    reasons: 'public',
    reviewId: 'public',
    policyDigest: 'public',
  },
  'review.opened': {
    ...SESSION,
    ...STATEMENT,
    reviewId: 'public',
    effect: 'public',
    kinds: 'public',
    relations: 'public',
    parameters: 'sensitive',
    approvers: 'public',
    quorum: 'public',
    deadlineAt: 'public',
    policyDigest: 'public',
  },
  /** A command that would have waited for people ran without them, in a break-glass grant. */
  'review.waived': { ...SESSION, ...STATEMENT, reviewId: 'public', approvers: 'public' },
  'review.decided': {
    reviewId: 'public',
    requestId: 'public',
    sessionId: 'public',
    answer: 'public',
    by: 'public',
    channel: 'public',
    reason: 'sensitive',
    digest: 'public',
  },
  'review.escalated': {
    reviewId: 'public',
    requestId: 'public',
    sessionId: 'public',
    approvers: 'public',
  },
  /** An approval that was given before the command came is used up; `step` counts from 1. */
  'release.used': {
    ...SESSION,
    command: 'public',
    digest: 'public',
    release: 'public',
    reviewId: 'public',
    plan: 'public',
    step: 'public',
    policyDigest: 'public',
  },
  'review.ended': { reviewId: 'public', requestId: 'public', sessionId: 'public', state: 'public' },
  /** A chunk of a recording is durable; `sha256` is over its bytes as stored. Chunk 0 is the header. */
  'recording.stored': {
    ...SESSION,
    chunk: 'public',
    sha256: 'public',
    bytes: 'public',
    events: 'public',
    firstCommand: 'public',
    lastCommand: 'public',
  },
  /** A chunk could not be stored, and what would have come after it is lost too. */
  'recording.failed': {
    ...SESSION,
    chunk: 'public',
    events: 'public',
    firstCommand: 'public',
    lastCommand: 'public',
    why: 'sensitive',
  },
  /** Nothing comes any more; `chunks` counts the header too. */
  'recording.closed': { ...SESSION, chunks: 'public' },
  /** Somebody was shown what was recorded. */
  'recording.read': { ...SESSION, by: 'public' },
} as const satisfies Record<string, Record<string, Sensitivity>>

/** The kind of an audit event. */
export type AuditKind = keyof typeof AUDIT_EVENTS

/** A field value: text, numbers and lists of text; nothing nested, so that a SIEM can index it. */
export type AuditValue = string | number | boolean | readonly string[]

/** One immutable fact, before the log gives it its number, time and place in the chain. */
export interface AuditEvent<K extends AuditKind = AuditKind> {
  readonly kind: K
  readonly fields: { readonly [F in keyof (typeof AUDIT_EVENTS)[K]]?: AuditValue }
}
