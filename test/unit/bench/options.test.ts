import { expect, test } from 'vitest'
import { GROUPS, HELP, readOptions } from '../../../bench/options.js'

const why = (...words: readonly string[]): string => {
  const asked = readOptions(words)
  return asked.kind === 'wrong' ? asked.why : asked.kind
}

test.each([
  [['postgres', '--second', '3'], '--second is not known'],
  [['postgres', 'decisions'], 'decisions is not known'],
  [['postgres', '--json'], '--json needs a value'],
  [['postgres', '--json', ''], '--json needs a value'],
  [['postgres', '--tls', '--json'], '--json needs a value'],
  [['postgres', '--tls', 'yes'], 'yes is not known'],
  [['postgres', '--tls', '--tls'], '--tls was given twice'],
  [['postgres', '--rounds', '1', '--rounds', '2'], '--rounds was given twice'],
  [['postgres', '--seconds', '0'], '--seconds is a whole number from 1 to 60'],
  [['postgres', '--seconds', '61'], '--seconds is a whole number from 1 to 60'],
  [['postgres', '--seconds', '1.5'], '--seconds is a whole number from 1 to 60'],
  [['postgres', '--seconds', '1e1'], '--seconds is a whole number from 1 to 60'],
  [['postgres', '--rounds', '-1'], '--rounds is a whole number from 1 to 1000'],
  [['decisions', '--rounds', '3'], '--rounds is not for decisions'],
  [['decisions', '--profile', 'here'], '--profile is not for decisions'],
  [['audit', '--tls'], '--tls is not for audit'],
])('%j is refused in words that say what is wrong', (words, expected) => {
  expect(why(...words)).toBe(expected)
})

test('a group that is none is refused with the names of those there are', () => {
  const text = why('mysql')
  expect(text).toMatch(/^mysql is no group of cases: say postgres, /)
  for (const group of GROUPS) expect(text).toContain(group)
})

test.each([[[]], [['--help']], [['postgres', '-h']]])('%j asks for help', (words) => {
  expect(readOptions(words)).toEqual({ kind: 'help' })
})

test('the help names every group', () => {
  for (const group of GROUPS) expect(HELP).toContain(`npm run bench -- ${group}`)
})

test.each(['postgres', 'audit'])('%s alone is measured with the defaults', (group) => {
  expect(readOptions([group])).toEqual({
    kind: 'run',
    options: { group, seconds: 3, roundCount: 3, hasTls: false },
  })
})

test('every option is taken', () => {
  const words = [
    ...['postgres', '--rounds', '7', '--json', 'out.json', '--tls', '--seconds', '10'],
    ...['--cases', 'bulk,simple-8', '--profile', 'profiles'],
  ]
  expect(readOptions(words)).toEqual({
    kind: 'run',
    options: {
      ...{ group: 'postgres', seconds: 10, roundCount: 7, hasTls: true, jsonFile: 'out.json' },
      ...{ cases: ['bulk', 'simple-8'], profileDirectory: 'profiles' },
    },
  })
})
