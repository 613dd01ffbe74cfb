import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token made for another use is refused', async () => {
  await refuses((issuer) => issuer.mint({}, { typ: 'dpop+jwt' }), 'type is not')
})
