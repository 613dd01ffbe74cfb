// What a name resolves to decides, at the moment of connecting. The resolver is the one thing made up here.

import { expect, test, vi } from 'vitest'
import { reachOf } from '../../../identity/address.js'
import { fetchDocument } from '../../../identity/document.js'

const addresses = vi.hoisted(() => new Map<string, string[]>())
vi.mock('node:dns', () => ({
  lookup: (
    name: string,
    _options: object,
    callback: (error: Error | null, found: { address: string; family: number }[]) => void,
  ) => {
    const found = addresses.get(name) ?? []
    callback(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  },
}))

test.each([
  ['10.0.0.5'],
  ['127.0.0.1'],
  ['fd12::1'],
  ['::ffff:192.168.0.1'],
  ['100.64.0.1'],
  ['169.254.169.254'],
])('a public name that resolves to %s is not connected to', async (address) => {
  addresses.set('issuer.test', [address])
  const fetched = fetchDocument(new URL('https://issuer.test/jwks'), 'public')
  await expect(fetched).rejects.toThrow(/issuer\.test: (?:a private address|link-local)/)
})

test('one bad address among good ones is enough', async () => {
  addresses.set('issuer.test', ['140.82.112.3', '10.0.0.5'])
  const fetched = fetchDocument(new URL('https://issuer.test/jwks'), 'public')
  await expect(fetched).rejects.toThrow('a private address')
})

test('an issuer of one’s own network still never leads to metadata services', async () => {
  addresses.set('issuer.test', ['169.254.169.254'])
  const fetched = fetchDocument(new URL('https://issuer.test/jwks'), 'private')
  await expect(fetched).rejects.toThrow('link-local, metadata')
})

test('a name that leads nowhere is said to', async () => {
  addresses.set('issuer.test', [])
  const fetched = fetchDocument(new URL('https://issuer.test/jwks'), 'public')
  await expect(fetched).rejects.toThrow('no address')
})

test.each([
  ['https://issuer.test/', 'public', 'public'],
  ['https://issuer.test/', 'private', 'private'],
  ['https://10.0.0.5/', 'public', 'private'],
  ['https://[fd12::1]:8443/', 'public', 'private'],
  ['https://localhost/', 'public', 'private'],
  ['https://140.82.112.3/', 'public', 'public'],
  ['https://169.254.169.254/', 'public', 'public'],
] as const)('%s of a %s issuer is fetched as %s', (url, network, reach) => {
  expect(reachOf(new URL(url), network)).toBe(reach)
})
