import { expect, test } from 'vitest'
import { peerAddress } from '../../../identity/peer-address.js'

test.each([
  ['10.1.2.3:5432', '10.1.2.3'],
  ['::ffff:10.1.2.3:5432', '10.1.2.3'],
  ['[::ffff:a01:203]:5432', '10.1.2.3'],
  ['::1:5432', '::1'],
  ['[2001:DB8:0:0::7]:1', '2001:db8::7'],
  ['2001:db8::7:65535', '2001:db8::7'],
  ['fe80::1%eth0:5432', 'fe80::1'],
])('%s comes from %s', (peer, address) => {
  expect(peerAddress(peer)).toBe(address)
})

test.each(['', ':5432', '10.1.2.3', 'localhost:5432', '10.1.2.3.4:5', '[]:5', '[::1]', '1:2'])(
  '%j comes from nowhere that could be told',
  (peer) => {
    expect(peerAddress(peer)).toBeUndefined()
  },
)
