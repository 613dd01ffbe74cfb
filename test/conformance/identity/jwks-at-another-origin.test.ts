import { expect, test } from 'vitest'
import { FakeIssuer } from '../../fakes/issuer.js'
import { inWorld } from './world.js'

test('keys that the issuer puts at another origin are fetched only when the policy says so', async () => {
  const other = await FakeIssuer.start(() => 0)
  await inWorld(async ({ issuer, troubles, why }) => {
    issuer.misbehaviour.jwksUri = other.jwksUrl
    expect(await why(issuer.mint())).toBe("the keys of ci can't be read now")
    expect(other.asked.size).toBe(0)
    expect(troubles[0]?.message).toContain("give that URL as the issuer's jwksUri")
  })
  await other.stop()
})
