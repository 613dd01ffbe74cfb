// Which addresses an issuer's documents may be fetched from. Pure; it never resolves a name.

import { BlockList, isIP } from 'node:net'

const NEVER = new BlockList()
// "This network", link-local (cloud metadata lives there), multicast and broadcast.
NEVER.addSubnet('0.0.0.0', 8, 'ipv4')
NEVER.addSubnet('169.254.0.0', 16, 'ipv4')
NEVER.addSubnet('224.0.0.0', 3, 'ipv4')
NEVER.addSubnet('fe80::', 10, 'ipv6')
NEVER.addSubnet('ff00::', 8, 'ipv6')
NEVER.addAddress('::', 'ipv6')
// Metadata services elsewhere: Alibaba, Azure's wire server, Oracle, AWS over IPv6.
NEVER.addAddress('100.100.100.200', 'ipv4')
NEVER.addAddress('168.63.129.16', 'ipv4')
NEVER.addAddress('192.0.0.192', 'ipv4')
NEVER.addAddress('fd00:ec2::254', 'ipv6')
// The same addresses written through IPv6 transition: NAT64, 6to4, IPv4-compatible.
NEVER.addSubnet('64:ff9b::', 96, 'ipv6')
NEVER.addSubnet('64:ff9b:1::', 48, 'ipv6')
NEVER.addSubnet('2002::', 16, 'ipv6')

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

const PRIVATE = new BlockList()
PRIVATE.addSubnet('10.0.0.0', 8, 'ipv4')
PRIVATE.addSubnet('100.64.0.0', 10, 'ipv4')
PRIVATE.addSubnet('172.16.0.0', 12, 'ipv4')
PRIVATE.addSubnet('192.0.0.0', 24, 'ipv4')
PRIVATE.addSubnet('192.168.0.0', 16, 'ipv4')
PRIVATE.addSubnet('198.18.0.0', 15, 'ipv4')
PRIVATE.addSubnet('fc00::', 7, 'ipv6')

/**
 * How far a fetch may reach: `loopback` for plain HTTP, `private` where the policy itself puts the issuer
 * in a private network, `public` for all others, whatever their names resolve to.
 */
export type Reach = 'loopback' | 'private' | 'public'

/** IPv4 written inside IPv6 (`::ffff:…`, `::…`) is judged as the IPv4 address that it is. */
function unmapped(address: string): string {
  if (isIP(address) !== 6) return address
  const dotted = /^(?:0*:)*:?(?:ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(canonical6(address))?.[1]
  return dotted ?? address
}

/** WHATWG's one spelling, with the low half of mapped and compatible addresses in dotted form. */
function canonical6(address: string): string {
  const host = new URL(`http://[${address.split('%')[0] ?? ''}]`).hostname.slice(1, -1)
  const low = /^::(?:ffff:)?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host)
  if (low === null) return host
  const [high, rest] = [parseInt(low[1] ?? '', 16), parseInt(low[2] ?? '', 16)]
  return `::ffff:${[high >> 8, high & 255, rest >> 8, rest & 255].join('.')}`
}

/** Why an address is out of reach, or undefined when it may be fetched from. */
export function addressObjection(address: string, reach: Reach): string | undefined {
  const plain = unmapped(address)
  const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4'
  if (isIP(plain) === 0) return 'it is not an IP address'
  if (NEVER.check(plain, family)) return 'link-local, metadata and reserved addresses are refused'
  const isLoopback = LOOPBACK.check(plain, family)
  if (reach === 'loopback') return isLoopback ? undefined : 'plain HTTP is for loopback only'
  if (reach === 'public' && (isLoopback || PRIVATE.check(plain, family)))
    return 'a private address (`network: private` allows it, for an issuer in your own network)'
  return undefined
}

/** How far fetches of a URL that stands in the policy may reach: a literal address speaks for itself. */
export function reachOf(url: URL, network: 'public' | 'private'): Reach {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (network === 'private' || isLoopbackHost(url.hostname)) return 'private'
  const isOwn =
    isIP(host) !== 0 &&
    addressObjection(host, 'private') === undefined &&
    addressObjection(host, 'public') !== undefined
  return isOwn ? 'private' : 'public'
}

/** True for the host names that mean this machine. */
export const isLoopbackHost = (hostname: string): boolean =>
  hostname === 'localhost' ||
  addressObjection(hostname.replace(/^\[|\]$/g, ''), 'loopback') === undefined
