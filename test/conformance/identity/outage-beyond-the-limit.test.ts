import { expect, test } from 'vitest'
import { inWorld } from './world.js'

test('an outage beyond the policy’s limit keeps everybody out, until the issuer is back', async () => {
  await inWorld(
    async ({ issuer, clock, why }) => {
      expect(await why(issuer.mint())).toBeUndefined()
      issuer.misbehaviour.outage = true
      clock.advance(2 * 3_600_000 + 1)
      expect(await why(issuer.mint())).toBe("the keys of ci can't be read now")
      issuer.misbehaviour.outage = false
      clock.advance(3_001)
      expect(await why(issuer.mint())).toBeUndefined()
    },
    { keysKeptMs: 2 * 3_600_000 },
  )
})
