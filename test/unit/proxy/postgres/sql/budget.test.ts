import { expect, test } from 'vitest'
import {
  budgetExceeded,
  nestingMax,
  nestingOf,
  sqlBytesMax,
  sqlText,
  tooLong,
} from '../../../../../proxy/postgres/sql/budget.js'

const bytes = (text: string) => new TextEncoder().encode(text)

test('invalid UTF-8 is no text', () => {
  expect(sqlText(Uint8Array.of(0x53, 0xff))).toBeUndefined()
  expect(sqlText(Uint8Array.of(0xc0, 0xaf))).toBeUndefined()
  expect(sqlText(Uint8Array.of(0xed, 0xa0, 0x80))).toBeUndefined()
})

test('a NUL inside is no text, since the parser would stop there and the server would not', () => {
  expect(sqlText(bytes('select 1\0; drop table t'))).toBeUndefined()
  expect(budgetExceeded('select 1\0; drop table t')).toMatch(/NUL/)
})

test('a byte order mark is kept, as the server keeps it', () => {
  expect(sqlText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31))).toBe('\ufeff1')
})

test('half a surrogate pair is refused, since it can not be what the bytes said', () => {
  expect(budgetExceeded("select '\ud800'")).toMatch(/Unicode/)
  expect(budgetExceeded("select '\u{1f600}'")).toBeUndefined()
})

test('a text beyond the byte limit is too long, counted in bytes', () => {
  expect(tooLong('x'.repeat(sqlBytesMax))).toBeUndefined()
  expect(tooLong('x'.repeat(sqlBytesMax + 1))).toMatch(/longer/)
  expect(tooLong('é'.repeat(sqlBytesMax / 2 + 1))).toMatch(/longer/)
})

test.each([
  ['additions', (count: number) => `select 1${'+1'.repeat(count)}`],
  ['signs', (count: number) => `select ${'- '.repeat(count)}1`],
  ['casts', (count: number) => `select 1${'::int'.repeat(count)}`],
  ['negations', (count: number) => `select ${'not '.repeat(count)}true`],
  ['parentheses', (count: number) => `select ${'('.repeat(count)}1${')'.repeat(count)}`],
  ['brackets', (count: number) => `select ${'array['.repeat(count)}1${']'.repeat(count)}`],
  [
    'CASEs',
    (count: number) => `select ${'case when a then '.repeat(count)}1${' end'.repeat(count)}`,
  ],
  ['unions', (count: number) => `select 1, 2${' union select 1, 2'.repeat(count)}`],
  ['joins', (count: number) => `select * from t${' join t using (a, b)'.repeat(count)}`],
  ['IS tests', (count: number) => `select 1${' is null'.repeat(count)}`],
  ['collations', (count: number) => `select a${' collate "C"'.repeat(count)}`],
  ['time zones', (count: number) => `select a${" at time zone 'x'".repeat(count)}`],
  ['hidden behind E strings', (count: number) => `select E'\\''${'+1'.repeat(count)}`],
  ['hidden behind dollar quotes', (count: number) => `select $a$ $$ ' $a$${'+1'.repeat(count)}`],
  ['hidden behind comments', (count: number) => `select /* /* ' */ */ 1${'+1'.repeat(count)}`],
])('a chain of %s beyond the limit is not parsed', (_, chain) => {
  expect(budgetExceeded(chain(nestingMax + 10))).toMatch(/deep/)
  expect(budgetExceeded(chain(100))).toBeUndefined()
})

test.each([
  ['many rows', `insert into t values ${'(1, -2, now() - a),'.repeat(5000)}(1, 2, 3)`],
  ['many conditions', `select 1 where ${'a = 1 or '.repeat(5000)}b = 2`],
  ['a long list', `select 1 where a in (${'-1,'.repeat(20_000)}1)`],
  ['operators in a literal', `select '${'+-*/'.repeat(20_000)}'`],
  ['operators in a dollar quote', `select $x$${'((+-'.repeat(20_000)}$x$`],
  ['operators in a comment', `select 1 /*${'+(('.repeat(20_000)}*/`],
  ['many statements', 'select 1+1;'.repeat(900)],
])('%s are within the budget', (_, text) => {
  expect(budgetExceeded(text)).toBeUndefined()
})

test('counting stops at the limit, so that a hostile text costs little', () => {
  expect(nestingOf('('.repeat(sqlBytesMax))).toBe(nestingMax + 1)
})
