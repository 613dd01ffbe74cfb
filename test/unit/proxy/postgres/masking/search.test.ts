import { expect, test } from 'vitest'

import { lookFor, Search } from '../../../../../proxy/postgres/masking/search.js'
import { TestDetection, mask, replacements, searchOf } from './scene.js'

/** What stands in for a value of a type. */
function searched(
  typeOid: number,
  format: 0 | 1,
  value: string | Buffer,
  search = searchOf(),
): string | null | undefined {
  const bytes = Buffer.concat([Buffer.from('##'), Buffer.from(value), Buffer.from('##')])
  const look = lookFor(typeOid, format)
  const instead = look && search.value(look, typeOid, format, bytes, 2, bytes.length - 2)
  return instead === null ? null : instead?.toString('latin1')
}

test.each([16, 21, 23, 17, 700, 701, 1082, 1184, 2950, 869, 600])(
  'type %i holds nothing that is looked for',
  (typeOid) => {
    expect(lookFor(typeOid, 0)).toBeUndefined()
    expect(lookFor(typeOid, 1)).toBeUndefined()
  },
)

test.each([114, 3802])(
  'JSON of type %i loses what was found from within its strings',
  (typeOid) => {
    expect(searched(typeOid, 0, '{"a": ["x secret-1234"], "b": 1}')).toBe(
      '{"a": ["x [redacted]"], "b": 1}',
    )
  },
)

test('jsonb in binary keeps its version', () => {
  expect(searched(3802, 1, '\x01{"a": "secret-1234"}')).toBe('\x01{"a": "[redacted]"}')
})

test.each([
  ['a number', '{"a": 4111111111111111}'],
  ['hidden by an escape', '{"a": "secret\\u002d1234"}'],
  ['more that is hidden by an escape', '{"a": "secret-1234", "b": "secr\\u0065t-1234"}'],
  ['in text that is no JSON', '{"a": "secret-1234"'],
])('JSON with %s is replaced whole', (_, value) => {
  expect(searched(114, 0, value)).toBe('"[redacted]"')
})

test('JSON too long to be put together again is replaced whole', () => {
  const value = JSON.stringify({ a: 'secret-1234', b: 'x'.repeat(1_100_000) })
  expect(searched(114, 0, value)).toBe('"[redacted]"')
})

test('a mask of null takes the whole value', () => {
  for (const typeOid of [25, 114, 1009]) {
    expect(searched(typeOid, 0, '{"secret-1234"}', searchOf('null'))).toBeNull()
  }
})

test('a replacement that would break JSON takes the whole value', () => {
  const detection = new TestDetection(mask('fixed', 'a"b'))
  const search = new Search(detection, replacements)
  expect(searched(114, 0, '{"a": "secret-1234"}', search)).toBe('"a\\"b"')
})

const int8 = (value: bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

test('an int8 in binary is searched from 10^12 on', () => {
  expect(searched(20, 1, int8(4_111_111_111_111_111n))).toBeNull()
  expect(searched(20, 1, int8(-4_111_111_111_111_111n))).toBeUndefined()
  expect(searched(20, 1, int8(999_999_999_999n))).toBeUndefined()
  expect(searched(20, 1, Buffer.alloc(4, 0x7f))).toBeUndefined()
})

test.each([
  ['4111111111111111', '0004000300000000100f045704570457', null],
  ['4000000000000000', '00010003000000000fa0', null],
  ['12', '0001000000000000000c', undefined],
  ['more digits than anything has', '00010064000000000fa0', undefined],
  ['less than its head says', '0004', undefined],
])('a numeric in binary of %s is searched by its digits', (_, hex, meant) => {
  expect(searched(1700, 1, Buffer.from(hex, 'hex'))).toBe(meant)
})

test('the elements of an array are searched apart from their lengths', () => {
  const element = Buffer.from('4111111111111111 and a text that makes it 49 bytes')
  const head = Buffer.alloc(24)
  head.writeInt32BE(1, 0)
  head.writeInt32BE(25, 8)
  head.writeInt32BE(1, 12)
  head.writeInt32BE(element.length, 20)
  expect(searched(1009, 1, Buffer.concat([head, element]))).toBeNull()
  expect(searched(1009, 0, '{a,"4111111111111111"}')).toBeNull()
  expect(searched(1009, 1, Buffer.concat([head, Buffer.from('nothing')]))).toBeUndefined()
  for (let length = 0; length < 24; length += 1) {
    expect(searched(1009, 1, head.subarray(0, length))).toBeUndefined()
  }
})

test('a text that can’t be NULL keeps the fact', () => {
  expect(searchOf('null').inText('a secret-1234, é')).toBe('a [redacted], é')
  expect(searchOf().inText('é secret-1234')).toBe('é [redacted]')
  expect(searchOf().inText('nothing')).toBe('nothing')
})
