import { expect, test } from 'vitest'
import { CASES, chooseCases, hasTurn, secondsOf } from '../../../bench/cases.js'

const [ONE, EIGHT] = ['simple-1', 'simple-8'].map((name) =>
  CASES.postgres.find((one) => one.name === name),
)
if (ONE === undefined || EIGHT === undefined) throw new Error('the cases have other names')

test('a case that there is not is refused with the names of those there are', () => {
  const choose = () => chooseCases(CASES.postgres, { cases: ['simple-8', 'big'], hasTls: false })
  expect(choose).toThrow(/^there is no case big: say simple-1, .*, bulk-masked$/)
})

test('cases keep their order, whatever order they are asked for in', () => {
  const chosen = chooseCases(CASES.postgres, { cases: ['bulk', 'simple-1'], hasTls: false })
  expect(chosen.map(({ name }) => name)).toEqual(['simple-1', 'bulk'])
})

test('with TLS a case has another name, and PgBouncer takes HAProxy’s turns', () => {
  const [first] = chooseCases(CASES.postgres, { cases: ['simple-8'], hasTls: true })
  expect(first).toMatchObject({ name: 'simple-8-tls', compared: ['pgbouncer', 'gateway'] })
})

test('who is compared with nobody has a turn in the first round alone', () => {
  expect([1, 2, 3].map((round) => hasTurn(ONE, 'pgbouncer', round))).toEqual([true, false, false])
  expect([1, 2, 3].map((round) => hasTurn(ONE, 'haproxy', round))).toEqual([true, true, true])
})

test('one connection is measured for a third of the time, but a second at least', () => {
  expect([1, 3, 10].map((seconds) => secondsOf(ONE, seconds))).toEqual([1, 1, 3])
  expect(secondsOf(EIGHT, 10)).toBe(10)
})
