import { test } from 'vitest'
import { refuses } from './refuses.js'
import { answering } from './world.js'

test('a discovery document that is none is not read', async () => {
  await refuses((issuer) => {
    const path = '/.well-known/openid-configuration'
    issuer.misbehaviour.instead = new Map([[path, answering('issuer: nobody')]])
    return issuer.mint()
  }, "keys of ci can't be read")
})
