import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an actor that is only a text is refused', async () => {
  await refuses((issuer) => issuer.mint({ act: 'agent' }), 'act claim is not an object')
})
