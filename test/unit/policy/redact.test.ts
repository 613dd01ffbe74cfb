import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { redact } from '../../../policy/redact.js'
import type { MaskMethod } from '../../../policy/masking.js'

const keyedDigest = (bytes: Uint8Array): string =>
  createHmac('sha256', 'key of this test').update(bytes).digest('hex')
const redacted = (how: MaskMethod, value: string, fixed?: string): string =>
  Buffer.from(redact(how, Buffer.from(value), { fixed, keyedDigest })).toString('utf8')

describe('last4', () => {
  it.each([
    ['', '****'],
    ['1234', '****'],
    ['12345678', '****'],
    ['ümläutße', '****'],
    ['👩‍👩‍👧', '****'],
    ['123456789', '****6789'],
    ['4111111111111111', '****1111'],
    ['straße-nach-Köln', '****Köln'],
    ['日本語日本語日本語', '****語日本語'],
    ['x'.repeat(5_000), '****xxxx'],
  ])('of %s is %s', (value, expected) => {
    expect(redacted('last4', value)).toBe(expected)
  })

  it('of bytes that are no UTF-8 shows whole characters or nothing', () => {
    const stray = Buffer.alloc(100, 0x80)
    expect(Buffer.from(redact('last4', stray, { keyedDigest })).toString('latin1')).toBe('****')
  })
})

describe('hash', () => {
  it('is the same for the same value, and sixteen characters of the digest', () => {
    expect(redacted('hash', 'ana')).toMatch(/^h:[0-9a-f]{16}$/)
    expect(redacted('hash', 'ana')).toBe(redacted('hash', 'ana'))
    expect(redacted('hash', 'ana')).not.toBe(redacted('hash', 'bob'))
  })

  it('is another under another key', () => {
    const other = redact('hash', Buffer.from('ana'), { keyedDigest: () => 'f'.repeat(64) })
    expect(Buffer.from(other).toString()).toBe('h:ffffffffffffffff')
  })
})

describe('the other methods', () => {
  it.each([
    ['redact', 'ana', undefined, '[redacted]'],
    ['redact', '', undefined, '[redacted]'],
    ['null', 'ana', undefined, ''],
    ['fixed', 'ana', 'n/a', 'n/a'],
    ['fixed', 'ana', '', ''],
    ['fixed', 'ana', 'geschwärzt 🙈 語', 'geschwärzt 🙈 語'],
    ['fixed', 'ana', 'half \ud83d', 'half \ufffd'],
    ['fixed', 'ana', undefined, '[redacted]'],
  ] as const)('%s of "%s" with "%s" is "%s"', (how, value, fixed, expected) => {
    expect(redacted(how, value, fixed)).toBe(expected)
  })
})
