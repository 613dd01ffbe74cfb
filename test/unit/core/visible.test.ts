import { expect, test } from 'vitest'
import { visible, visibleLines, visibleShort } from '../../../core/visible.js'

test.each([
  ['a carriage return', 'a\rb', 'a\\u{d}b'],
  ['an escape sequence', '\x1b[2Jx', '\\u{1b}[2Jx'],
  ['a C1 control', 'a\x9bb', 'a\\u{9b}b'],
  ['a bidi override', 'a\u202eb', 'a\\u{202e}b'],
  ['a bidi isolate', 'a\u2066b', 'a\\u{2066}b'],
  ['a zero-width space', 'a\u200bb', 'a\\u{200b}b'],
  ['a zero-width joiner', 'a\u200db', 'a\\u{200d}b'],
  ['a tag character', 'a\u{e0041}b', 'a\\u{e0041}b'],
  ['a no-break space', 'a\u00a0b', 'a\\u{a0}b'],
  ['a Hangul filler', 'a\u3164b', 'a\\u{3164}b'],
  ['a lone surrogate', 'a\ud800b', 'a\\u{d800}b'],
  ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
])('%s is written out', (_, text, shown) => {
  expect(visible(text)).toBe(shown)
  expect(visibleLines(text)).toBe(shown)
})

test('what people write stays as it is', () => {
  expect(visible('Grüße, 東京 🚀 — it’s fine')).toBe('Grüße, 東京 🚀 — it’s fine')
})

test('one line has no line breaks, several lines keep them', () => {
  expect(visible('a\n\tb')).toBe('a\\u{a}\\u{9}b')
  expect(visibleLines('a\n\tb')).toBe('a\n\tb')
})

test('a cut text says how much is missing', () => {
  expect(visibleShort('abcdef', 4)).toBe('abcd… (2 more characters)')
  expect(visibleShort('abcd', 4)).toBe('abcd')
})
