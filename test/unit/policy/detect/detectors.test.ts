// Each detector alone, on what it has to find and on what it has to leave alone.

import { describe, expect, it } from 'vitest'
import { compileDetection } from '../../../../policy/detect/detection.js'
import { Findings } from '../../../../policy/detect/findings.js'
import { DETECTOR_NAMES } from '../../../../policy/detect/names.js'
import type { DetectorName } from '../../../../policy/detect/names.js'
import { SAMPLES } from './samples.js'

const detectionOf = (name: DetectorName) =>
  compileDetection([{ label: 'mask 1', how: 'redact', detectors: [name], patterns: [] }])

/** The text with « and » around what was found. */
function marked(name: DetectorName, text: string): string {
  const bytes = Buffer.from(text)
  const findings = new Findings()
  const count = detectionOf(name).find(bytes, 0, bytes.length, findings)
  let [at, result] = [0, '']
  for (let index = 0; index < count; index++) {
    const [start = 0, end = 0] = [findings.starts[index], findings.ends[index]]
    result += `${bytes.toString('utf8', at, start)}«${bytes.toString('utf8', start, end)}»`
    at = end
  }
  return result + bytes.toString('utf8', at)
}

describe.each(DETECTOR_NAMES)('%s', (name) => {
  const { positive, negative } = SAMPLES[name]

  it.each(positive)('is found as marked in %s', (expected) => {
    expect(marked(name, expected.replace(/[«»]/g, ''))).toBe(expected)
  })

  it.each(negative)('is not in %s', (text) => {
    expect(marked(name, text)).toBe(text)
  })

  it('is found alike wherever the value stands among others', () => {
    const detection = detectionOf(name)
    const findings = new Findings()
    for (const text of positive) {
      const value = Buffer.from(text.replace(/[«»]/g, ''))
      const alone = detection.find(value, 0, value.length, findings)
      const starts = findings.starts.slice(0, alone)
      for (let offset = 1; offset < 10; offset++) {
        const bytes = Buffer.concat([Buffer.alloc(offset, '7a'), value, Buffer.alloc(9, 'a7')])
        const count = detection.find(bytes, offset, offset + value.length, findings)
        expect([count, findings.starts.slice(0, count)]).toEqual([
          alone,
          starts.map((start) => start + offset),
        ])
      }
    }
  })

  it('has more texts to leave alone than to find', () => {
    expect(negative.length).toBeGreaterThanOrEqual(positive.length)
  })
})
