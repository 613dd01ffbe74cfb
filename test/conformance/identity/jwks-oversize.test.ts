import { test } from 'vitest'
import { refuses } from './refuses.js'
import { answering } from './world.js'

test('a key set longer than 256 KiB is not read', async () => {
  await refuses((issuer) => {
    issuer.misbehaviour.instead = new Map([
      ['/jwks', answering(JSON.stringify({ keys: [], filler: 'x'.repeat(300_000) }))],
    ])
    return issuer.mint()
  }, "keys of ci can't be read")
})
