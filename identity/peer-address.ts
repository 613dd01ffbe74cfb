// The address of a socket's other end, in one spelling. Pure.

import { isIP } from 'node:net'

/** `address:port`, the address with or without brackets, as sockets and the API give it. */
const PEER = /^(?:\[([^\]]+)\]|(.+)):\d{1,5}$/

/**
 * The address in a peer such as `10.0.0.1:5432`, `[::1]:5432` or `::1:5432`, or undefined when there is none.
 * IPv4 over IPv6 is the IPv4 address that it is, and other spellings of IPv6 become the short one.
 */
export function peerAddress(peer: string): string | undefined {
  const [, bracketed, plain] = PEER.exec(peer) ?? []
  const address = (bracketed ?? plain ?? '').split('%', 1)[0] ?? ''
  if (isIP(address) === 4) return address
  if (isIP(address) !== 6) return undefined
  const host = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host)
  if (mapped === null) return host
  const [high, low] = [parseInt(mapped[1] ?? '', 16), parseInt(mapped[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
