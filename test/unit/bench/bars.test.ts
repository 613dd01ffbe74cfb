import { expect, test } from 'vitest'
import { BARS, barsTable } from '../../../bench/bars.js'
import type { Bar } from '../../../bench/bars.js'
import { CASES } from '../../../bench/cases.js'
import type { Row } from '../../../bench/rows.js'

const AT_LEAST: Bar = {
  ...{ case: 'simple-8', metric: 'tps_to_pgbouncer', title: 'tps ÷ pgbouncer' },
  limit: { min: 0.7 },
}
const AT_MOST: Bar = {
  ...{ case: 'simple-8', metric: 'cpu_to_haproxy', title: 'CPU ÷ haproxy' },
  limit: { max: 2 },
}

const outcome = (bar: Bar, ...rows: readonly Row[]): string =>
  barsTable([bar], rows).split('\n').at(-1)?.split(/ {2,}/).at(-1) ?? ''

const row = (bar: Bar, value: number, subject = 'gateway'): Row => ({
  ...{ case: bar.case, subject, metric: bar.metric, value },
})

test.each([
  [AT_LEAST, 0.699, 'missed by 0.001'],
  [AT_LEAST, 0.7, 'kept by 0.000'],
  [AT_LEAST, 0.95, 'kept by 0.250'],
  [AT_MOST, 2.5, 'missed by 0.500'],
  [AT_MOST, 2, 'kept by 0.000'],
  [AT_MOST, 1.25, 'kept by 0.750'],
])('$title: %d is %s', (bar, value, expected) => {
  expect(outcome(bar, row(bar, value))).toBe(expected)
})

test('another subject keeps no bar of the gateway', () => {
  expect(outcome(AT_MOST, row(AT_MOST, 1, 'haproxy'))).toBe('not measured')
})

test('another case keeps no bar', () => {
  expect(outcome(AT_MOST, { ...row(AT_MOST, 1), case: 'prepared-8' })).toBe('not measured')
})

test('every bar is for a case there is, in which its peer has a turn in each round', () => {
  for (const bar of BARS) {
    const load = CASES.postgres.find(({ name }) => name === bar.case)
    const peer = /(?:direct|pgbouncer|haproxy)$/.exec(bar.metric)?.[0]
    expect(load?.compared).toEqual(expect.arrayContaining(['gateway', peer]))
  }
})
