// One item, for somebody who may see it. Unknown and forbidden answer the same, in the same words.

import { setTimeout as pause } from 'node:timers/promises'
import { granted, refused, type Outcome } from '../../core/errors.js'
import type { RequestId, ReviewId } from '../../core/ids.js'
import type { InboxItem } from '../../core/inbox.js'
import type { Authenticated } from '../../core/ports.js'
import { maySee } from './entitlement.js'
import { pollMs, pollMsMax } from './limits.js'
import type { ApiDependencies } from './ports.js'

type ItemParts = Pick<ApiDependencies, 'inbox' | 'policy' | 'clock'>

/** The item, or `NOT_FOUND`. */
export async function visibleItem(
  parts: ItemParts,
  id: RequestId | ReviewId,
  caller: Authenticated,
): Promise<Outcome<InboxItem>> {
  const item = await parts.inbox.find(id)
  return item !== undefined && maySee(parts.policy(), item, caller.principal)
    ? granted(item)
    : refused('NOT_FOUND', { what: `request or review ${id}`, id })
}

/**
 * The same, but not before it has left `verifying` and `pending`, or the time is over. It looks into
 * the store again and again, so that it does not matter which process learnt of the decision.
 */
export async function waitForItem(
  parts: ItemParts,
  id: RequestId | ReviewId,
  caller: Authenticated,
  wait: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<Outcome<InboxItem>> {
  const untilMs = parts.clock.monotonicMs() + wait.waitMs
  for (let lookMs = pollMs; ; lookMs = Math.min(lookMs * 1.1, pollMsMax)) {
    const item = await visibleItem(parts, id, caller)
    const leftMs = untilMs - parts.clock.monotonicMs()
    if (!item.ok || !isWaiting(item.value) || leftMs <= 0 || wait.signal.aborted) return item
    await pause(Math.min(lookMs, leftMs), undefined, { signal: wait.signal }).catch(() => undefined)
  }
}

const isWaiting = ({ state }: InboxItem): boolean => state === 'verifying' || state === 'pending'
