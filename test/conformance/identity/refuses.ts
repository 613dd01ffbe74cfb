// The shared runner: one issuer, one gateway audience, one token that must be refused, and why.

import { expect } from 'vitest'
import { OidcIdentity } from '../../../identity/oidc.js'
import type { Issuer } from '../../../policy/policy.js'
import { FakeIssuer } from '../../fakes/issuer.js'
import { ManualClock } from '../../fakes/manual-clock.js'

/** A profile for the fake issuer with nothing special about it. */
export const profileOf = (issuer: FakeIssuer): Issuer => ({
  name: 'ci',
  issuer: issuer.url,
  audience: 'https://warder.test',
  audiencesAlso: [],
  algorithms: ['ES256', 'RS256'],
  network: 'public',
  keysKeptMs: 24 * 3_600_000,
  clockToleranceS: 30,
  tokenAgeMaxS: 3600,
  require: {},
  replay: 'once',
  groupsCutAt: 501,
  attributes: {},
  parties: [],
  aliases: {},
})

/** Presents what `make` makes and expects `UNAUTHENTICATED` for the reason given. */
export async function refuses(
  make: (issuer: FakeIssuer) => string | Promise<string>,
  why: string | RegExp,
  changes: Partial<Issuer> = {},
): Promise<void> {
  const clock = new ManualClock()
  const issuer = await FakeIssuer.start(() => clock.now())
  const identity = new OidcIdentity([{ ...profileOf(issuer), ...changes }], {
    clock,
    onKeyTrouble: () => undefined,
  })
  const outcome = await identity.authenticate(await make(issuer)).finally(() => issuer.stop())
  if (outcome.ok) throw new Error('the token was accepted')
  expect(outcome.refusal.code).toBe('UNAUTHENTICATED')
  expect(outcome.refusal.details.why).toMatch(why)
}
