// Every code of the error table in PostgreSQL's form: SQLSTATE (manual, appendix A), and whether
// the session survives it.

import { messageOf, remedyOf, type ErrorCode, type Refusal } from '../../core/errors.js'

/** The fields of an ErrorResponse or NoticeResponse that the gateway writes. */
export interface WireError {
  readonly sqlstate: string
  readonly message: string
  readonly detail?: string | undefined
  readonly hint?: string | undefined
}

const SQLSTATE: Record<ErrorCode, string> = {
  UNAUTHENTICATED: '28000',
  TLS_REQUIRED: '08004',
  FORBIDDEN: '28000',
  ACCESS_REQUIRED: '28000',
  REQUEST_DENIED: '28000',
  REQUEST_EXPIRED: '28000',
  REQUEST_WITHDRAWN: '28000',
  COMMAND_BLOCKED: '42501',
  RESULT_WITHHELD: '42501',
  // Of our own within class 55 (not in the state it has to be in), so that a script can tell it.
  REVIEW_PENDING: '55W01',
  REVIEW_DENIED: '42501',
  REVIEW_EXPIRED: '57014',
  REVIEW_WITHDRAWN: '57014',
  STATEMENT_INVALID: '42601',
  PROTOCOL_VIOLATION: '08P01',
  PROTOCOL_UNSUPPORTED: '0A000',
  LIMIT_EXCEEDED: '54000',
  TARGET_UNREACHABLE: '08006',
  TARGET_REFUSED: '08006',
  GRANT_REVOKED: '57P01',
  GRANT_EXPIRED: '57P01',
  SESSION_IDLE: '57P05',
  CONTROL_PLANE_UNAVAILABLE: '57P03',
  RECORD_UNAVAILABLE: '57P03',
  NOT_FOUND: '26000',
  ALREADY_DECIDED: '55000',
  SELF_APPROVAL: '42501',
  NOT_ENTITLED: '42501',
  REASON_REQUIRED: '22023',
  IDEMPOTENCY_KEY_BUSY: '55006',
  IDEMPOTENCY_KEY_REUSED: '22023',
  INVALID_ARGUMENT: '22023',
  POLICY_INVALID: 'F0000',
  POLICY_CONFLICT: '55000',
  INTERNAL: 'XX000',
}

/** A refusal as PostgreSQL clients read it: DETAIL carries the id, HINT what to do now. */
export function wireError(refusal: Refusal): WireError {
  const { id } = refusal.details
  return {
    sqlstate: SQLSTATE[refusal.code],
    message: messageOf(refusal),
    detail: id === undefined ? undefined : `Warder ${refusal.code}, id ${id}.`,
    hint: remedyOf(refusal),
  }
}
