import { test } from 'vitest'
import { refuses } from './refuses.js'

test('an id that two readers would round differently is refused', async () => {
  await refuses(
    (issuer) =>
      issuer.sign(JSON.stringify(issuer.claims({ n: 1 })).replace('"n":1', '"n":9007199254740993')),
    'number out of range',
  )
})
