// One item, for somebody who may see it. Unknown and forbidden answer the same, in the same words.

import { setTimeout as pause } from 'node:timers/promises'
import { granted, refused, type Outcome } from '../../core/errors.js'
import type { RequestId, ReviewId } from '../../core/ids.js'
import type { InboxItem } from '../../core/inbox.js'
import type { Authenticated } from '../../core/ports.js'
import { maySee } from './entitlement.js'
import { pollMs } from './limits.js'
import type { Openings } from './openings.js'
import type { ApiDependencies } from './ports.js'

type ItemParts = Pick<ApiDependencies, 'inbox' | 'policy' | 'clock'>

/** The item, or `NOT_FOUND`; for the requester also why his request came to nothing. */
export async function visibleItem(
  parts: ItemParts,
  openings: Openings,
  id: RequestId | ReviewId,
  caller: Authenticated,
): Promise<Outcome<InboxItem>> {
  const isRequest = (some: RequestId | ReviewId): some is RequestId => some.startsWith('req_')
  const opening = isRequest(id) ? openings.find(id) : undefined
  const item = (await parts.inbox.find(id)) ?? opening
  if (item !== undefined && maySee(parts.policy(), item, caller.principal)) return granted(item)
  const refusal =
    item === undefined && isRequest(id) ? openings.refusalOf(id, caller.principalKey) : undefined
  return refusal === undefined
    ? refused('NOT_FOUND', { what: `request or review ${id}`, id })
    : { ok: false, refusal }
}

/** The same, but not before it has left `verifying` and `pending`, or the time is over. */
export async function waitForItem(
  parts: ItemParts,
  openings: Openings,
  id: RequestId | ReviewId,
  caller: Authenticated,
  wait: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<Outcome<InboxItem>> {
  const untilMs = parts.clock.monotonicMs() + wait.waitMs
  for (;;) {
    const item = await visibleItem(parts, openings, id, caller)
    const leftMs = untilMs - parts.clock.monotonicMs()
    if (!item.ok || !isWaiting(item.value) || leftMs <= 0 || wait.signal.aborted) return item
    await pause(Math.min(pollMs, leftMs), undefined, { signal: wait.signal }).catch(() => undefined)
  }
}

const isWaiting = ({ state }: InboxItem): boolean => state === 'verifying' || state === 'pending'
