import { expect, test } from 'vitest'
import { inWorld } from './world.js'

test('a token that belongs to an address is refused when the caller’s is not known', async () => {
  await inWorld(
    async ({ issuer, why }) => {
      for (const peer of [undefined, '', 'unix:', 'undefined:0'])
        expect(await why(issuer.mint(), peer)).toContain('yours is not known here')
    },
    { replay: 'bind' },
  )
})
