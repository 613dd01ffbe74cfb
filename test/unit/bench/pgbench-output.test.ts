// Lines as pgbench 15.18 prints them.

import { expect, test } from 'vitest'
import { readLatencies, readProgress } from '../../../bench/pgbench-output.js'

test.each([
  'pgbench (15.18 (Debian 15.18-0+deb12u1))',
  'transaction type: <builtin: select only>',
  'progress: soon, fast',
  ' progress: 1.0 s, 9.9 tps',
  '',
])('%j is no progress', (line) => {
  expect(readProgress(line)).toBeUndefined()
})

test('a line of progress says when and how fast', () => {
  const line = 'progress: 2.0 s, 22834.9 tps, lat 0.350 ms stddev 0.168, 0 failed'
  expect(readProgress(line)).toEqual({ atSeconds: 2, tps: 22_834.9 })
})

const LOG = `0 199 2241 0 1175850568 995598
1 200 512 0 1175850569 608
0 201 failed 0 1175850569 610
2 202 350 0 1175850570 0
`

test('only latencies within the window count', () => {
  expect(readLatencies(LOG, 1_175_850_569_000, 1_175_850_570_000)).toEqual([0.512])
})

test('a failed transaction and a cut line have no latency', () => {
  expect(readLatencies(`${LOG}3 203 1`, 0, Number.MAX_VALUE)).toEqual([2.241, 0.512, 0.35])
})

test('an empty log has no latencies', () => {
  expect(readLatencies('', 0, Number.MAX_VALUE)).toEqual([])
})
