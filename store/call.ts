// The one way in which the store is called: with a deadline, and with one code for every failure.
// Never lets an SQL error's text through, since it can quote what was stored.

import { type ErrorCode, WarderError } from '../core/errors.js'

/** Longest that one call of the store may take, whatever it does inside. */
export const STORE_CALL_MS_MAX = 8_000

/**
 * Runs one call of the store. A call that misses its deadline may still take effect, so everything
 * run through here is safe to repeat.
 *
 * @throws WarderError with `code` when the store fails or does not answer in time; a WarderError
 * that the call threw itself is left as it is.
 */
export async function storeCall<T>(
  call: () => Promise<T>,
  code: ErrorCode = 'CONTROL_PLANE_UNAVAILABLE',
  callMsMax = STORE_CALL_MS_MAX,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new WarderError(code, { why: 'the store does not answer in time' }))
    }, callMsMax)
  })
  try {
    return await Promise.race([call(), late])
  } catch (error) {
    if (error instanceof WarderError) throw error
    throw new WarderError(code, { why: failureOf(error) }, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

/** The SQLSTATE of a PostgreSQL error, if the server sent one (5 characters, manual appendix A). */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const { code } = error
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in error
    ? code
    : undefined
}

function failureOf(error: unknown): string {
  const state = sqlState(error)
  return state === undefined
    ? 'the store can’t be reached'
    : `the store answered with SQLSTATE ${state}`
}
