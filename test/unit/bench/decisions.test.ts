import { expect, test } from 'vitest'
import { decisionsRows, decisionsTable } from '../../../bench/decisions.js'

const SAMPLES = {
  'approve-forwarded': [10, 20, 30],
  'revoke-cut': [5, 5, 105],
} as const

test('each case is told by its median and its 99th percentile', () => {
  const rows = decisionsRows(SAMPLES).map((row) => `${row.case} ${row.metric} ${row.value}`)
  expect(rows).toEqual([
    'approve-forwarded p50_ms 20',
    'approve-forwarded p99_ms 29.8',
    'revoke-cut p50_ms 5',
    'revoke-cut p99_ms 103',
  ])
})

test('the bars stand next to the figures, with what was measured below', () => {
  const [, approve = '', revoke = '', ...about] = decisionsTable(SAMPLES).split('\n')
  expect(approve).toMatch(/20\.0 +≤ 40 +29\.8 +≤ 120/)
  expect(revoke).toMatch(/5\.0 +– +103\.0 +≤ 100/)
  expect(about).toHaveLength(2)
})
