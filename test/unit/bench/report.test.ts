import { expect, test } from 'vitest'
import { MEDIANS, aligned, cpuTo, tableOf, tpsTo } from '../../../bench/report.js'
import type { Measured } from '../../../bench/report.js'

const run = (subject: Measured['subject'], tps: number): Measured => ({
  ...{ case: 'simple-8', subject, round: 1, tps, p50Ms: 1 },
})

test('a column that nobody has a figure for is left out', () => {
  const [head] = tableOf([run('gateway', 10)], [...MEDIANS, cpuTo('haproxy')]).split('\n')
  expect(head?.split(/ {2,}/)).toEqual(['case', 'subject', 'tps', 'p50 ms'])
})

test('a figure that one of several does not have is a dash', () => {
  const measured = [run('pgbouncer', 40), { ...run('gateway', 10), case: 'simple-1' }]
  const lines = tableOf(measured, [tpsTo('pgbouncer')]).split('\n')
  expect(lines.map((line) => line.split(/ {2,}/).at(-1))).toEqual(['tps ÷ pgbouncer', '1.00', '–'])
})

test('a subject that had no turn in a case has no line', () => {
  const measured = [run('direct', 40), { ...run('gateway', 10), case: 'simple-1' }]
  expect(tableOf(measured, MEDIANS).split('\n')).toHaveLength(3)
})

test('words come last, each on the line that they are about', () => {
  const table = tableOf([run('direct', 1), run('gateway', 2)], MEDIANS, {
    title: 'waited for',
    of: (caseName, subject) => `${subject} in ${caseName}`,
  })
  expect(table.split('\n').map((line) => line.split(/ {2,}/).at(-1))).toEqual([
    ...['waited for', 'direct in simple-8', 'gateway in simple-8'],
  ])
})

test('columns are as wide as their widest cell', () => {
  const lines = [
    ['case', 'subject', 'tps'],
    ['b', 'd', '1234'],
  ]
  expect(aligned(lines)).toBe('case  subject   tps\nb     d        1234')
})
