import { test } from 'vitest'
import { refuses } from './refuses.js'
import { answering } from './world.js'

test('a key set with two readings is not read', async () => {
  await refuses((issuer) => {
    issuer.misbehaviour.instead = new Map([['/jwks', answering('{"keys":[],"keys":[]}')]])
    return issuer.mint()
  }, "keys of ci can't be read")
})
