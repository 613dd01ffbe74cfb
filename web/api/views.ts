// What leaves the API, as schemas, and how it is made from the words of core/. What a schema does not
// name never leaves: token digests, principal keys and credentials have no place here.

import { z } from 'zod'
import type { Grant } from '../../core/grant.js'
import type { AccessItem, InboxItem, ReviewItem } from '../../core/inbox.js'
import { principalChain, principalName } from '../../core/principal.js'

const reasons = z.array(z.object({ code: z.string(), text: z.string() }))
const approval = z.object({
  approvers: z.string(),
  quorum: z.number(),
  timeoutMs: z.number(),
})
const decision = z.object({
  answer: z.enum(['approve', 'deny']),
  by: z.string(),
  reason: z.string(),
  channel: z.string(),
  at: z.number(),
})

const itemBase = {
  revision: z.number(),
  openedAt: z.number(),
  deadlineAt: z.number().optional(),
  approval: approval.optional(),
  decisions: z.array(decision),
  principal: z.string(),
  chain: z.string(),
  parties: z.array(z.string()),
  attributes: z.record(z.string(), z.string()),
  resource: z.string(),
  role: z.string(),
  reasons,
}

const grantView = z.object({
  id: z.string(),
  openedAt: z.number(),
  expiresAt: z.number(),
  end: z.object({ reason: z.string(), by: z.string(), at: z.number() }).optional(),
})

/** An access request. */
export const accessView = z.object({
  kind: z.literal('access'),
  id: z.string(),
  state: z.enum([
    ...(['verifying', 'pending', 'active', 'refused'] as const),
    ...(['denied', 'expired', 'withdrawn', 'ended'] as const),
  ]),
  ...itemBase,
  origin: z.string(),
  reason: z.string(),
  durationMs: z.number().optional(),
  peer: z.string(),
  grant: grantView.optional(),
})

/** A held command, with everything that its decision is about. */
export const reviewView = z.object({
  kind: z.literal('review'),
  id: z.string(),
  state: z.enum(['pending', 'approved', 'denied', 'expired', 'withdrawn']),
  ...itemBase,
  requestId: z.string(),
  grantId: z.string(),
  sessionId: z.string(),
  protocol: z.string(),
  effect: z.string(),
  parts: z.array(
    z.object({
      kind: z.string(),
      effect: z.string(),
      relations: z.array(z.object({ relation: z.string(), access: z.enum(['read', 'write']) })),
      traits: z.array(z.string()),
      because: z.array(z.string()),
    }),
  ),
  text: z.string(),
  textBytes: z.number(),
  parameters: z.array(z.string()),
  digest: z.string(),
  policyDigest: z.string(),
})

/** Anything that waits or waited for a person. */
export const itemView = z.discriminatedUnion('kind', [accessView, reviewView])

/** An item as it leaves the API. */
export type ItemView = z.input<typeof itemView>

const baseOf = (item: InboxItem) => ({
  revision: item.revision,
  openedAt: item.openedAt,
  deadlineAt: item.deadlineAt,
  approval: item.approval,
  decisions: [...item.decisions],
  principal: principalName(item.question.principal),
  chain: principalChain(item.question.principal),
  parties: [...item.question.principal.parties],
  attributes: { ...item.question.principal.attributes },
  resource: item.question.resource,
  role: item.question.role,
})

/** Makes the view of an item. */
export const viewOf = (item: InboxItem): ItemView =>
  item.kind === 'access' ? accessOf(item) : reviewOf(item)

function accessOf(item: AccessItem): ItemView {
  const { question, grant } = item
  return {
    kind: 'access',
    id: item.id,
    state: item.state,
    ...baseOf(item),
    reasons: [...item.reasons],
    origin: question.origin,
    reason: question.reason,
    durationMs: question.durationMs,
    peer: question.peer,
    grant: grant === undefined ? undefined : grantOf(grant),
  }
}

const grantOf = ({ id, openedAt, expiresAt, end }: Grant) => ({ id, openedAt, expiresAt, end })

function reviewOf(item: ReviewItem): ItemView {
  const { question } = item
  return {
    kind: 'review',
    id: item.id,
    state: item.state,
    ...baseOf(item),
    reasons: [...question.reasons],
    requestId: question.requestId,
    grantId: question.grantId,
    sessionId: question.sessionId,
    protocol: question.protocol,
    effect: question.effect,
    parts: question.parts.map((part) => ({
      kind: part.kind,
      effect: part.effect,
      relations: [...part.relations],
      traits: [...part.traits],
      because: [...part.because],
    })),
    text: question.text,
    textBytes: question.textBytes,
    parameters: [...question.parameters],
    digest: question.digest,
    policyDigest: question.policyDigest,
  }
}
