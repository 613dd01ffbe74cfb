import { test } from 'vitest'
import { refuses } from './refuses.js'

const REQUIRED = { require: { '/kubernetes.io/namespace': ['orders'] } }

test('a nested claim that is required can’t be replaced by one of that name', async () => {
  const claims = { '/kubernetes.io/namespace': 'orders', 'kubernetes.io': { namespace: 'other' } }
  await refuses((issuer) => issuer.mint(claims), 'claim /kubernetes.io/namespace', REQUIRED)
})

test('a nested claim is not found in what the object inherits', async () => {
  await refuses((issuer) => issuer.mint({ box: {} }), 'claim /box/toString', {
    require: { '/box/toString': ['function toString() { [native code] }'] },
  })
})
