// Refusals as HTTP: RFC 9457 problem details and a status per code. Pure.

import { messageOf, remedyOf, type ErrorCode, type Refusal } from '../../core/errors.js'

/** The HTTP status of every code (RFC 9110 §15). A code without one does not compile. */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  TLS_REQUIRED: 403,
  FORBIDDEN: 403,
  ACCESS_REQUIRED: 403,
  REQUEST_DENIED: 403,
  REQUEST_EXPIRED: 403,
  REQUEST_WITHDRAWN: 409,
  COMMAND_BLOCKED: 403,
  RESULT_WITHHELD: 403,
  REVIEW_PENDING: 409,
  REVIEW_DENIED: 403,
  REVIEW_EXPIRED: 403,
  REVIEW_WITHDRAWN: 409,
  STATEMENT_INVALID: 400,
  PROTOCOL_VIOLATION: 400,
  PROTOCOL_UNSUPPORTED: 501,
  LIMIT_EXCEEDED: 429,
  TARGET_UNREACHABLE: 502,
  TARGET_REFUSED: 502,
  GRANT_REVOKED: 403,
  GRANT_EXPIRED: 403,
  SESSION_IDLE: 408,
  CONTROL_PLANE_UNAVAILABLE: 503,
  RECORD_UNAVAILABLE: 503,
  NOT_FOUND: 404,
  ALREADY_DECIDED: 409,
  SELF_APPROVAL: 403,
  NOT_ENTITLED: 403,
  REASON_REQUIRED: 422,
  IDEMPOTENCY_KEY_BUSY: 409,
  IDEMPOTENCY_KEY_REUSED: 422,
  INVALID_ARGUMENT: 400,
  POLICY_INVALID: 422,
  POLICY_CONFLICT: 409,
  INTERNAL: 500,
}

/** The body of every answer that is not a success (RFC 9457 §3). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly code: ErrorCode
  readonly remedy: string
  /** What to quote: the request, review or session it is about, else this call. */
  readonly id: string
}

/** @param callId the id of this HTTP call, as it stands in the log */
export function problemOf(refusal: Refusal, callId: string, status?: number): Problem {
  const id = refusal.details.id ?? callId
  const words = refusal.code.toLowerCase().replaceAll('_', ' ')
  return {
    type: `urn:warder:error:${words.replaceAll(' ', '-')}`,
    title: words,
    status: status ?? HTTP_STATUS[refusal.code],
    detail: messageOf(refusal),
    instance: `urn:warder:call:${callId}`,
    code: refusal.code,
    remedy: remedyOf({ ...refusal, details: { ...refusal.details, id } }),
    id,
  }
}
