import { expect, test } from 'vitest'
import { inWorld } from './world.js'

test('a flood of invented key ids costs the issuer one fetch per half minute', async () => {
  await inWorld(async ({ issuer, clock, why }) => {
    expect(await why(issuer.mint())).toBeUndefined()
    for (let round = 0; round < 3; round += 1) {
      const flood = Array.from({ length: 50 }, (_, at) =>
        issuer.mint({}, { kid: `${round}-${at}` }),
      )
      const whys = await Promise.all(flood.map((token) => why(token)))
      expect(new Set(whys)).toEqual(new Set(['ci has no such key']))
      clock.advance(31_000)
    }
    expect(issuer.asked.get('/jwks')).toBe(4)
  })
})
