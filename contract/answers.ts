// What calls that change or locate something answer, as it leaves the API and as the CLI reads it.

import { z } from 'zod'

/** RFC 9457 problem details with Warder's additions. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  instance: z.string(),
  code: z.string(),
  remedy: z.string(),
  id: z.string(),
})

/** A newly opened request. */
export const opened = z.object({
  id: z.string(),
  state: z.enum(['verifying', 'pending', 'active']),
})

/** A request that was given back. */
export const completed = z.object({ id: z.string() })

/** A break-glass whose review is closed. */
export const closed = z.object({ id: z.string(), state: z.literal('ended') })

/** What became of an answer. */
export const decided = z.object({
  id: z.string(),
  state: z.enum(['pending', 'approved', 'denied']),
})

/** The new end of a grant. */
export const extended = z.object({ id: z.string(), expiresAt: z.number() })

const perGateway = z.object({ gateway: z.string(), sessions: z.number() })

/** What a revocation ended, and on which gateways; `unconfirmed` have not said so in time. */
export const receipt = z.object({
  grants: z
    .array(
      z.object({ id: z.string(), principal: z.string(), resource: z.string(), role: z.string() }),
    )
    .readonly(),
  withdrawn: z.array(z.string()).readonly(),
  sessionsCut: z.number(),
  cuts: z.array(perGateway).readonly(),
  unconfirmed: z.array(perGateway).readonly(),
  tookMs: z.number(),
})

/** Where the gateway is. */
export const gateway = z.object({
  postgres: z.object({ host: z.string(), port: z.number() }),
  ca: z.string().optional(),
})

/** What the gateway makes of a token. */
export const whoami = z.object({
  principal: z.string(),
  chain: z.string(),
  groups: z.array(z.string()).readonly(),
  attributes: z.record(z.string(), z.string()),
  parties: z.array(z.string()).readonly(),
  aliases: z.array(z.string()).readonly(),
  tokenExpiresAt: z.number(),
  approverGroups: z.array(z.string()).readonly(),
  duties: z.array(z.string()).readonly(),
})

/** A stored secret; never its value. */
export const stored = z.object({ name: z.string(), version: z.number() })

/** How ready the answering process is, part by part. */
export const readiness = z.object({
  status: z.enum(['ready', 'unready', 'draining']),
  parts: z
    .array(
      z.object({
        part: z.string(),
        ok: z.boolean(),
        why: z.string().optional(),
        facts: z.record(z.string(), z.number()).readonly().optional(),
      }),
    )
    .readonly(),
})
