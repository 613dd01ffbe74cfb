import { expect, test } from 'vitest'
import { inWorld } from './world.js'

test('a key set that never comes is given up, and so is one that comes byte by byte', async () => {
  const drips = new Set<NodeJS.Timeout>()
  await inWorld(async ({ issuer, clock, troubles, why }) => {
    issuer.misbehaviour.instead = new Map([['/jwks', () => undefined]])
    expect(await why(issuer.mint())).toBe("the keys of ci can't be read now")
    issuer.misbehaviour.instead = new Map([
      [
        '/jwks',
        (response) => {
          response.writeHead(200).write('{"keys":[')
          drips.add(setInterval(() => response.write(' '), 100))
        },
      ],
    ])
    clock.advance(61_000)
    expect(await why(issuer.mint())).toBe("the keys of ci can't be read now")
    expect(troubles).toHaveLength(2)
  })
  for (const drip of drips) clearInterval(drip)
})
