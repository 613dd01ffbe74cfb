// The shape of an issuer in the policy file: whose tokens are taken, and what their claims mean.
// Shapes only; identity/ does what stands here.

import { z } from 'zod'
import {
  claimName,
  claimPath,
  claimPaths,
  duration,
  issuerUrl,
  name,
  text,
  url,
  values,
} from './fields.js'

/** Signature algorithms that an issuer may be pinned to: asymmetric only. */
const ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
]

/** Where a token comes from and whether it proves anything. */
const proof = {
  name: name().describe('Short name, the first half of `issuer/subject` everywhere.'),
  issuer: issuerUrl().describe(
    'The exact `iss` of its tokens, or `spiffe://TRUST-DOMAIN` for JWT-SVIDs, which may have none.',
  ),
  audience: text(1_024)
    .optional()
    .describe('The `aud` its tokens must carry; `gateway.audience` if absent.'),
  audiencesAlso: z
    .array(text(1_024))
    .max(16)
    .default([])
    .describe(
      'Other audiences that a token may be made out to as well; with any further one it is refused.',
    ),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1)
    .default(['RS256', 'ES256', 'EdDSA', 'PS256'])
    .describe('Signature algorithms that are accepted; never `none`, never a shared secret.'),
  jwksUri: url()
    .optional()
    .describe(
      'Where its keys are. If absent, OpenID discovery says, and only a key set of the same origin is fetched. Required for `spiffe://`: the trust bundle.',
    ),
  network: z
    .enum(['public', 'private'])
    .default('public')
    .describe(
      '`private`: its documents may come from addresses of your own network. Link-local and metadata addresses never.',
    ),
  keysKeptFor: duration()
    .default('24h')
    .describe('How long its keys are good for while it can’t be reached; then nobody gets in.'),
  clockToleranceS: z
    .number()
    .int()
    .min(0)
    .max(60)
    .default(30)
    .describe('Clock skew that is tolerated, in seconds.'),
  tokenAgeMaxS: z
    .number()
    .int()
    .min(1)
    .max(604_800)
    .default(86_400)
    .describe('Tokens issued longer ago than this many seconds are refused, even if not expired.'),
  require: z
    .record(
      claimPath(),
      values().describe('The value that the claim must have, or a list of which one fits.'),
    )
    .default({})
    .describe('Claims that every token of this issuer must carry, with their values.'),
  replay: z
    .enum(['once', 'bind', 'none'])
    .default('none')
    .describe(
      '`once`: a token (by its `jti`) opens one request only. `bind`: it is good only for the address that showed it first. `none`: for whoever holds it, until it expires.',
    ),
}

/** What the claims of a token mean. */
const meaning = {
  groups: claimPath()
    .optional()
    .describe('The claim that lists groups; without it, its callers are in none.'),
  groupsCutAt: z
    .number()
    .int()
    .min(1)
    .max(501)
    .default(100)
    .describe(
      'A token with this many groups is refused, because its issuer may have cut the list there (Okta does so at 100 and says nothing). At most 500 groups are ever taken.',
    ),
  attributes: z
    .record(claimName(), claimPath().describe('The claim that holds its value.'))
    .default({})
    .describe(
      'Further attributes for rules to match: name → claim. Scalar claims at the top are attributes by themselves.',
    ),
  parties: z
    .array(claimPath())
    .default([])
    .describe('Claims that name the people behind a job; they may not approve what it asks.'),
  aliases: z
    .record(name(), claimPaths().describe('The claim, or claims, that hold that name.'))
    .default({})
    .describe('By which names the same caller is known to other issuers: issuer name → claim.'),
}

/** An issuer. */
export const issuer = z
  .strictObject({ ...proof, ...meaning })
  .refine((value) => !value.issuer.startsWith('spiffe://') || value.jwksUri !== undefined, {
    path: ['jwksUri'],
    message: 'is missing: a trust domain’s keys are in its bundle, say where',
  })
