import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a key-bound token is refused, because the key is not checked', async () => {
  await refuses((issuer) => issuer.mint({ cnf: { jkt: 'x' } }), 'bound to a key')
})
