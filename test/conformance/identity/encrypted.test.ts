import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an encrypted token is refused', async () => {
  await refuses(() => 'a.b.c.d.e', 'encrypted')
})
