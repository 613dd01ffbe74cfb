import { expect, test } from 'vitest'
import {
  median,
  pairwiseDifference,
  pairwiseRatio,
  percentile,
  rounded,
  rowsText,
} from '../../../bench/rows.js'

test('nothing has no median', () => {
  expect(median([])).toBeNaN()
})

test('a percentile lies between the closest ranks', () => {
  const values = [40, 10, 30, 20]
  expect([0, 50, 75, 100].map((rank) => percentile(values, rank))).toEqual([10, 25, 32.5, 40])
})

test('a percentile leaves the values in their order', () => {
  const values = [3, 1, 2]
  percentile(values, 99)
  expect(values).toEqual([3, 1, 2])
})

test('a round that was slow for both does not move their ratio', () => {
  expect(pairwiseRatio([100, 10, 100], [50, 5, 50])).toBe(2)
})

test('a round without a counterpart, or with a counterpart of zero, is left out of a ratio', () => {
  expect(pairwiseRatio([1, 2, 3], [0, 1])).toBe(2)
  expect(pairwiseRatio([1], [])).toBeNaN()
})

test('figures keep four digits', () => {
  expect([0.012345, 12.3456, 123_456].map(rounded)).toEqual([0.01235, 12.35, 123_500])
})

test('a result file is JSON with one row a line', () => {
  const rows = [
    { case: 'bulk', subject: 'direct', metric: 'wall_s', value: 0.05 },
    { case: 'bulk', subject: 'gateway', metric: 'wall_s', value: 0.06 },
  ] as const
  const text = rowsText(rows)
  expect(JSON.parse(text)).toEqual(rows)
  expect(text.trimEnd().split('\n')).toHaveLength(4)
})

test('a difference is taken round by round, and leaves out a round without a counterpart', () => {
  expect(pairwiseDifference([3, 10, 100], [1, 5])).toBe(3.5)
  expect(pairwiseDifference([1], [])).toBeNaN()
})
