// Exit codes of the CLI's own (sysexits.h). `warder exec` otherwise returns the code of its command.

import type { ErrorCode } from '../core/errors.js'

/** Every exit code that is ours. */
export const EXIT = {
  ok: 0,
  /** EX_USAGE: the command line is wrong. */
  usage: 64,
  /** EX_DATAERR: the policy has mistakes, or the audit log does not verify. */
  data: 65,
  /** EX_UNAVAILABLE: Warder can't be reached, or can't decide right now. */
  unreachable: 69,
  /** EX_SOFTWARE: Warder failed. */
  internal: 70,
  /** EX_TEMPFAIL: nobody decided in time, or too much was asked at once. */
  timedOut: 75,
  /** EX_NOPERM: denied, forbidden, revoked or not authenticated. */
  denied: 77,
  /** A signal came before the command was started. */
  brokenOff: 130,
} as const

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  REASON_REQUIRED: EXIT.usage,
  INVALID_ARGUMENT: EXIT.usage,
  POLICY_INVALID: EXIT.data,
  CONTROL_PLANE_UNAVAILABLE: EXIT.unreachable,
  RECORD_UNAVAILABLE: EXIT.unreachable,
  TARGET_UNREACHABLE: EXIT.unreachable,
  TARGET_REFUSED: EXIT.unreachable,
  REQUEST_EXPIRED: EXIT.timedOut,
  REVIEW_PENDING: EXIT.timedOut,
  REVIEW_EXPIRED: EXIT.timedOut,
  LIMIT_EXCEEDED: EXIT.timedOut,
  IDEMPOTENCY_KEY_BUSY: EXIT.timedOut,
  INTERNAL: EXIT.internal,
  PROTOCOL_VIOLATION: EXIT.internal,
}

/** The exit code for a refusal; whatever is not listed is a no. */
export const exitCodeOf = (code: ErrorCode): number => BY_CODE[code] ?? EXIT.denied

/** For `--help`. */
export const EXIT_CODES_HELP = `
Exit codes: 0 done · 64 wrong usage · 65 the policy or the log is not right · 69 Warder can't be
reached · 70 Warder failed · 75 nobody decided in time · 77 denied, forbidden or not authenticated · 130 broken off by a signal`
