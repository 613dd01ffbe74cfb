import { expect, test } from 'vitest'

import { LIMITS } from '../../../../../proxy/limits.js'
import { Outbox } from '../../../../../proxy/postgres/codec.js'
import { MalformedMessage, message } from '../../../../../proxy/postgres/messages.js'
import { Rewritten } from '../../../../../proxy/postgres/masking/rewritten.js'
import { RowMasker } from '../../../../../proxy/postgres/masking/rows.js'
import { Search } from '../../../../../proxy/postgres/masking/search.js'
import type { MaskMethod } from '../../../../../policy/masking.js'
import { seeded, seedOfRun } from '../../../../random.js'
import {
  TestDetection,
  field,
  mask,
  masked,
  maskerOf,
  messagesOf,
  replacements,
  row,
  rowBody,
  rowsOf,
  searchOf,
  TEXT,
  type Cell,
} from './scene.js'

const THREE = [field(TEXT), field(TEXT), field(TEXT)]
const MIDDLE = [undefined, mask('redact'), undefined]

const through = (cells: readonly (readonly Cell[])[], masker = maskerOf(THREE, MIDDLE)) =>
  rowsOf(masked(masker, Buffer.concat(cells.map(row))))

test('only the cells of masked columns change', () => {
  const rows = [
    ['a', 'token', 'b'],
    ['c', '', 'd'],
    ['', 'another token', ''],
  ]
  expect(through(rows)).toEqual([
    ['a', '[redacted]', 'b'],
    ['c', '[redacted]', 'd'],
    ['', '[redacted]', ''],
  ])
})

test.each(['redact', 'last4', 'hash', 'null', 'fixed'] as const)(
  'NULL stays NULL under %s',
  (how) => {
    const masker = maskerOf(THREE, [undefined, mask(how, 'x'), undefined])
    expect(through([['a', null, null]], masker)).toEqual([['a', null, null]])
  },
)

test('null takes the value out of its row', () => {
  const masker = maskerOf(THREE, [mask('null'), undefined, mask('null')])
  expect(through([['one', 'two', 'three']], masker)).toEqual([[null, 'two', null]])
})

test('first, last and all columns can be masked', () => {
  const cells = ['one', 'two', 'three']
  for (let set = 1; set < 8; set += 1) {
    const columns = [0, 1, 2].map((bit) => ((set >> bit) & 1 ? mask('fixed', 'X') : undefined))
    const meant = cells.map((cell, index) => (columns[index] ? 'X' : cell))
    expect(through([cells, cells], maskerOf(THREE, columns))).toEqual([meant, meant])
  }
})

test('rows that nothing masks pass as the very bytes they came in', () => {
  const run = Buffer.concat([row(['a', 'b', 'c']), row(['d', null, 'f'])])
  const out = new Outbox()
  maskerOf(THREE, undefined, searchOf()).rows(run, 0, run.length, out)
  expect(out.take(false)?.buffer).toBe(run.buffer)
})

test.each([10, 47, 2_000, 2_048, 2_049, 5_000, 20_000, 200_000])(
  'cells of %i bytes around a masked one come through whole',
  (length) => {
    const [left, right] = ['l'.repeat(length), 'r'.repeat(length)]
    const rows = Array.from({ length: 5 }, () => [left, 'token'.repeat(length), right])
    const meant = rows.map(() => [left, '[redacted]', right])
    expect(through(rows)).toEqual(meant)
    const sparse = [[left, null, right], ...rows, [left, null, right]]
    const sparseMeant = sparse.map(([, middle]) => [left, middle && '[redacted]', right])
    expect(through(sparse)).toEqual(sparseMeant)
  },
)

test('a result that fills many buffers comes through whole', () => {
  const rows = Array.from({ length: 20_000 }, (_, n) => [String(n), `token ${n}`, `rest ${n}`])
  const meant = rows.map(([number, , rest]) => [number, '[redacted]', rest])
  expect(through(rows)).toEqual(meant)
})

test('a chunk that is overwritten afterwards does not change what came before', () => {
  const rewritten = new Rewritten()
  const masker = new RowMasker({
    ...{ fields: THREE, columns: MIDDLE, search: undefined, replacements, rewritten },
  })
  const chunk = row(['a', 'token', 'b'])
  const out = new Outbox()
  masker.rows(chunk, 0, chunk.length, out)
  const first = out.take(true)
  chunk.set(row(['c', 'tiken', 'd']))
  masker.rows(chunk, 0, chunk.length, out)
  const second = out.take(true)
  expect(rowsOf(Buffer.concat([first ?? chunk, second ?? chunk]))).toEqual([
    ['a', '[redacted]', 'b'],
    ['c', '[redacted]', 'd'],
  ])
})

test('after a row that broke, nothing of it reaches the next session', () => {
  const rewritten = new Rewritten()
  const search = searchOf()
  const masker = new RowMasker({
    ...{ fields: THREE, columns: MIDDLE, search, replacements, rewritten },
  })
  const big = 'x'.repeat(5_000)
  const broken = Buffer.concat([row(['mine', 'token', big]), row([big, 'token']), row(['b'])])
  expect(() => masker.rows(broken, 0, broken.length, new Outbox())).toThrow(MalformedMessage)
  expect(rowsOf(masked(masker, row(['a', 'token', 'b'])))).toEqual([['a', '[redacted]', 'b']])
})

test('what is found in a text is replaced in its place', () => {
  const masker = maskerOf(THREE, undefined, searchOf())
  expect(through([['a secret-1234, and secret-5678', 'b', null]], masker)).toEqual([
    ['a [redacted], and [redacted]', 'b', null],
  ])
})

test('a masked column that holds what is looked for does not have the others searched', () => {
  const detection = new TestDetection(mask('redact'))
  const masker = maskerOf(THREE, MIDDLE, new Search(detection, replacements))
  expect(through([['a', 'secret-1234', 'b']], masker)).toEqual([['a', '[redacted]', 'b']])
  expect(detection.calls).toBe(0)
  expect(through([['secret-1234', 'secret-1234', 'b']], masker)).toEqual([
    ['[redacted]', '[redacted]', 'b'],
  ])
})

test('a number that is found becomes NULL, in text and in binary', () => {
  const card = Buffer.alloc(8)
  card.writeBigInt64BE(4_111_111_111_111_111n)
  const small = Buffer.alloc(8)
  small.writeBigInt64BE(7n)
  const fields = [field(20), field(20, 1), field(20, 1)]
  const cells = ['4111111111111111', card, small]
  const masker = maskerOf(fields, undefined, searchOf())
  expect(through([cells, cells], masker)).toEqual([
    [null, null, small.toString('utf8')],
    [null, null, small.toString('utf8')],
  ])
})

test('a binary number is searched though nothing shows in the bytes of the run', () => {
  const card = Buffer.alloc(8)
  card.writeBigInt64BE(4_111_111_111_111_111n)
  const masker = maskerOf([field(20, 1), field(TEXT)], [undefined, mask('redact')], searchOf())
  expect(through([[card, 'token']], masker)).toEqual([[null, '[redacted]']])
})

const GOOD = row(['one', 'two', 'three'])

test.each([
  ['other columns than were described', row(['one', 'two'])],
  ['more columns than were described', row(['1', '2', '3', '4'])],
  ['no columns', row([])],
  ['no body', message(0x44, Buffer.alloc(0))],
  ['half a count', message(0x44, Buffer.alloc(1))],
  [
    'another message among the rows',
    Buffer.concat([GOOD, message(0x43, Buffer.from('SELECT 1\0'))]),
  ],
  ['half a message behind the rows', Buffer.concat([GOOD, GOOD.subarray(0, 3)])],
  [
    'a row longer than its values',
    message(0x44, Buffer.concat([rowBody(['1', '2', '3']), Buffer.alloc(1)])),
  ],
])('%s: the run is malformed', (_, run) => {
  expect(() => masked(maskerOf(THREE, MIDDLE), run)).toThrow(MalformedMessage)
})

test.each([-2, -100, -2_147_483_648, 4, 2_147_483_647])(
  'a value of length %i that has three bytes is malformed',
  (length) => {
    const run = row(['one', 'two', 'six'])
    for (const at of [7, 14, 21]) {
      const broken = Buffer.from(run)
      broken.writeInt32BE(length, at)
      expect(() => masked(maskerOf(THREE, MIDDLE), broken)).toThrow(MalformedMessage)
    }
  },
)

test('a row cut short anywhere is malformed', () => {
  for (let end = 2; end < GOOD.length - 5; end += 1) {
    const cut = message(0x44, GOOD.subarray(5, 5 + end))
    expect(() => masked(maskerOf(THREE, MIDDLE), cut)).toThrow(MalformedMessage)
  }
})

test('a row that masking makes longer than a message may be is refused', () => {
  const fixed = 'x'.repeat(40 * 1024)
  const count = Math.ceil(LIMITS.messageBytesMax / fixed.length) + 1
  const fields = Array.from({ length: count }, () => field(TEXT))
  const masker = maskerOf(
    fields,
    fields.map(() => mask('fixed', fixed)),
  )
  expect(() => masked(masker, row(fields.map(() => '')))).toThrow('longer than the limit')
})

test('whatever a target makes of its rows, no token of a masked column comes out', () => {
  const seed = seedOfRun()
  const random = seeded(seed)
  const below = (count: number) => Math.floor(random() * count)
  const methods: readonly MaskMethod[] = ['redact', 'hash', 'null', 'fixed']
  let refusedCount = 0
  for (let round = 0; round < 3_000; round += 1) {
    const width = 1 + below(5)
    const fields = Array.from({ length: width }, () => field(TEXT, below(2) as 0 | 1))
    const columns = fields.map(() =>
      below(2) === 1 ? mask(methods[below(4)] ?? 'null', 'F') : undefined,
    )
    const token = `TOKEN${round}`
    const rows = Array.from({ length: 1 + below(4) }, () =>
      columns.map((by) => (below(5) === 0 ? null : by ? token : 'v'.repeat(below(60)))),
    )
    const run = Buffer.concat(rows.map(row))
    const broken = Buffer.from(run)
    const damage = below(3)
    for (let count = 0; count < damage; count += 1) {
      // Lengths and counts only: bytes of values can't be told from other bytes of values.
      const at = below(broken.length)
      if (!/[TOKENv0-9]/.test(String.fromCharCode(broken[at] ?? 0))) broken[at] = below(256)
    }
    const search = below(2) === 1 ? searchOf() : undefined
    const out = new Outbox()
    try {
      maskerOf(fields, columns, search).rows(broken, 0, broken.length, out)
    } catch (error) {
      refusedCount += 1
      expect(error, `seed ${seed}, round ${round}`).toBeInstanceOf(MalformedMessage)
    }
    const bytes = out.take(true) ?? Buffer.alloc(0)
    // A damaged length can make a token the value of an unmasked column: that is what was sent then.
    if (broken.equals(run)) {
      expect(bytes.includes(token), `seed ${seed}, round ${round}`).toBe(false)
      expect(messagesOf(bytes).length, `seed ${seed}, round ${round}`).toBe(rows.length)
    }
  }
  expect(refusedCount, `seed ${seed}`).toBeGreaterThan(100)
})
