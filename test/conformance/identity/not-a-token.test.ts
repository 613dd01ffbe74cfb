import { test } from 'vitest'
import { refuses } from './refuses.js'

test('any other text is refused', async () => {
  await refuses(() => 'hunter2', 'not a signed JWT')
})
