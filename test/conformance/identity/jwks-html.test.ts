import { test } from 'vitest'
import { refuses } from './refuses.js'
import { answering } from './world.js'

test('a page in place of the key set is not one', async () => {
  await refuses((issuer) => {
    issuer.misbehaviour.instead = new Map([
      ['/jwks', answering('<html>Log in to continue</html>', { 'content-type': 'text/html' })],
    ])
    return issuer.mint()
  }, "keys of ci can't be read")
})
