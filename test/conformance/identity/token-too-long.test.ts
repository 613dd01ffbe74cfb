import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token longer than 16 KiB is refused before it is parsed', async () => {
  await refuses(() => 'x'.repeat(16 * 1024 + 1), 'longer than 16 KiB')
})
