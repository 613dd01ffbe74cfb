import { expect, test } from 'vitest'
import { HELP, readOptions } from '../../../bench/options.js'

const why = (...words: readonly string[]): string => {
  const asked = readOptions(words)
  return asked.kind === 'wrong' ? asked.why : asked.kind
}

test.each([
  [['mysql'], 'mysql is no group of cases: say postgres or decisions'],
  [['postgres', '--second', '3'], '--second is not known'],
  [['postgres', 'decisions'], 'decisions is not known'],
  [['postgres', '--json'], '--json needs a value'],
  [['postgres', '--json', ''], '--json needs a value'],
  [['postgres', '--rounds', '1', '--rounds', '2'], '--rounds was given twice'],
  [['postgres', '--seconds', '0'], '--seconds is a whole number from 1 to 600'],
  [['postgres', '--seconds', '601'], '--seconds is a whole number from 1 to 600'],
  [['postgres', '--seconds', '1.5'], '--seconds is a whole number from 1 to 600'],
  [['postgres', '--seconds', '1e2'], '--seconds is a whole number from 1 to 600'],
  [['postgres', '--rounds', '-1'], '--rounds is a whole number from 1 to 1000'],
  [
    ['decisions', '--rounds', '3'],
    'decisions are counted, not timed: --seconds and --rounds are for postgres',
  ],
])('%j is refused in words that say what is wrong', (words, expected) => {
  expect(why(...words)).toBe(expected)
})

test.each([[[]], [['--help']], [['postgres', '-h']]])('%j asks for help', (words) => {
  expect(readOptions(words)).toEqual({ kind: 'help' })
})

test('a group alone is measured with the defaults, which the help names', () => {
  expect(readOptions(['postgres'])).toEqual({
    kind: 'run',
    options: { group: 'postgres', seconds: 3, roundCount: 5 },
  })
  expect(HELP).toContain('(postgres; 3)')
  expect(HELP).toContain('(postgres; 5)')
})

test('every option is taken', () => {
  const words = ['postgres', '--rounds', '7', '--json', 'out.json', '--seconds', '10']
  expect(readOptions(words)).toEqual({
    kind: 'run',
    options: { group: 'postgres', seconds: 10, roundCount: 7, jsonFile: 'out.json' },
  })
})
