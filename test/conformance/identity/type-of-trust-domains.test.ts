import { test } from 'vitest'
import { refuses } from './refuses.js'

test('the type that only JWT-SVIDs may have is refused elsewhere', async () => {
  await refuses((issuer) => issuer.mint({}, { typ: 'JOSE' }), 'its type is not')
})
