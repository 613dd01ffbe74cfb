import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an actor without a name is refused', async () => {
  await refuses((issuer) => issuer.mint({ act: {} }), 'act.sub is not a text')
})
