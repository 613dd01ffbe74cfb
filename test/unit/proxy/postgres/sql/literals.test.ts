import { expect, test } from 'vitest'
import { liftLiterals, literalOffsets } from '../../../../../proxy/postgres/sql/literals.js'

const shape = (text: string) => {
  const bytes = Buffer.from(text)
  return liftLiterals(bytes, 0, bytes.length)
}

/** Placeholders made visible. */
const shown = (text: string) =>
  shape(text)
    ?.replaceAll('\x01', '<int>')
    .replaceAll('\x02', '<decimal>')
    .replaceAll('\x03', '<string>')
    .replaceAll('\x04', '<long>')

test.each([
  [
    'SELECT abalance FROM pgbench_accounts WHERE aid = 12345;',
    'SELECT abalance FROM pgbench_accounts WHERE aid = <int>;',
  ],
  ["select 'a', 1, 1.5", 'select <string>, <int>, <decimal>'],
  ["select 'it''s', '', ''''", 'select <string>, <string>, <string>'],
  [
    "select '--', '/*', '$1', '\n', '\"'",
    'select <string>, <string>, <string>, <string>, <string>',
  ],
  ['select -5, - 5, a-5, -(5)', 'select -<int>, - <int>, a-<int>, -(<int>)'],
  ['select a1, a_1, _1, t.a1', 'select a1, a_1, _1, t.a1'],
  ['select "a", t."B c"', 'select "a", t."B c"'],
  ['select "1", "\'"', 'select "1", "\'"'],
  ['select $1, $999, 1', 'select $1, $999, <int>'],
  ['select 1::int, a[1:2], (1)', 'select <int>::int, a[<int>:<int>], (<int>)'],
  ["select 'a'b, 'a'1", 'select <string>b, <string><int>'],
  ['select 007, 000000000', 'select <int>, <int>'],
  ['select 999999999, 1999999999', 'select <int>, <int>'],
  ['select 12345678901, 999999999999999999', 'select <long>, <long>'],
  ['select 12345678901234567890.5', 'select <decimal>'],
  ['\tselect\r\n1 ', '\tselect\r\n<int> '],
  ['select', 'select'],
  ['', ''],
])('the shape of %j is %j', (text, expected) => {
  expect(shown(text)).toBe(expected)
})

test.each([
  ['a number glued to a word', 'select 1and 2'],
  ['a number glued to an underscore', 'select 1_000'],
  ['a hexadecimal number', 'select 0x1F'],
  ['an octal number', 'select 0o17'],
  ['a binary number', 'select 0b1'],
  ['an exponent', 'select 1e5'],
  ['an exponent of a decimal', 'select 1.5e5'],
  ['a decimal without a fraction', 'select 1.'],
  ['a decimal without a fraction before an exponent', 'select 1.e5'],
  ['a decimal without a whole part', 'select .5'],
  ['a range', 'select 1..2'],
  ['a number with two points', 'select 1.5.5'],
  ['a field that is a number', 'select a.1'],
  ['a number of ten digits that may not fit int4', 'select 2147483647'],
  ['a number of ten digits with a leading zero', 'select 0123456789'],
  ['a long number with a leading zero', 'select 00000000001'],
  ['a number that may not fit int8', 'select 9223372036854775807'],
  ['a number glued to a string', "select 1'a'"],
  ['a number glued to a quoted name', 'select 1"a"'],
  ['a number glued to a parameter', 'select 1$1'],
  ['strings side by side', "select 'a' 'b'"],
  ['a string continued on the next line', "select 'a'\n'b'"],
  ['an escape string', "select E'a'"],
  ['an escape string in lower case', "select e'a'"],
  ['a Unicode string', "select U&'a'"],
  ['a national string', "select N'a'"],
  ['a bit string', "select B'1'"],
  ['a hexadecimal string', "select X'1f'"],
  ['a type glued to a string', "select date'2020-01-01'"],
  ['an ampersand glued to a string', "select a &'b'"],
  ['an ampersand glued to a quoted name', 'select a &"b"'],
  ['a string that does not end', "select 'a"],
  ['a string that ends in two quotes', "select 'a''"],
  ['a quoted name that does not end', 'select "a'],
  ['a quoted name with a quote in it', 'select "a""b"'],
  ['an empty quoted name', 'select ""'],
  ['a Unicode name', 'select U&"a"'],
  ['a name glued to a quoted name', 'select a"b"'],
  ['a string glued to a quoted name', 'select "a"\'b\''],
  ['a backslash in a string', "select '\\'"],
  ['a backslash outside', 'select \\'],
  ['a dollar-quoted string', 'select $$a$$'],
  ['a dollar-quoted string with a tag', 'select $a$b$a$'],
  ['a dollar in a name', 'select a$1'],
  ['a dollar alone', 'select $'],
  ['parameter 0', 'select $0'],
  ['a parameter with a leading zero', 'select $01'],
  ['a parameter of four digits', 'select $1000'],
  ['a parameter glued to a word', 'select $1a'],
  ['a parameter glued to a dollar', 'select $1$'],
  ['a parameter glued to a point', 'select $1.5'],
  ['a comment to the end of the line', 'select 1 -- x'],
  ['a comment', 'select /* x */ 1'],
  ['a comment behind an operator', 'select 1 +-- x\n2'],
  ['what looks like a comment in an operator', 'select 1 */* x */ 2'],
  ['a NUL', 'select \0'],
  ['a NUL in a string', "select '\0'"],
  ['a placeholder', 'select \x01'],
  ['a placeholder in a string', "select '\x03'"],
  ['a placeholder in a quoted name', 'select "\x02"'],
  ['a form feed', 'select\f1'],
  ['a vertical tab', 'select\v1'],
  ['DEL', 'select \x7f'],
  ['a letter beyond ASCII', 'select ä'],
  ['a string beyond ASCII', "select 'ä'"],
  ['a quoted name beyond ASCII', 'select "ä"'],
])('%s is not lifted', (_, text) => {
  expect(shape(text)).toBeUndefined()
})

test('a text beyond the limit is not lifted, one at it is', () => {
  const text = (sizeBytes: number) => `select ${'1'.padStart(sizeBytes - 7, ' ')}`
  expect(shape(text(8_192))).toMatch(/^select +\x01$/)
  expect(shape(text(8_193))).toBeUndefined()
})

test('only the part of the buffer that was asked for is read', () => {
  const bytes = Buffer.from("'select 1'23.5$a")
  expect(liftLiterals(bytes, 1, 9)).toBe('select \x01')
  expect(liftLiterals(bytes, 8, 11)).toBeUndefined()
  expect(liftLiterals(bytes, 10, 12)).toBe('\x01')
  expect(liftLiterals(bytes, 10, 13)).toBeUndefined()
  expect(liftLiterals(bytes, 10, 14)).toBe('\x02')
  expect(liftLiterals(bytes, 3, 3)).toBe('')
  expect(liftLiterals(Buffer.from('--'), 0, 1)).toBe('-')
  expect(liftLiterals(Buffer.from('/*'), 0, 1)).toBe('/')
  expect(liftLiterals(Buffer.from("'a''"), 0, 3)).toBe('\x03')
})

test('texts of other kinds of literals, or of other spacing, are of other shapes', () => {
  const shapes = [
    'select 1',
    'select 1.5',
    "select '1'",
    'select 12345678901',
    'select $1',
    'select  1',
    'select -1',
    'select 1, 1',
    'select "1"',
    'SELECT 1',
  ].map(shape)
  expect(new Set(shapes).size).toBe(shapes.length)
})

test('offsets are those of the literals, without their signs', () => {
  expect(literalOffsets(Buffer.from("select -1, 'a''b', 2.5, \"3\", $4, a5"))).toEqual([8, 11, 19])
  expect(literalOffsets(Buffer.from('select'))).toEqual([])
  expect(literalOffsets(Buffer.from('select 1e5'))).toBeUndefined()
})
