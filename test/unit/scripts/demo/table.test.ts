import { expect, test } from 'vitest'
import { tableLines } from '../../../../scripts/demo/table.js'

test('a table looks as psql prints it', () => {
  const columns = [
    { name: 'id', isRight: true },
    { name: 'name', isRight: false },
  ]
  expect(
    tableLines(columns, [
      ['1', 'Ada Byron'],
      ['12', ''],
    ]),
  ).toEqual([' id |   name    ', '----+-----------', '  1 | Ada Byron', ' 12 |', '(2 rows)', ''])
})

test('one row is one row, and none has a head all the same', () => {
  const columns = [{ name: 'count', isRight: true }]
  expect(tableLines(columns, [['5']])).toEqual([' count ', '-------', '     5', '(1 row)', ''])
  expect(tableLines(columns, [])).toEqual([' count ', '-------', '(0 rows)', ''])
})
