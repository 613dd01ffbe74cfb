import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { inWorld } from './world.js'

test('a compressed key set, which could become any size, is not read', async () => {
  await inWorld(async ({ issuer, troubles, why }) => {
    const keys = gzipSync(JSON.stringify({ keys: [issuer.publicJwk] }))
    issuer.misbehaviour.instead = new Map([
      ['/jwks', (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(keys)],
    ])
    expect(await why(issuer.mint())).toBe("the keys of ci can't be read now")
    expect(troubles[0]?.message).toContain('it is compressed')
  })
})
