import { expect, test } from 'vitest'
import { addressObjection, isLoopbackHost } from '../../../identity/address.js'
import { fetchDocument, urlObjection } from '../../../identity/document.js'

test.each([
  '169.254.169.254',
  '169.254.170.2',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '::a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  'fe80::1',
  'fe80::1%eth0',
  'fd00:ec2::254',
  '100.100.100.200',
  '168.63.129.16',
  '0.0.0.0',
  '::',
  '224.0.0.1',
  '255.255.255.255',
  'ff02::1',
])('%s is refused whoever names it', (address) => {
  expect(addressObjection(address, 'private')).toBeDefined()
  expect(addressObjection(address, 'public')).toBeDefined()
  expect(addressObjection(address, 'loopback')).toBeDefined()
})

test.each(['10.1.2.3', '172.16.0.1', '192.168.1.1', '100.64.0.1', '127.0.0.1', '::1', 'fc00::1'])(
  '%s is taken from the policy, never from an issuer',
  (address) => {
    expect(addressObjection(address, 'private')).toBeUndefined()
    expect(addressObjection(address, 'public')).toBeDefined()
    expect(addressObjection(`::ffff:${address}`, 'public')).toBeDefined()
  },
)

test.each(['140.82.112.3', '2606:50c0:8000::153'])('%s is reachable by all', (address) => {
  expect(addressObjection(address, 'public')).toBeUndefined()
  expect(addressObjection(address, 'loopback')).toBeDefined()
})

test('a name is not an address', () => {
  expect(addressObjection('localhost.evil.test', 'public')).toBe('it is not an IP address')
  expect(isLoopbackHost('127.0.0.1.evil.test')).toBe(false)
  expect(isLoopbackHost('[::1]')).toBe(true)
})

test.each([
  'http://issuer.test/',
  'file:///etc/passwd',
  'https://a:b@issuer.test/',
  'http://127.0.0.1.evil.test/',
])('%s is never fetched', (url) => {
  expect(urlObjection(new URL(url))).toBeDefined()
})

test('an address written as one number is seen through', async () => {
  await expect(fetchDocument(new URL('https://2852039166/'), 'private')).rejects.toThrow(
    'link-local',
  )
})
