import { expect, test } from 'vitest'
import { inWorld } from './world.js'

test('a key that was withdrawn during an outage is gone when the issuer is back', async () => {
  await inWorld(async ({ issuer, clock, why }) => {
    const old = issuer.mint({ exp: Math.floor(clock.now() / 1000) + 20_000 })
    expect(await why(old)).toBeUndefined()
    issuer.misbehaviour.outage = true
    await issuer.rotate({ drop: true })
    clock.advance(40 * 60_000)
    expect(await why(old)).toBeUndefined()
    issuer.misbehaviour.outage = false
    clock.advance(3_001)
    expect(await why(old)).toBe('ci has no such key')
  })
})
