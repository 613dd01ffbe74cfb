import { expect, test } from 'vitest'
import { inWorld } from './world.js'

test('an outage within the policy’s limit keeps nobody out, and becomes an alert past an hour', async () => {
  await inWorld(
    async ({ issuer, clock, troubles, why }) => {
      expect(await why(issuer.mint())).toBeUndefined()
      issuer.misbehaviour.outage = true
      clock.advance(30 * 60_000)
      expect(await why(issuer.mint())).toBeUndefined()
      expect(troubles.map(({ level }) => level)).toEqual(['warning'])
      clock.advance(31 * 60_000)
      expect(await why(issuer.mint())).toBeUndefined()
      expect(troubles.map(({ level }) => level)).toEqual(['warning', 'alert'])
      expect(await why(issuer.mint())).toBeUndefined()
      expect(troubles).toHaveLength(2)
    },
    { keysKeptMs: 2 * 3_600_000 },
  )
})
