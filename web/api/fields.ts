// The fields that calls are made of, as schemas with their bounds. No I/O.

import { z } from 'zod'
import {
  requestIdOf,
  type ProposalId,
  type RequestId,
  type ReviewId,
  type SessionId,
} from '../../core/ids.js'
import { durationMsMax, reasonLengthMax, waitSecondsMax } from './limits.js'

/** Nothing at all: a call that takes no parameters says so. */
export const nothing = z.strictObject({})
/** The body of a GET: none. */
export const noBody = z.union([z.undefined(), z.null()])

const REST = '[0-9A-Za-z_-]{6,64}'

/** `req_…`, or `grt_…` for the grant of the same request. */
export const requestId = z
  .string()
  .regex(new RegExp(`^(?:req|grt)_${REST}$`), 'must be an id that starts with req_ or grt_')
  .transform((id): RequestId =>
    id.startsWith('grt_') ? requestIdOf(`grt_${id.slice(4)}`) : `req_${id.slice(4)}`,
  )

/** `cmd_…`. */
export const reviewId = z
  .string()
  .regex(new RegExp(`^cmd_${REST}$`), 'must be an id that starts with cmd_')
  .transform((id): ReviewId => `cmd_${id.slice(4)}`)

/** Whatever may wait for a person. */
export const itemId = z.union([requestId, reviewId], {
  error: 'must be an id that starts with req_, grt_ or cmd_',
})

/** `ses_…`. */
export const sessionId = z
  .string()
  .regex(new RegExp(`^ses_${REST}$`), 'must be an id that starts with ses_')
  .transform((id): SessionId => `ses_${id.slice(4)}`)

/** `pol_…`. */
export const proposalId = z
  .string()
  .regex(new RegExp(`^pol_${REST}$`), 'must be an id that starts with pol_')
  .transform((id): ProposalId => `pol_${id.slice(4)}`)

/** The number of a version of the policy, as it stands in a path or a query; 0 is the empty policy. */
export const policyNumber = z.coerce.number().int().min(0).max(2_147_483_647)

/** The name of a resource or role, as it may stand in a policy. */
export const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be a name of the policy')

/** `issuer/subject`. */
export const principal = z
  .string()
  .max(512)
  .regex(/^[a-z0-9][a-z0-9-]{0,62}\/./s, 'must be issuer/subject')

/** Words of a person or a job; may be empty. */
export const reason = z.string().max(reasonLengthMax)

/** A length of time, in ms. */
export const duration = z.int().min(1_000).max(durationMsMax)

/** How long to wait for a change, in s, as it stands in a query. */
export const waitS = z.coerce.number().int().min(0).max(waitSecondsMax).default(0)

/** Epoch ms, as it stands in a query. */
export const time = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
