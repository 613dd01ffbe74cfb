// Service keys and rotations as they leave the API and as the CLI reads them.

import { z } from 'zod'

/** A new key; it is shown this once. */
export const serviceKeyAdded = z.object({
  name: z.string(),
  key: z.string(),
  expiresAt: z.number(),
})

/** What may be known of keys. */
export const serviceKeyList = z.object({
  keys: z
    .array(
      z.object({
        name: z.string(),
        resource: z.string(),
        role: z.string(),
        by: z.string(),
        addedAt: z.number(),
        expiresAt: z.number(),
        revokedAt: z.number().optional(),
        lastUsedAt: z.number().optional(),
      }),
    )
    .readonly(),
})

/** What revoking a key ended. */
export const serviceKeyRevoked = z.object({ name: z.string(), sessionsCut: z.number() })

/** A rotated credential. */
export const rotated = z.object({ resource: z.string(), name: z.string(), version: z.number() })
