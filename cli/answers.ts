// What the API answers, as far as the CLI reads it. Anything else in an answer is let through for
// `--json`, so that a newer server works with an older CLI.

import { z } from 'zod'

/** RFC 9457 problem details with Warder's additions. */
export const problem = z.object({
  detail: z.string(),
  code: z.string(),
  remedy: z.string(),
  id: z.string(),
})

/** A newly opened request. */
export const opened = z.looseObject({ id: z.string(), state: z.string() })

const decision = z.looseObject({
  answer: z.string(),
  by: z.string(),
  reason: z.string(),
  channel: z.string(),
  at: z.number(),
})

const base = {
  id: z.string(),
  state: z.string(),
  openedAt: z.number(),
  deadlineAt: z.number().optional(),
  approval: z.looseObject({ approvers: z.string(), quorum: z.number() }).optional(),
  decisions: z.array(decision),
  principal: z.string(),
  chain: z.string(),
  parties: z.array(z.string()),
  attributes: z.record(z.string(), z.string()),
  resource: z.string(),
  role: z.string(),
  reasons: z.array(z.looseObject({ code: z.string(), text: z.string() })),
}

/** An access request. */
export const accessItem = z.looseObject({
  kind: z.literal('access'),
  ...base,
  origin: z.string(),
  reason: z.string(),
  durationMs: z.number().optional(),
  peer: z.string(),
  grant: z
    .looseObject({
      id: z.string(),
      expiresAt: z.number(),
      end: z.looseObject({ reason: z.string(), by: z.string() }).optional(),
    })
    .optional(),
})

/** A held command. */
export const reviewItem = z.looseObject({
  kind: z.literal('review'),
  ...base,
  requestId: z.string(),
  sessionId: z.string(),
  protocol: z.string(),
  effect: z.string(),
  parts: z.array(
    z.looseObject({
      kind: z.string(),
      effect: z.string(),
      relations: z.array(z.looseObject({ relation: z.string(), access: z.string() })),
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
export const item = z.discriminatedUnion('kind', [accessItem, reviewItem])
/** The same, read. */
export type Item = z.output<typeof item>
/** A list of them. */
export const items = z.looseObject({ items: z.array(item) })

/** What became of an answer. */
export const decided = z.looseObject({ id: z.string(), state: z.string() })

/** The new end of a grant. */
export const extended = z.looseObject({ id: z.string(), expiresAt: z.number() })

/** What a revocation ended. */
export const receipt = z.looseObject({
  grants: z.array(
    z.looseObject({
      id: z.string(),
      principal: z.string(),
      resource: z.string(),
      role: z.string(),
    }),
  ),
  withdrawn: z.array(z.string()),
  sessionsCut: z.number(),
  tookMs: z.number(),
})

/** Where the gateway is. */
export const gateway = z.looseObject({
  postgres: z.looseObject({ host: z.string(), port: z.number() }),
  ca: z.string().optional(),
})

/** What the gateway makes of a token. */
export const whoami = z.looseObject({
  principal: z.string(),
  chain: z.string(),
  groups: z.array(z.string()),
  parties: z.array(z.string()),
  aliases: z.array(z.string()),
  tokenExpiresAt: z.number(),
  approverGroups: z.array(z.string()),
  duties: z.array(z.string()),
})

/** One audit record. */
export const auditEntry = z.looseObject({
  chain: z.string(),
  seq: z.number(),
  at: z.number(),
  kind: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
})
/** The same, read. */
export type Entry = z.output<typeof auditEntry>

const moment = { offsetMs: z.number() }
const value = z.string().nullable()

/** One line of a replay. */
export const replayLine = z.discriminatedUnion('type', [
  z.looseObject({
    ...{ type: z.literal('record'), ...moment, kind: z.string(), text: z.string() },
    statement: z.array(z.string()),
  }),
  z.looseObject({
    ...{ type: z.literal('command'), ...moment, number: z.number(), text: z.string() },
    ...{ parameters: z.array(z.string()), effect: z.string(), outcome: z.string() },
    ...{ tag: z.string(), sqlstate: z.string(), durationMs: z.number() },
    reviewId: z.string().optional(),
    reasons: z.array(z.string()).optional(),
  }),
  z.looseObject({
    ...{ type: z.literal('rows'), ...moment, number: z.number(), omittedRows: z.number() },
    columns: z.array(z.looseObject({ name: z.string() })),
    rows: z.array(z.array(value)),
    unreadable: z.string().optional(),
  }),
  z.looseObject({
    ...{ type: z.literal('output'), ...moment, number: z.number(), text: z.string() },
    omittedBytes: z.number(),
  }),
  z.looseObject({
    ...{ type: z.literal('decision'), ...moment, number: z.number(), reviewId: z.string() },
    ...{ state: z.string(), by: z.string() },
  }),
  z.looseObject({
    ...{ type: z.literal('finding'), fault: z.string(), text: z.string() },
    chunk: z.number().optional(),
    commands: z.looseObject({ first: z.number(), last: z.number() }).optional(),
  }),
  z.looseObject({
    ...{ type: z.literal('end'), isRecorded: z.boolean() },
    faults: z.record(z.string(), z.number()),
  }),
])
/** The same, read. */
export type ReplayLine = z.output<typeof replayLine>

/** A page of audit records. */
export const auditPage = z.looseObject({
  entries: z.array(auditEntry),
  next: z.string().optional(),
})

/** What came of verifying the log. */
export const auditReport = z.looseObject({
  intact: z.boolean(),
  recordCount: z.number(),
  chainCount: z.number(),
  checkpointCount: z.number(),
  problems: z.array(z.string()),
})

/** A signed checkpoint; kept and printed as it came. */
export const checkpoint = z.looseObject({ number: z.number(), at: z.number(), hash: z.string() })

/** What a policy changes. */
export const difference = z.looseObject({
  digest: z.string(),
  version: z.number().optional(),
  changes: z.array(z.string()),
})

/** A stored secret. */
export const stored = z.looseObject({ name: z.string(), version: z.number() })

/** An answer that nobody reads. */
export const anything = z.looseObject({})
