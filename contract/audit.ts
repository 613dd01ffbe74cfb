// The audit log as it leaves the API and as the CLI reads it.

import { z } from 'zod'

/** One audit record, sensitive fields opened. */
export const auditEntry = z.object({
  chain: z.string(),
  seq: z.number(),
  at: z.number(),
  kind: z.string(),
  fields: z.record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean(), z.array(z.string()).readonly()]),
  ),
})
/** The same, read. */
export type Entry = z.output<typeof auditEntry>

/** A page of audit records, newest first; `next` is where the next page begins. */
export const auditPage = z.object({
  entries: z.array(auditEntry).readonly(),
  next: z.string().optional(),
})

/** What came of verifying the log. */
export const auditReport = z.object({
  intact: z.boolean(),
  recordCount: z.number(),
  chainCount: z.number(),
  checkpointCount: z.number(),
  problems: z.array(z.string()).readonly(),
})

/** SPKI PEM of every key that ever signed checkpoints, oldest first. */
export const auditKeys = z.object({ keys: z.array(z.string()).readonly() })

/** A signed checkpoint. */
export const checkpoint = z.object({
  number: z.number(),
  at: z.number(),
  previous: z.string(),
  heads: z
    .array(
      z.object({
        chain: z.string(),
        seq: z.number(),
        hash: z.string(),
        by: z.enum(['writer', 'finder']),
      }),
    )
    .readonly(),
  keyId: z.string(),
  hash: z.string(),
  signature: z.string(),
})

/** One line of an export: a record as it is stored, or a checkpoint; `docs/` say how it verifies. */
export const exportLine = z.record(z.string(), z.unknown())
