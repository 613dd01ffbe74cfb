import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a party that is an object is refused, not left out', async () => {
  await refuses((issuer) => issuer.mint({ actor_id: { id: 1 } }), 'claim actor_id is not a text', {
    parties: ['actor_id'],
  })
})
