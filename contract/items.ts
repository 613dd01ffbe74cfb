// What waits or waited for a person, as it leaves the API and as the CLI reads it. What a schema does
// not name never leaves: token digests, principal keys and credentials have no place here.

import { z } from 'zod'

const reasons = z.array(z.object({ code: z.string(), text: z.string() }))
const approval = z.object({
  approvers: z.string(),
  quorum: z.number(),
  timeoutMs: z.number(),
  wait: z.enum(['hold', 'retry']).optional(),
  reasonRequired: z.boolean().optional(),
  escalation: z.object({ to: z.string(), afterMs: z.number() }).optional(),
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
  escalatedTo: z.string().optional(),
  escalatedAt: z.number().optional(),
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

const parts = z.array(
  z.object({
    kind: z.string(),
    effect: z.string(),
    relations: z.array(z.object({ relation: z.string(), access: z.enum(['read', 'write']) })),
    traits: z.array(z.string()),
    because: z.array(z.string()),
  }),
)

/** Statements that are to be approved together, in their order. */
const planView = z.object({
  digest: z.string(),
  steps: z.array(z.object({ text: z.string(), digest: z.string(), parts })),
})

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
    ...(['denied', 'expired', 'withdrawn', 'review-due', 'ended'] as const),
  ]),
  ...itemBase,
  origin: z.string(),
  reason: z.string(),
  durationMs: z.number().optional(),
  plan: planView.optional(),
  peer: z.string(),
  grant: grantView.optional(),
  breakGlass: z
    .object({
      approvers: z.string(),
      commands: z.enum(['ask', 'allow']),
      dueAt: z.number(),
      isOverdue: z.boolean(),
      closure: z
        .object({
          finding: z.enum(['justified', 'unjustified']),
          by: z.string(),
          reason: z.string(),
          channel: z.string(),
          at: z.number(),
        })
        .optional(),
    })
    .optional(),
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
  parts,
  text: z.string(),
  textBytes: z.number(),
  parameters: z.array(z.string()),
  digest: z.string(),
  policyDigest: z.string(),
})

/** Anything that waits or waited for a person. */
export const itemView = z.discriminatedUnion('kind', [accessView, reviewView])

/** The same, read. */
export type ItemView = z.output<typeof itemView>

/** A page of them, newest first; `next` is where the next page begins. */
export const itemList = z.object({
  items: z.array(itemView).readonly(),
  next: z.string().optional(),
})
