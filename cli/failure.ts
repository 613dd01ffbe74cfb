// How the CLI says that something did not work: what, why, what to do now, and the id to quote.

import type { Writable } from 'node:stream'
import {
  ERROR_CODES,
  WarderError,
  messageOf,
  remedyOf,
  type ErrorCode,
  type ErrorDetails,
} from '../core/errors.js'
import { visible } from '../core/visible.js'
import { EXIT, exitCodeOf } from './exit-codes.js'

/** A failure that ends the command, in words for people. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure'
  readonly remedy: string
  readonly exitCode: number
  readonly code: ErrorCode | undefined
  readonly id: string | undefined

  constructor(failure: {
    readonly message: string
    readonly remedy: string
    readonly exitCode: number
    readonly code?: ErrorCode
    readonly id?: string | undefined
  }) {
    super(failure.message)
    this.remedy = failure.remedy
    this.exitCode = failure.exitCode
    this.code = failure.code
    this.id = failure.id
  }
}

/** A failure with a code of the table. */
export const failureOf = (code: ErrorCode, details: ErrorDetails = {}): CliFailure =>
  new CliFailure({
    message: messageOf({ code, details }),
    remedy: remedyOf({ code, details }),
    exitCode: exitCodeOf(code),
    code,
    id: details.id,
  })

/** A wrong command line. */
export const usageFailure = (message: string, remedy: string): CliFailure =>
  new CliFailure({ message, remedy, exitCode: EXIT.usage })

/** True for a code of our table. */
export const isErrorCode = (text: string): text is ErrorCode =>
  (ERROR_CODES as readonly string[]).includes(text)

/** Prints whatever was thrown and says how to exit. Text from outside is made visible. */
export function reportFailure(error: unknown, stderr: Writable): number {
  const failure =
    error instanceof CliFailure
      ? error
      : error instanceof WarderError
        ? failureOf(error.code, error.details)
        : failureOf('INTERNAL', { why: error instanceof Error ? error.message : undefinedReason })
  stderr.write(`warder: ${visible(failure.message)}\n  do: ${visible(failure.remedy)}\n`)
  if (failure.id !== undefined) stderr.write(`  id: ${visible(failure.id)}\n`)
  return failure.exitCode
}

const undefinedReason = 'something that is no error was thrown'
