// The messages of the bus: lists of hints as JSON. Whatever is not exactly one of ours is not read;
// no secret and no row of the store ever stands in one.

import { z } from 'zod'
import type { GrantId, ProcessId } from '../core/ids.js'
import type { CancelHint } from '../core/ports.js'

/** One hint. `resync`: some were lost, or were too many to be told one by one. */
export type Hint =
  | { readonly kind: 'grant'; readonly id: GrantId }
  | { readonly kind: 'policy' }
  | ({ readonly kind: 'cancel' } & CancelHint)
  | { readonly kind: 'resync' }

/** Longest message, below the 8000 bytes at which PostgreSQL refuses a NOTIFY. */
export const MESSAGE_BYTES_MAX = 7_900
/** Hints that one message holds; the longest is below 170 bytes. */
export const MESSAGE_HINT_COUNT_MAX = 40

const GRANT_ID = /^grt_[0-9A-Za-z_-]{1,64}$/
const PROCESS_ID = /^(?:gwy|wrk)_[0-9A-Za-z_-]{1,64}$/

const HINT = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('grant'),
    id: z.custom<GrantId>((id) => typeof id === 'string' && GRANT_ID.test(id)),
  }),
  z.strictObject({ kind: z.literal('policy') }),
  z.strictObject({
    kind: z.literal('cancel'),
    processId: z.int().min(1).max(0x7fff_ffff),
    nonce: z.string().regex(/^[\w-]{22}$/),
    proof: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  z.strictObject({ kind: z.literal('resync') }),
])

const MESSAGE = z.strictObject({
  v: z.literal(1),
  from: z.custom<ProcessId>((id) => typeof id === 'string' && PROCESS_ID.test(id)),
  hints: z.array(HINT).min(1).max(MESSAGE_HINT_COUNT_MAX),
})

/** What one process tells the others at once. */
export interface HintMessage {
  readonly from: ProcessId
  readonly hints: readonly Hint[]
}

/** The message as text, at most MESSAGE_BYTES_MAX bytes of ASCII. */
export const encodeHints = ({ from, hints }: HintMessage): string =>
  JSON.stringify({ v: 1, from, hints })

/** The message, or undefined when it is not one of ours. */
export function decodeHints(text: string): HintMessage | undefined {
  if (text.length > MESSAGE_BYTES_MAX) return undefined
  try {
    const { success, data } = MESSAGE.safeParse(JSON.parse(text))
    return success ? { from: data.from, hints: data.hints } : undefined
  } catch {
    return undefined
  }
}
