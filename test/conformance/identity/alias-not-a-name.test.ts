import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an alias that is a truth value is refused', async () => {
  await refuses((issuer) => issuer.mint({ login: true }), 'claim login is not a text', {
    aliases: { github: ['login'] },
  })
})
