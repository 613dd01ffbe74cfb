import { test } from 'vitest'
import { refuses } from './refuses.js'
import { answering } from './world.js'

test('a list is no key set', async () => {
  await refuses((issuer) => {
    issuer.misbehaviour.instead = new Map([['/jwks', answering('[]')]])
    return issuer.mint()
  }, "keys of ci can't be read")
})
