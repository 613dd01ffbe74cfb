import { expect, test } from 'vitest'
import { resultOf } from '../../../bench/detect-data.js'
import { detectTable } from '../../../bench/detect.js'
import { compileDetection } from '../../../policy/detect/detection.js'
import { Findings } from '../../../policy/detect/findings.js'
import { DETECTOR_NAMES } from '../../../policy/detect/names.js'

const detection = compileDetection([
  { label: 'mask 1', how: 'redact', detectors: DETECTOR_NAMES, patterns: [] },
])
const findings = new Findings()
const countIn = (values: readonly Buffer[]): number =>
  values.reduce((sum, value) => sum + detection.find(value, 0, value.length, findings), 0)

test('clean rows have nothing to find, and the prefilter says so of every chunk', () => {
  const { wire, values } = resultOf(7, 1_000_000, false)
  expect(countIn(values)).toBe(0)
  expect(detection.mayContain(wire, 0, wire.length)).toBe(false)
})

test('dirty rows have something to find every 100 to 200 bytes', () => {
  const { wire, values } = resultOf(7, 300_000, true)
  const every = wire.length / countIn(values)
  expect(every).toBeGreaterThan(100)
  expect(every).toBeLessThan(200)
})

test('the same seed gives the same bytes', () => {
  expect(resultOf(3, 10_000, true).wire.equals(resultOf(3, 10_000, true).wire)).toBe(true)
})

test('the table puts the figures next to the bars', () => {
  const table = detectTable({ clean: 812.3, dirty: 91.7, patterns: 12.2 })
  expect(table).toMatch(/clean +812 +≥ 300/)
  expect(table).toMatch(/patterns +12 +–/)
})
