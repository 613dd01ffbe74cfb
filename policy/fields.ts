// The small pieces that the schema of the policy file is made of: names, times, claims, who is meant
// and who is asked. Shapes only; they know nothing of each other's whereabouts.

import { z } from 'zod'
import { DURATION, DURATION_MS_MAX, durationMs } from './duration.js'

/** Names of issuers, resources, roles and approver groups: no dot, no slash, so that they combine. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const ABSOLUTE_PATH = /^\/[^\0]+$/
const CLAIM = /^\S{1,256}$/
/** A claim by name, or a JSON Pointer (RFC 6901): `~` only as `~0` and `~1`. */
const CLAIM_PATH = /^(?!\/)\S{1,256}$|^(?:\/(?:[^\s/~]|~[01])+){1,8}$/

/** A name that other parts refer to. */
export const name = () =>
  z
    .string()
    .regex(NAME, 'must be 1 to 63 of a-z, 0-9 and inner hyphens (no dot, no slash)')
    .meta({ title: 'name' })

/** A time such as `30m`. */
export const duration = () =>
  z
    .string()
    .regex(DURATION, 'must be a whole number and a unit, such as 30s, 15m, 2h or 1d')
    .refine((text) => {
      const ms = durationMs(text)
      return ms >= 1_000 && ms <= DURATION_MS_MAX
    }, 'must be between 1s and 7d')
    .meta({ title: 'duration' })

/** Some text that is not empty. */
export const text = (lengthMax: number) => z.string().min(1).max(lengthMax)

/** Where a file is, on the gateway. */
export const absolutePath = () =>
  z
    .string()
    .max(4_096)
    .regex(ABSOLUTE_PATH, 'must be an absolute path')
    .meta({ title: 'absolute path' })

/** The name of a claim of a token, or of a label. */
export const claimName = () =>
  z.string().regex(CLAIM, 'must be the name of a claim, without spaces').meta({ title: 'claim' })

/** A value as tokens and labels carry it. */
export const scalar = z
  .union([z.string(), z.number(), z.boolean()], { error: 'must be text, a number, true or false' })
  .meta({ title: 'value' })

/** A value, or a list of which one has to fit. */
export const values = () =>
  z.union([scalar, z.array(scalar).min(1)], {
    error: 'must be text, a number, true or false, or a list of these that is not empty',
  })

/**
 * Where a claim is: its name at the top, whatever characters that has (`oidc.circleci.com/org-id`), or,
 * when it begins with a slash, a JSON Pointer into nested claims (`/realm_access/roles`).
 */
export const claimPath = () =>
  z
    .string()
    .max(512)
    .regex(
      CLAIM_PATH,
      'must be the name of a claim, or a path of names that begins with a slash (a slash in a name is ~1, a tilde ~0)',
    )
    .meta({ title: 'claim path' })

/** A claim path, or several. */
export const claimPaths = () =>
  z.union([claimPath(), z.array(claimPath()).min(1)], {
    error: 'must be the name of a claim or a list of such names',
  })

/** https anywhere; http only on this host, where nobody can stand in between. */
export const url = () =>
  z
    .string()
    .max(2_048)
    .regex(
      /^(?:https:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])|http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]))(?::[1-9]\d{0,4})?(?:\/[^\s?#]*)?$/,
      'must be an https URL without query (http only for localhost, 127.0.0.1 or [::1])',
    )
    .meta({ title: 'URL' })

/** An issuer: `url()`, or a SPIFFE trust domain (SPIFFE ID §2.1: lower case, no port, no path). */
export const issuerUrl = () =>
  z.union([url(), z.string().regex(/^spiffe:\/\/[a-z0-9._-]{1,255}$/)], {
    error:
      'must be an https URL without query (http only for localhost, 127.0.0.1 or [::1]), or spiffe:// and a trust domain',
  })

/** Who is meant. */
export const matcher = z
  .object({
    issuer: name().describe('Name of the issuer (under `issuers`) that vouches for the caller.'),
    subject: values().optional().describe('The `sub` of the token, or a list of which one fits.'),
    group: values()
      .optional()
      .describe(
        'A group that the token lists, as the issuer spells it, or a list of which one fits.',
      ),
    actor: values()
      .optional()
      .describe(
        'Who acts for the subject (outermost `act` of the token) as `issuer/subject`. Without it, only a subject that nobody acts for matches.',
      ),
  })
  .catchall(
    values().describe('Any other key is a claim that has to equal the value, or one of the list.'),
  )

/** What becomes of a command while people are asked. */
export const wait = () =>
  z
    .enum(['hold', 'retry'])
    .default('hold')
    .describe(
      '`hold`: the command waits on the wire. `retry`: it is refused at once, and passes once when it is sent again after approval.',
    )

/** Who is asked, by how many, for how long. */
export const approvalFields = {
  approvers: name().describe('Approver group (under `approvers`) that is asked.'),
  quorum: z
    .number()
    .int()
    .min(1)
    .max(20)
    .default(1)
    .describe('Distinct people who have to approve; one deny ends it.'),
  timeout: duration().default('15m').describe('How long they are asked; then the answer is no.'),
  reason: z
    .enum(['required', 'optional'])
    .default('optional')
    .describe('Whether whoever approves or denies has to say why.'),
}
