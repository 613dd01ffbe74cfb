import { expect, test } from 'vitest'
import { idleRows, idleTable, isQuiet } from '../../../bench/idle.js'
import { readResidentKb, residentKb } from '../../../bench/process-memory.js'

const SEEN = { sessionCount: 1_000, beforeKb: 200_000, idleKb: 250_500 }

test('the figure is what came on top, divided by the sessions', () => {
  expect(idleRows(SEEN)).toEqual([
    { case: 'idle-1000', subject: 'gateway', metric: 'kb_per_session', value: 50.5 },
  ])
})

test('the bar stands next to the figure', () => {
  expect(idleTable(SEEN).split('\n')[1]).toMatch(/idle-1000 +gateway +195 +245 +50\.5 +≤ 120/)
})

test('memory is quiet when the last samples lie close together', () => {
  const steady = Array.from({ length: 15 }, () => 100_000)
  expect(isQuiet(steady)).toBe(true)
  expect(isQuiet([500_000, ...steady])).toBe(true)
  expect(isQuiet(steady.slice(1))).toBe(false)
  expect(isQuiet([...steady.slice(1), 103_000])).toBe(false)
  expect(isQuiet([...steady.slice(1), 97_000])).toBe(false)
})

test('resident memory is read from the line of that name only', () => {
  expect(readResidentKb('VmHWM:\t  900 kB\nVmRSS:\t  512 kB\nRssAnon:\t 7 kB\n')).toBe(512)
  expect(readResidentKb('VmHWM:\t  900 kB\n')).toBeUndefined()
  expect(readResidentKb('')).toBeUndefined()
})

test('this process has resident memory, and one that is not there has none', () => {
  expect(residentKb(process.pid)).toBeGreaterThan(10_000)
  expect(residentKb(2 ** 30)).toBeUndefined()
})
