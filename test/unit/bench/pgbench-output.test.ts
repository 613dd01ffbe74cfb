// Lines as pgbench 15.18 writes them.

import { expect, test } from 'vitest'
import { readWindow } from '../../../bench/pgbench-output.js'

const LOG = `0 199 2241 0 1175850568 995598
1 200 512 0 1175850569 608
0 201 failed 0 1175850569 610
2 202 350 0 1175850570 0
`

test('what ended before the window, or as it was over, has no latency in it', () => {
  const { latenciesMs } = readWindow(LOG, 1_175_850_569_000, 1_175_850_570_000)
  expect(latenciesMs).toEqual([0.512])
})

test('a failed transaction and a cut line have no latency', () => {
  const { latenciesMs } = readWindow(`${LOG}3 203 1`, 0, Number.MAX_VALUE)
  expect(latenciesMs).toEqual([2.241, 0.512, 0.35])
})

test('a connection that did nothing before the window, or only failed, is not early', () => {
  const early = (fromMs: number) => readWindow(LOG, fromMs, Number.MAX_VALUE).earlyConnectionCount
  expect([1_175_850_568_995, 1_175_850_569_000, 1_175_850_570_000].map(early)).toEqual([0, 1, 2])
})

test('a connection is early once, however much it did', () => {
  const log = `${LOG}0 203 100 0 1175850569 700\n`
  expect(readWindow(log, 1_175_850_571_000, Number.MAX_VALUE).earlyConnectionCount).toBe(3)
})

test('an empty log has nothing', () => {
  expect(readWindow('', 0, Number.MAX_VALUE)).toEqual({ earlyConnectionCount: 0, latenciesMs: [] })
})
