// The one error table. A refusal is a value, a failure is a WarderError, a bug is an assertion.
// Each protocol's errors.ts maps every code here to its own wire form; a code without one does
// not compile.

/** Facts that a message may need; ids are shown to callers so that both sides can find the event. */
export interface ErrorDetails {
  /** What was refused or failed: a resource, a role, a statement kind, a file. */
  readonly what?: string
  /** Why, in policy words or in the words of the part that failed. */
  readonly why?: string
  /** Request, review or session id that the audit log knows this by. */
  readonly id?: string
}

interface ErrorEntry {
  readonly message: (details: ErrorDetails) => string
  readonly remedy: (details: ErrorDetails) => string
}

const what = (details: ErrorDetails, otherwise: string) => details.what ?? otherwise
const because = (details: ErrorDetails) => (details.why === undefined ? '' : `: ${details.why}`)

const TABLE = {
  UNAUTHENTICATED: {
    message: (d) => `The token was not accepted${because(d)}.`,
    remedy: () => 'Present a fresh token of a configured issuer, made out to this gateway.',
  },
  TLS_REQUIRED: {
    message: () => 'A token is only taken over TLS.',
    remedy: () => 'Connect with TLS (psql: sslmode=verify-full).',
  },
  FORBIDDEN: {
    message: (d) => `No access to ${what(d, 'this resource')}${because(d)}.`,
    remedy: () => 'Ask whoever keeps the policy to give this identity a role there.',
  },
  ACCESS_REQUIRED: {
    message: (d) => `${what(d, 'This resource')} needs an open grant${because(d)}.`,
    remedy: () => 'Open one with `warder request` or run the job under `warder exec`.',
  },
  REQUEST_DENIED: {
    message: (d) => `Access to ${what(d, 'the resource')} was denied${because(d)}.`,
    remedy: (d) => `See who denied it and why with \`warder show ${d.id ?? 'ID'}\`.`,
  },
  REQUEST_EXPIRED: {
    message: (d) => `Nobody decided about access to ${what(d, 'the resource')} in time.`,
    remedy: () => 'Ask again when an approver is there.',
  },
  REQUEST_WITHDRAWN: {
    message: (d) => `The request for ${what(d, 'the resource')} was withdrawn${because(d)}.`,
    remedy: () => 'Ask again.',
  },
  COMMAND_BLOCKED: {
    message: (d) => `${what(d, 'This command')} is not allowed${because(d)}.`,
    remedy: () => 'The session goes on. Ask for a role that allows it, or change the command.',
  },
  REVIEW_PENDING: {
    message: (d) => `${what(d, 'This command')} was not run: it waits for approval${because(d)}.`,
    remedy: (d) =>
      `The session goes on. Run it again once it is approved; \`warder show ${d.id ?? 'ID'}\` tells.`,
  },
  REVIEW_DENIED: {
    message: (d) => `${what(d, 'This command')} was denied${because(d)}.`,
    remedy: (d) => `The session goes on. \`warder show ${d.id ?? 'ID'}\` says who and why.`,
  },
  REVIEW_EXPIRED: {
    message: (d) => `Nobody decided about ${what(d, 'this command')} in time.`,
    remedy: () => 'The session goes on. Send it again when an approver is there.',
  },
  REVIEW_WITHDRAWN: {
    message: (d) => `The review of ${what(d, 'this command')} was withdrawn${because(d)}.`,
    remedy: () => 'Nothing was run. Send it again if it is still wanted.',
  },
  RESULT_WITHHELD: {
    message: (d) => `The result was withheld${because(d)}.`,
    remedy: () =>
      'The session has ended. Select masked columns as they are, and COPY as text or csv.',
  },
  STATEMENT_INVALID: {
    message: (d) => `The statement can't be parsed${because(d)}.`,
    remedy: () => 'Nothing was run. Correct it; what the parser rejects is never forwarded.',
  },
  PROTOCOL_VIOLATION: {
    message: (d) => `The peer broke the protocol${because(d)}.`,
    remedy: () => 'Check the client, and what stands between it and the gateway.',
  },
  PROTOCOL_UNSUPPORTED: {
    message: (d) => `${what(d, 'This feature')} is not supported${because(d)}.`,
    remedy: () => 'The protocol pages in the documentation list what is.',
  },
  LIMIT_EXCEEDED: {
    message: (d) => `A limit was reached${because(d)}.`,
    remedy: () => 'Send less at a time. The limits and their reasons are in the reference.',
  },
  TARGET_UNREACHABLE: {
    message: (d) => `${what(d, 'The target')} can't be reached${because(d)}.`,
    remedy: () => 'Nothing was run. Check the target and the gateway’s way to it.',
  },
  TARGET_REFUSED: {
    message: (d) => `${what(d, 'The target')} did not accept the gateway${because(d)}.`,
    remedy: () => 'Check the stored credential and the target’s certificate.',
  },
  GRANT_REVOKED: {
    message: (d) => `The grant was revoked${because(d)}.`,
    remedy: (d) => `\`warder show ${d.id ?? 'ID'}\` says by whom. Ask again if you still need it.`,
  },
  GRANT_EXPIRED: {
    message: () => 'The grant has ended.',
    remedy: () => 'Ask for a new one, or for a longer one.',
  },
  SESSION_IDLE: {
    message: () => 'The session was idle for too long.',
    remedy: () => 'Connect again.',
  },
  CONTROL_PLANE_UNAVAILABLE: {
    message: (d) => `Warder can't decide right now${because(d)}.`,
    remedy: () => 'Nothing was run. Try again shortly; `warder show` tells what is pending.',
  },
  RECORD_UNAVAILABLE: {
    message: (d) => `Nothing can be recorded right now, so nothing may run${because(d)}.`,
    remedy: () => 'Whoever runs Warder must bring its store back.',
  },
  NOT_FOUND: {
    message: (d) => `There is no ${what(d, 'such thing')}.`,
    remedy: () => '`warder pending` lists what waits for a decision.',
  },
  ALREADY_DECIDED: {
    message: (d) => `${what(d, 'This')} is already decided${because(d)}.`,
    remedy: () => 'The first decision stands.',
  },
  SELF_APPROVAL: {
    message: () => 'Nobody decides about his own request, or about one of a job he is behind.',
    remedy: () => 'Ask another approver.',
  },
  NOT_ENTITLED: {
    message: (d) => `You may not ${what(d, 'do that')}${because(d)}.`,
    remedy: () => 'The policy’s approver groups and duties say who may.',
  },
  REASON_REQUIRED: {
    message: (d) => `${what(d, 'This')} needs a reason${because(d)}.`,
    remedy: () => 'Say why (`--reason TEXT`); whoever reads the log later will ask.',
  },
  IDEMPOTENCY_KEY_BUSY: {
    message: () => 'The call with this idempotency key is still running.',
    remedy: () => 'Repeat it in a moment, with the same key: it is never run twice.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    message: () => 'This idempotency key belongs to another call.',
    remedy: () => 'Make a new key for every call; repeat a key only with the very same call.',
  },
  INVALID_ARGUMENT: {
    message: (d) => `${what(d, 'The input')} is not valid${because(d)}.`,
    remedy: () => '`warder help` shows the form.',
  },
  POLICY_INVALID: {
    message: (d) => `The policy is not valid${because(d)}.`,
    remedy: () => 'Correct it and run `warder check`; the policy in force stays as it is.',
  },
  POLICY_CONFLICT: {
    message: (d) => `The policy in force is not the one that this was made for${because(d)}.`,
    remedy: () => 'Look at `warder policy list` and `warder policy diff`, and apply it again.',
  },
  INTERNAL: {
    message: (d) => `Warder failed${because(d)}.`,
    remedy: (d) => `Nothing more was run. Report it with ${d.id ?? 'the time it happened'}.`,
  },
} as const satisfies Record<string, ErrorEntry>

/** Every code that Warder answers with, on whatever protocol. */
export type ErrorCode = keyof typeof TABLE

/** All codes, in the order of the reference page. */
export const ERROR_CODES = Object.keys(TABLE) as readonly ErrorCode[]

/** A "no" that policy, a person or a limit said: a value, never thrown. */
export interface Refusal {
  readonly code: ErrorCode
  readonly details: ErrorDetails
}

/** Either what was asked for, or why not. */
export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal }

/** Wraps a value as the good outcome. */
export const granted = <T>(value: T): Outcome<T> => ({ ok: true, value })

/** Builds the refused outcome. */
export const refused = (code: ErrorCode, details: ErrorDetails = {}): Outcome<never> => ({
  ok: false,
  refusal: { code, details },
})

/** What was refused and why, in one sentence. */
export const messageOf = ({ code, details }: Refusal): string => TABLE[code].message(details)

/** What to do now, in one sentence. */
export const remedyOf = ({ code, details }: Refusal): string => TABLE[code].remedy(details)

/** A failure with a code of the table; `cause` keeps what went wrong underneath. */
export class WarderError extends Error {
  override readonly name = 'WarderError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(messageOf({ code, details }), options)
    this.code = code
    this.details = details
  }

  /** The same thing as a value. */
  get refusal(): Refusal {
    return { code: this.code, details: this.details }
  }
}

/** Stops a session on a broken assumption of ours; never on something a peer sent. */
export function assert(condition: boolean, assumption: string): asserts condition {
  if (!condition) throw new WarderError('INTERNAL', { why: `assumption broken: ${assumption}` })
}
