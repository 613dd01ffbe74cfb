import { expect, test } from 'vitest'
import { OidcIdentity } from '../../../identity/oidc.js'
import { FakeIssuer } from '../../fakes/issuer.js'
import { ManualClock } from '../../fakes/manual-clock.js'
import { profileOf } from './refuses.js'

test('one configured issuer can’t sign for another', async () => {
  const clock = new ManualClock()
  const [one, other] = [
    await FakeIssuer.start(() => clock.now()),
    await FakeIssuer.start(() => clock.now()),
  ]
  const profiles = [profileOf(one), { ...profileOf(other), name: 'other' }]
  const identity = new OidcIdentity(profiles, { clock, onKeyTrouble: () => undefined })
  expect(await identity.authenticate(other.mint({ iss: one.url }))).toMatchObject({
    ok: false,
    refusal: { details: { why: 'its signature is wrong' } },
  })
  await Promise.all([one.stop(), other.stop()])
})
