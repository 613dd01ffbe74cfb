// Runs a call once per idempotency key (draft-ietf-httpapi-idempotency-key-header-07): whoever repeats
// it gets the first answer, from any replica. It knows no HTTP beyond the header's own form.

import { createHash } from 'node:crypto'
import { granted, refused, type Outcome } from '../../core/errors.js'
import type { Idempotency, KeptAnswer, KeyedCall } from '../../core/idempotency.js'
import { idempotencyKeyLengthMax } from './limits.js'
import { keptOf } from './reply.js'
import type { Answer } from './route.js'

/** Refusals after which nothing has happened that a repetition would have to be kept from. */
const PASSING = new Set(['CONTROL_PLANE_UNAVAILABLE', 'RECORD_UNAVAILABLE', 'LIMIT_EXCEEDED'])

/** A call under its key. */
export interface KeyedRun {
  /** The header as it came. */
  readonly key: string | undefined
  readonly principalKey: string
  /** What makes it this call and no other: method, path and body. */
  readonly what: readonly unknown[]
  /** The id of this HTTP call, as it stands in the log. */
  readonly callId: string
  readonly run: () => Promise<Answer>
}

/**
 * Runs the call, or answers with what it was answered before. Refuses with `INVALID_ARGUMENT` (the
 * header is not a string of the form), `IDEMPOTENCY_KEY_BUSY`, `IDEMPOTENCY_KEY_REUSED`.
 */
export async function runOnce(
  keys: Idempotency,
  { key, principalKey, what, callId, run }: KeyedRun,
): Promise<Answer | { readonly kind: 'kept'; readonly kept: KeptAnswer }> {
  if (key === undefined) return await run()
  const text = textOf(key)
  if (!text.ok) return { kind: 'refused', refusal: text.refusal }
  const call: KeyedCall = {
    principalKey,
    keyDigest: digestOf(['warder-idempotency-key-v1', text.value]),
    fingerprint: digestOf(['warder-idempotent-call-v1', ...what]),
  }
  const claim = await keys.claim(call)
  if (claim.state === 'answered') return { kind: 'kept', kept: claim.answer }
  if (claim.state === 'running')
    return { kind: 'refused', refusal: refusal('IDEMPOTENCY_KEY_BUSY') }
  if (claim.state === 'other')
    return { kind: 'refused', refusal: refusal('IDEMPOTENCY_KEY_REUSED') }
  const answer = await run().catch(async (error: unknown) => {
    await quietly(keys.drop(call))
    throw error
  })
  // What can't be put down now stays claimed for a minute: better a late repetition than a second run.
  await quietly(isFinal(answer) ? keys.keep(call, keptOf(answer, callId)) : keys.drop(call))
  return answer
}

const isFinal = (answer: Answer): answer is Exclude<Answer, { kind: 'lines' }> =>
  answer.kind === 'json' || (answer.kind === 'refused' && !PASSING.has(answer.refusal.code))

const refusal = (code: 'IDEMPOTENCY_KEY_BUSY' | 'IDEMPOTENCY_KEY_REUSED') => ({ code, details: {} })

const quietly = (done: Promise<void>): Promise<void> => done.catch(() => undefined)

/** A structured-field string (RFC 9651 §3.3.3); a bare word is taken as well. */
function textOf(header: string): Outcome<string> {
  const quoted = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"$/.exec(header)?.[1]
  const text = quoted?.replace(/\\(["\\])/g, '$1') ?? /^[\w.:~+/=-]+$/.exec(header)?.[0]
  if (text !== undefined && text.length <= idempotencyKeyLengthMax) return granted(text)
  return refused('INVALID_ARGUMENT', {
    what: 'Idempotency-Key',
    why: `write a quoted text of 1 to ${idempotencyKeyLengthMax} characters`,
  })
}

const digestOf = (parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex')
