// The policy's versions, differences and proposals, as they leave the API and as the CLI reads them.

import { z } from 'zod'

const head = {
  version: z.number(),
  digest: z.string(),
  by: z.string(),
  at: z.number(),
  reason: z.string(),
  confirmedBy: z.string().optional(),
}

/** One version with its text. */
export const policyVersion = z.object({ ...head, source: z.string() })

/** Versions, newest first; `next` is the `before` of the page that follows. */
export const policyPage = z.object({
  versions: z.array(z.object(head)).readonly(),
  next: z.number().optional(),
})

const difference = {
  digest: z.string(),
  rights: z
    .array(
      z
        .object({ direction: z.enum(['widens', 'narrows', 'changes']), text: z.string() })
        .readonly(),
    )
    .readonly(),
  changes: z.array(z.string()).readonly(),
}

/** What one version means beside another. */
export const policyDifference = z.object(difference)

const proposal = {
  id: z.string(),
  state: z.enum(['pending', 'applied', 'rejected', 'expired', 'outdated']),
  digest: z.string(),
  base: z.number(),
  by: z.string(),
  reason: z.string(),
  at: z.number(),
  expiresAt: z.number(),
  decidedBy: z.string().optional(),
  version: z.number().optional(),
}

/** What a policy changes, and the version that it became or the proposal that it is. */
export const policyApplied = z.object({
  ...difference,
  base: z.number(),
  version: z.number().optional(),
  proposal: z.object(proposal).optional(),
})

/** Proposals that wait for a second person. */
export const policyProposals = z.object({ proposals: z.array(z.object(proposal)).readonly() })

/** One proposal with its text and what it would change. */
export const policyProposal = z.object({ ...proposal, ...difference, source: z.string() })

/** What became of a proposal. */
export const policyDecided = z.object({
  id: z.string(),
  state: z.enum(['applied', 'rejected']),
  version: z.number().optional(),
})

/** By which version each process judges. */
export const policyProcesses = z.object({
  processes: z
    .array(z.object({ process: z.string(), version: z.number(), trouble: z.string().optional() }))
    .readonly(),
})
