// All detectors together: what the prefilter says, what a stream gives out, and what hostile bytes cost.

import { beforeAll, describe, expect, it } from 'vitest'
import { compileDetection } from '../../../../policy/detect/detection.js'
import type { Detection } from '../../../../policy/detect/detection.js'
import { Findings } from '../../../../policy/detect/findings.js'
import { DETECTOR_NAMES } from '../../../../policy/detect/names.js'
import { DetectionStream, rewrite } from '../../../../policy/detect/stream.js'
import type { Replace } from '../../../../policy/detect/stream.js'
import type { DetectMask } from '../../../../policy/masking.js'
import { seedOfRun, seeded } from '../../../random.js'
import { SAMPLES } from './samples.js'

const maskOf = (changes: Partial<DetectMask> = {}): DetectMask => ({
  label: 'mask 1',
  how: 'redact',
  detectors: DETECTOR_NAMES,
  patterns: [],
  ...changes,
})
const ALL = compileDetection([maskOf()])
const PIECES = DETECTOR_NAMES.flatMap((name) => [
  ...SAMPLES[name].positive,
  ...SAMPLES[name].negative,
]).map((text) => text.replace(/[«»]/g, ''))
const seed = seedOfRun()
beforeAll(() => {
  console.info(`WARDER_TEST_SEED=${seed}`)
})

/** Shows mask, length and beginning, so that any difference shows. */
const shown: Replace = (mask, bytes, start, end) =>
  Buffer.from(
    `<${mask}:${end - start}:${Buffer.from(bytes.subarray(start, end)).toString('utf8').slice(0, 6)}>`,
  )

function whole(detection: Detection, bytes: Buffer): string {
  const findings = new Findings()
  detection.find(bytes, 0, bytes.length, findings)
  return Buffer.from(rewrite(bytes, 0, bytes.length, findings, shown)).toString('latin1')
}

function streamed(stream: DetectionStream, bytes: Buffer, cuts: readonly number[]): string {
  const parts: Uint8Array[] = []
  let at = 0
  for (const cut of [...cuts, bytes.length]) {
    parts.push(stream.push(bytes.subarray(at, cut)))
    at = cut
  }
  parts.push(stream.end())
  return Buffer.concat(parts).toString('latin1')
}

/** A text of samples with something in between. */
function textOf(chance: () => number, byteCount: number): Buffer {
  const between = [
    ' ',
    ' ',
    '\n',
    ',',
    '',
    '-',
    '"',
    '.',
    ' and then ',
    '='.repeat(3),
    'é',
    '\0\0\0\x31',
    'x'.repeat(40),
  ]
  const parts: Buffer[] = []
  for (let length = 0; length < byteCount;) {
    let piece = PIECES[Math.floor(chance() * PIECES.length)] ?? ''
    if (chance() < 0.02) piece = `${piece}${'Ab3-'.repeat(Math.floor(chance() * 3000))}`
    if (chance() < 0.2) piece = piece.slice(0, Math.floor(chance() * piece.length))
    const part = Buffer.from(piece + (between[Math.floor(chance() * between.length)] ?? ''))
    parts.push(part)
    length += part.length
  }
  return Buffer.concat(parts)
}

describe('a stream', () => {
  it('gives for every cut of a short value what the whole value gives', () => {
    const stream = new DetectionStream(ALL, shown)
    for (const piece of PIECES) {
      const bytes = Buffer.from(`a ${piece} b`)
      const expected = whole(ALL, bytes)
      for (let cut = 0; cut <= bytes.length; cut++)
        expect(streamed(stream, bytes, [cut])).toBe(expected)
    }
  })

  it('gives for any cuts of a long value what the whole value gives, and holds little', () => {
    const chance = seeded(seed)
    const stream = new DetectionStream(ALL, shown)
    for (let round = 0; round < 100; round++) {
      const bytes = textOf(chance, 1 + Math.floor(chance() * 30_000))
      const cuts: number[] = []
      const step = 1 + Math.floor(chance() * 4_000)
      for (let at = 0; at < bytes.length; at += 1 + Math.floor(chance() * step)) cuts.push(at)
      const expected = whole(ALL, bytes)
      const given = streamed(stream, bytes, cuts)
      if (given !== expected) {
        let at = 0
        while (given[at] === expected[at]) at++
        expect(given.slice(at - 80, at + 80)).toBe(expected.slice(at - 80, at + 80))
      }
    }
  })

  it('holds a bounded rest whatever comes', () => {
    for (const text of [
      'a',
      '1',
      '-----BEGIN PRIVATE KEY-----\n',
      'sk_live_aB3dE5fG7hJ9kL1mN2pQ4',
      ' 4111',
      'a@',
    ]) {
      const stream = new DetectionStream(ALL, shown)
      const chunk = Buffer.from(text.repeat(Math.ceil(1_000 / text.length)))
      for (let count = 0; count < 100; count++) {
        stream.push(chunk)
        expect(stream.heldBytes).toBeLessThan(chunk.length + 8_192)
      }
    }
  })

  it('gives custom patterns as the whole value does', () => {
    const patterns = [
      { name: 'employee', pattern: String.raw`\bEMP-[0-9]{6}\b` },
      { name: 'many', pattern: 'Q+' },
    ]
    const detection = compileDetection([maskOf({ patterns, detectors: ['email'] })])
    const stream = new DetectionStream(detection, shown)
    const chance = seeded(seed)
    for (let round = 0; round < 20; round++) {
      const filler = () => 'é '.repeat(Math.floor(chance() * 900))
      const bytes = Buffer.from(
        Array.from(
          { length: 6 },
          () => `${filler()}EMP-123456 ${'Q'.repeat(chance() * 6_000)} a@b.co`,
        ).join(''),
      )
      const cuts = [1, 2, 3].map((part) => Math.floor((bytes.length * part) / 4))
      expect(streamed(stream, bytes, cuts)).toBe(whole(detection, bytes))
    }
  })
})

describe('the prefilter', () => {
  it('never rules out what is found in a value, wherever it stands in a row', () => {
    const chance = seeded(seed)
    const findings = new Findings()
    const ruledOut: string[] = []
    for (let round = 0; round < 20_000; round++) {
      const piece = PIECES[Math.floor(chance() * PIECES.length)] ?? ''
      const pad = 'lorem ipsum '.repeat(Math.floor(chance() * (round % 50 === 0 ? 1_200 : 8)))
      const value = Buffer.from(
        chance() < 0.5 ? piece + pad.slice(0, chance() * pad.length) : pad + piece,
      )
      if (ALL.find(value, 0, value.length, findings) === 0) continue
      const length = Buffer.alloc(4)
      length.writeUInt32BE(value.length)
      const after =
        ['D\0\0\0\x30', 'C\0\0\0\x0d', '\0\0\0\x011', 'd\0\0\x41\x41', ''][
          Math.floor(chance() * 5)
        ] ?? ''
      const before = Buffer.from(
        ['', '\0\0\0\x03abc', 'D\0\0\0\x30\0\x01', '1'][Math.floor(chance() * 4)] ?? '',
      )
      const bytes = Buffer.concat([before, length, value, Buffer.from(after, 'latin1')])
      if (!ALL.mayContain(bytes, 0, bytes.length)) ruledOut.push(bytes.toString('latin1'))
      const bare = before.length + length.length
      if (!ALL.mayContain(bytes, bare, bare + value.length)) ruledOut.push(value.toString('latin1'))
    }
    expect(ruledOut).toEqual([])
  })

  it('rules out what every database is full of', () => {
    const values = [
      ...['1234567', '19.99', '-273.15', '2024-01-15', '2024-01-15 10:23:45.123456+00'],
      ...['550e8400-e29b-41d4-a716-446655440000', '10.205.116.100', '2001:db8::1', '1700000000000'],
      ...[
        'd41d8cd98f00b204e9800998ecf8427e',
        '{"status": "active", "count": 3}',
        '7205759403792794',
      ],
      ...['12 Main Street', 'https://www.example.com/a/b?page=2', 'Wilhelmina', ' '.repeat(40)],
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    ]
    const fields = values.map((value) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(value.length)
      return Buffer.concat([length, Buffer.from(value)])
    })
    const row = Buffer.concat([Buffer.from('D\0\0\x02\0\0\x0f', 'latin1'), ...fields])
    const rows = Buffer.concat(Array.from({ length: 50 }, () => row))
    expect(ALL.mayContain(rows, 0, rows.length)).toBe(false)
  })

  it('says nothing about patterns', () => {
    const detection = compileDetection([maskOf({ patterns: [{ name: 'x', pattern: 'xyz' }] })])
    expect(detection.mayContain(Buffer.from('abc'), 0, 3)).toBe(true)
    expect(detection.mayContain(Buffer.from('abc'), 1, 1)).toBe(false)
  })
})

describe('masks', () => {
  it('share a finding by the strictest of those that overlap', () => {
    const detection = compileDetection([
      maskOf({ how: 'last4', detectors: ['email'] }),
      maskOf({ how: 'redact', detectors: [], patterns: [{ name: 'x', pattern: 'example' }] }),
    ])
    expect(detection.masks.map(({ how }) => how)).toEqual(['redact', 'last4'])
    expect(whole(detection, Buffer.from('ana@example.com'))).toBe('<0:15:ana@ex>')
    expect(whole(detection, Buffer.from('ana@test.com'))).toBe('<1:12:ana@te>')
  })

  it('that want nothing find nothing', () => {
    const detection = compileDetection([])
    const bytes = Buffer.from('ana@example.com 4111111111111111')
    expect(detection.mayContain(bytes, 0, bytes.length)).toBe(false)
    expect(whole(detection, bytes)).toBe(bytes.toString('latin1'))
  })
})

describe('hostile bytes', () => {
  it.each([
    ...[
      '1',
      'a@',
      '@',
      '-----BEGIN ',
      '-----BEGIN PRIVATE KEY-----',
      'eyJ',
      '.eyJ',
      'a.',
      '-',
      ' ',
      '+1',
    ],
    ...[
      '4111 ',
      '1 ',
      '(1) ',
      'sk-ant-aB3dE5fG7hJ9kL1mN2pQ4rS6-',
      'x://a:',
      'token=',
      'DE89 ',
      '-----END ',
      '\0\0\0\x31',
    ],
  ])('of %j cost in proportion to their length', (text) => {
    const findings = new Findings()
    const cost = (byteCount: number): number => {
      const bytes = Buffer.from(text.repeat(Math.ceil(byteCount / text.length)))
      let best = Infinity
      for (let round = 0; round < 2; round++) {
        const startedAt = process.cpuUsage().user
        ALL.find(bytes, 0, bytes.length, findings)
        ALL.mayContain(bytes, 0, bytes.length)
        best = Math.min(best, process.cpuUsage().user - startedAt)
      }
      return best
    }
    cost(16_384)
    // Sixteen times the bytes: quadratic cost would be 256 times, and noise is below 5.
    expect(cost(524_288)).toBeLessThan(80 * Math.max(cost(32_768), 1_000))
  })
})
