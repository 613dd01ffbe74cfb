import { expect, test } from 'vitest'
import { createActivities } from '../../../activities/activities.js'
import { OidcIdentity } from '../../../identity/oidc.js'
import { FakeIssuer } from '../../fakes/issuer.js'
import { ManualClock } from '../../fakes/manual-clock.js'
import {
  MemoryAudit,
  MemoryBreakGlass,
  MemoryGrants,
  MemoryInbox,
  MemoryReleases,
  MemorySessions,
  MemoryTokens,
} from '../../workflows/memory-ports.js'
import { accessQuestion, allows } from '../../workflows/questions.js'
import { profileOf } from './refuses.js'

test('a token that has opened a request opens no other', async () => {
  const clock = new ManualClock()
  const issuer = await FakeIssuer.start(() => clock.now())
  const identity = new OidcIdentity([profileOf(issuer)], { clock, onKeyTrouble: () => undefined })
  const activities = createActivities({
    ...{
      audit: new MemoryAudit(),
      inbox: new MemoryInbox(),
      releases: new MemoryReleases(),
      grants: new MemoryGrants(),
    },
    ...{ sessions: new MemorySessions(), tokens: new MemoryTokens(), clock },
    breakGlass: new MemoryBreakGlass(),
    rules: () => ({ digest: 'p', isSingleUse: () => true, judge: () => allows }),
  })
  const outcome = await identity.authenticate(issuer.mint())
  if (!outcome.ok) throw new Error('the token was refused')
  const { principal, tokenId } = outcome.value
  const first = accessQuestion({ principal, tokenId })
  expect((await activities.verifyAccess(first)).ok).toBe(true)
  expect((await activities.verifyAccess(first)).ok).toBe(true)
  expect(await activities.verifyAccess(accessQuestion({ principal, tokenId }))).toMatchObject({
    ok: false,
    refusal: { code: 'UNAUTHENTICATED', details: { why: 'it has been used before' } },
  })
  await issuer.stop()
})
