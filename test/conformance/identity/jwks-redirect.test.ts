import { expect, test } from 'vitest'
import { inWorld } from './world.js'

test('a key set that is said to be elsewhere is not looked for there', async () => {
  await inWorld(async ({ issuer, why }) => {
    issuer.misbehaviour.instead = new Map([
      ['/jwks', (response) => response.writeHead(307, { location: '/other' }).end()],
    ])
    expect(await why(issuer.mint())).toBe("the keys of ci can't be read now")
    expect(issuer.asked.has('/other')).toBe(false)
  })
})
