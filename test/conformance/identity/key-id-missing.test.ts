import { expect, test } from 'vitest'
import { inWorld } from './world.js'

test('of several keys the token has to say which', async () => {
  await inWorld(async ({ issuer, why }) => {
    await issuer.rotate()
    expect(await why(issuer.mint({}, { kid: undefined }))).toBe(
      'it does not say which key of ci signed it',
    )
  })
})
