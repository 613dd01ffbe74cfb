import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'

import { asValue, TYPE } from '../../../../../proxy/postgres/masking/types.js'
import { Replacements } from '../../../../../proxy/postgres/masking/value.js'
import { redact } from '../../../../../policy/redact.js'
import { mask, replacements, TEXT } from './scene.js'

const KEY = Buffer.alloc(32, 7)

/** What stands in for a value: its bytes, or null. */
function replaced(
  value: string | Buffer,
  by: ReturnType<typeof mask>,
  typeOid: number = TEXT,
  format: 0 | 1 = 0,
  from = replacements,
): Buffer | null {
  const source = Buffer.concat([Buffer.from('<<'), Buffer.from(value), Buffer.from('>>')])
  const cell = from.cell(by, typeOid, format)
  const target = Buffer.alloc(cell.bytesMax + 6, 0xee)
  const length = from.write(cell, source, 2, source.length - 2, target, 3)
  // Nothing is written outside the room that was asked for.
  expect(target.subarray(0, 3).every((byte) => byte === 0xee)).toBe(true)
  expect(target.subarray(3 + cell.bytesMax).every((byte) => byte === 0xee)).toBe(true)
  return length < 0 ? null : target.subarray(3, 3 + length)
}
const text = (...of: Parameters<typeof replaced>) => replaced(...of)?.toString('utf8')

test('last4 shows four characters and not how many there were', () => {
  expect(text('4111-1111-1111-1234', mask('last4'))).toBe('****1234')
  expect(text('123456789', mask('last4'))).toBe('****6789')
})

test('last4 counts characters, not bytes, and no blanks of char(n)', () => {
  expect(text('größe ñandú 😀éß', mask('last4'))).toBe('**** 😀éß')
  expect(text('123456789     ', mask('last4'), TYPE.bpchar)).toBe('****6789')
})

test.each(['', ' ', '1234', '12345678', 'éééééééé', '😀😀😀😀😀😀😀😀', '12345678       '])(
  'last4 shows nothing of %j, which it would half show',
  (short) => {
    expect(text(short, mask('last4'))).toBe('****')
  },
)

test('last4 of bytes that are no text never shows more than sixteen', () => {
  const bytes = replaced(Buffer.alloc(1_000, 0x80), mask('last4'))
  expect(bytes?.length).toBe(4 + 16)
})

test.each([20, 23, 114, 3802, 142, 17, 2950, 1700, 16_500])(
  'last4 of type %i shows nothing, since only text has characters',
  (typeOid) => {
    const value = '1111222233334444'
    expect(text(value, mask('last4'), typeOid)).toBe(text(value, mask('redact'), typeOid))
  },
)

test('a hash is the keyed digest, so that nobody can guess without the key', () => {
  const digest = createHmac('sha256', KEY).update('078-05-1120').digest('hex')
  expect(text('078-05-1120', mask('hash'))).toBe(`h:${digest.slice(0, 16)}`)
  const other = new Replacements(Buffer.alloc(32, 8))
  expect(text('078-05-1120', mask('hash'), TEXT, 0, other)).not.toBe(
    text('078-05-1120', mask('hash')),
  )
})

test('equal values hash equally in every text type, and padded ones as unpadded', () => {
  const hash = text('same', mask('hash'))
  expect(text('same', mask('hash'), TYPE.varchar, 1)).toBe(hash)
  expect(text('same    ', mask('hash'), TYPE.bpchar)).toBe(hash)
  expect(text('Same', mask('hash'))).not.toBe(hash)
})

test('an int8 hashes to the same positive number in text and in binary', () => {
  for (const value of [0n, 1n, -1n, 4_111_111_111_111_111n, -(2n ** 63n), 2n ** 63n - 1n]) {
    const binary = Buffer.alloc(8)
    binary.writeBigInt64BE(value)
    const number = replaced(binary, mask('hash'), TYPE.int8, 1)?.readBigInt64BE() ?? -1n
    expect(number).toBeGreaterThanOrEqual(0n)
    expect(text(value.toString(), mask('hash'), TYPE.int8)).toBe(number.toString())
  }
})

test('a uuid hashes to the same version 8 in text and in binary', () => {
  const uuid = '0f9e3c3a-21f9-4c3c-9a5c-3a21f94c3c9a'
  const hashed = text(uuid, mask('hash'), TYPE.uuid)
  expect(hashed).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex')
  const binary = replaced(bytes, mask('hash'), TYPE.uuid, 1)?.toString('hex')
  expect(binary).toBe(hashed?.replaceAll('-', ''))
})

test('a jsonb hashes to the same JSON string in text and in binary', () => {
  const inText = text('{"a": 1}', mask('hash'), TYPE.jsonb)
  const inBinary = replaced('\x01{"a": 1}', mask('hash'), TYPE.jsonb, 1)
  expect(JSON.parse(inText ?? '')).toMatch(/^h:[0-9a-f]{16}$/)
  expect(inBinary?.toString('latin1')).toBe(`\x01${inText ?? ''}`)
})

test.each([16, 21, 23, 26, 700, 701, 790, 1082, 1114, 1184, 1700, 869, 1009, 3904, 1560, 16_500])(
  'type %i has no value that nobody takes for real: NULL stands in',
  (typeOid) => {
    for (const how of ['redact', 'last4', 'hash', 'null'] as const) {
      for (const format of [0, 1] as const) {
        expect(replaced('1', mask(how), typeOid, format)).toBeNull()
      }
    }
  },
)

test.each([
  [TYPE.int2, '32767', '7fff'],
  [TYPE.int4, '-1', 'ffffffff'],
  [TYPE.int8, '+42', '000000000000002a'],
  [TYPE.oid, '4294967295', 'ffffffff'],
  [TYPE.numeric, '0', '0000000000000000'],
  [TYPE.numeric, '-12345.678', '0003000140000003000109291a7c'],
  [TYPE.numeric, '0.00001', '0001fffe0000000503e8'],
  [TYPE.float4, '0.5', '3f000000'],
  [TYPE.float8, '-2', 'c000000000000000'],
  [TYPE.bool, 'TRUE', '01'],
  [TYPE.date, '2000-01-02', '00000001'],
  [TYPE.date, '1999-12-31', 'ffffffff'],
  [TYPE.uuid, '00000000-0000-4000-8000-000000000001', '00000000000040008000000000000001'],
])('type %i takes %s as a fixed value', (typeOid, written, hex) => {
  expect(replaced('1', mask('fixed', written), typeOid, 1)?.toString('hex')).toBe(hex)
  expect(replaced('1', mask('fixed', written), typeOid, 0)).not.toBeNull()
})

test.each([
  [TYPE.int2, '32768'],
  [TYPE.int4, '2147483648'],
  [TYPE.int8, '9223372036854775808'],
  [TYPE.int4, '1.5'],
  [TYPE.int4, 'none'],
  [TYPE.oid, '-1'],
  [TYPE.oid, '4294967296'],
  [TYPE.numeric, '1e5'],
  [TYPE.numeric, 'NaN'],
  [TYPE.float8, 'Infinity'],
  [TYPE.float4, `1${'0'.repeat(60)}`],
  [TYPE.bool, 'maybe'],
  [TYPE.date, '2026-02-30'],
  [TYPE.date, '22.11.2026'],
  [1114, '2026-11-22 10:00:00'],
  [1009, '{a}'],
  [16_500, 'x'],
])('type %i can’t hold the fixed text %s: NULL stands in', (typeOid, written) => {
  expect(asValue(written, typeOid, 0)).toBeUndefined()
  for (const format of [0, 1] as const) {
    expect(replaced('1', mask('fixed', written), typeOid, format)).toBeNull()
  }
})

test('a fixed text that is no uuid leaves the nil one', () => {
  expect(text('x', mask('fixed', 'x'), TYPE.uuid)).toBe('00000000-0000-0000-0000-000000000000')
})

test('a fixed text stays within what its type can hold', () => {
  const fixed = mask('fixed', `a\0"<&>\u0001${'é'.repeat(60)}`)
  expect(text('x', fixed)).toBe(`a"<&>\u0001${'é'.repeat(60)}`)
  expect(Buffer.byteLength(text('x', fixed, TYPE.name) ?? '')).toBeLessThanOrEqual(63)
  expect(text('x', fixed, TYPE.name)).not.toContain('\ufffd')
  expect(JSON.parse(text('x', fixed, TYPE.json) ?? '')).toBe(`a"<&>\u0001${'é'.repeat(60)}`)
  expect(text('x', fixed, TYPE.xml)).toBe(`<masked>a"&lt;&amp;&gt;${'é'.repeat(60)}</masked>`)
})

test('within a text, null leaves the fact only', () => {
  expect(replacements.text(mask('null'), 'secret')).toBe('[redacted]')
  expect(replacements.text(mask('last4'), '4111111111111111')).toBe('****1111')
  expect(replacements.text(mask('fixed', 'gone'), 'secret')).toBe('gone')
})

test.each(['', 'a', '12345678', '123456789', 'größe ñandú 😀éß', 'x'.repeat(5_000)])(
  'a text is replaced as everywhere else: %j',
  (value) => {
    for (const how of ['redact', 'last4', 'hash', 'fixed'] as const) {
      const options = { fixed: 'X', keyedDigest: replacements.keyedDigest }
      const elsewhere = Buffer.from(redact(how, Buffer.from(value), options)).toString('utf8')
      expect(text(value, mask(how, 'X'))).toBe(elsewhere)
    }
  },
)
