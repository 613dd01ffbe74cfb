// `npm run bench -- detect`: how fast the detectors look through results, on one core. Starts nothing
// and opens nothing.

import { compileDetection } from '../policy/detect/detection.js'
import type { Detection } from '../policy/detect/detection.js'
import { Findings } from '../policy/detect/findings.js'
import { DETECTOR_NAMES } from '../policy/detect/names.js'
import type { DetectPattern } from '../policy/masking.js'
import { resultOf } from './detect-data.js'
import { aligned } from './report.js'
import { median, rounded } from './rows.js'
import type { Row } from './rows.js'

const RESULT_BYTES = 8 * 1024 * 1024
/** What a socket gives at a time. */
const CHUNK_BYTES = 65_536
const ROUNDS = 7
const SEED = 1
const PATTERNS: readonly DetectPattern[] = [
  { name: 'employee', pattern: String.raw`\bEMP-[0-9]{6}\b` },
  { name: 'project', pattern: '(?i)project [a-z]+-[0-9]{4}' },
]

/** What each case is, and how fast it has to be. */
const CASES = {
  clean: {
    is: 'rows on the wire with nothing to find, through the prefilter',
    mbPerSecondMin: 300,
  },
  dirty: { is: 'values with something to find every 150 bytes, one by one', mbPerSecondMin: 40 },
  patterns: {
    is: 'values with nothing to find, one by one, with two patterns',
    mbPerSecondMin: undefined,
  },
} as const

type CaseName = keyof typeof CASES
const names = Object.keys(CASES) as CaseName[]

/** Measures, prints with `say`, and returns the rows. */
export function benchDetect(say: (text: string) => void): readonly Row[] {
  const clean = resultOf(SEED, RESULT_BYTES, false)
  const dirty = resultOf(SEED, RESULT_BYTES, true)
  const detectors = detectionOf([])
  const withPatterns = detectionOf(PATTERNS)
  const figures: Record<CaseName, number> = {
    clean: mbPerSecond(clean.wire.length, () => sift(detectors, clean.wire)),
    dirty: mbPerSecond(sizeOf(dirty.values), () => findAll(detectors, dirty.values)),
    patterns: mbPerSecond(sizeOf(clean.values), () => findAll(withPatterns, clean.values)),
  }
  say(detectTable(figures))
  return names.map((name) => ({
    ...{ case: name, subject: 'detectors', metric: 'mb_per_s' },
    value: rounded(figures[name]),
  }))
}

const detectionOf = (patterns: readonly DetectPattern[]): Detection =>
  compileDetection([{ label: 'mask 1', how: 'redact', detectors: DETECTOR_NAMES, patterns }])

const sizeOf = (values: readonly Buffer[]): number =>
  values.reduce((sum, { length }) => sum + length, 0)

function sift(detection: Detection, wire: Buffer): void {
  for (let at = 0; at < wire.length; at += CHUNK_BYTES)
    detection.mayContain(wire, at, Math.min(wire.length, at + CHUNK_BYTES))
}

const findings = new Findings()
function findAll(detection: Detection, values: readonly Buffer[]): void {
  for (const value of values) detection.find(value, 0, value.length, findings)
}

/** The median over some rounds, in 10⁶ bytes per second of CPU time: what else runs here takes none of it. */
function mbPerSecond(byteCount: number, run: () => void): number {
  run()
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(before)
    return byteCount / Math.max(1, user + system)
  })
  return median(rounds)
}

/** The figures for people, next to the bars. */
export function detectTable(figures: Readonly<Record<CaseName, number>>): string {
  const lines = names.map((name) => {
    const { mbPerSecondMin } = CASES[name]
    const bar = mbPerSecondMin === undefined ? '–' : `≥ ${mbPerSecondMin}`
    return [name, figures[name].toFixed(0), bar]
  })
  const about = names.map((name) => `${name}: ${CASES[name].is}.`)
  return [aligned([['case', 'MB/s', 'bar'], ...lines]), ...about].join('\n')
}
