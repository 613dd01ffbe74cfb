// Events as bytes: what comes back is what went in, and what is no event is never taken for one.

import { expect, test } from 'vitest'
import { EFFECTS } from '../../../../core/command.js'
import type { RecordingEvent } from '../../../../core/recording.js'
import { EventWriter, readEvents } from '../../../../audit/recording/encoding.js'
import { random } from '../fixtures.js'
import { command, EVENTS, rows } from './fixtures.js'

const encoded = (events: readonly RecordingEvent[]): Buffer => {
  const writer = new EventWriter()
  for (const event of events) writer.add(event)
  return writer.take()
}

/** Buffers compare as Buffers, wherever they came from. */
const plain = (events: Iterable<RecordingEvent>): unknown =>
  [...events].map((event) =>
    'bytes' in event ? { ...event, bytes: Buffer.from(event.bytes) } : event,
  )

const malformed = expect.objectContaining({ code: 'INTERNAL' }) as Error

test('no prefix of a chunk is read as more than the whole events in it', () => {
  const bytes = encoded(EVENTS)
  const ends = EVENTS.map((_, at) => encoded(EVENTS.slice(0, at + 1)).length)
  for (let length = 0; length < bytes.length; length += 1) {
    const read: RecordingEvent[] = []
    const readAll = () => {
      for (const event of readEvents(bytes.subarray(0, length))) read.push(event)
    }
    if (length === 0 || ends.includes(length)) readAll()
    else expect(readAll, `prefix of ${String(length)}`).toThrow(malformed)
    expect(read).toHaveLength(ends.filter((end) => end <= length).length)
  }
})

test.each([
  ['an unknown kind', '05 00 00'],
  ['a text that was never written', '01 00 01 05'],
  ['columns that were never written', '02 00 01 02'],
  ['a length below zero', '03 00 01 00 ffffffff'],
  ['a length beyond the end', '03 00 01 00 10000000 61'],
  ['more parameters than there are bytes', '01 00 01 00 00000000 ffffff7f'],
  ['a number without end', '01 ffffffffffffffffffff'],
])('%s is no event', (_, hex) => {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  expect(() => [...readEvents(bytes)]).toThrow(malformed)
})

test('random bytes are never anything but events or a refusal', () => {
  const seed = 20261122
  const next = random(seed)
  for (let round = 0; round < 2_000; round += 1) {
    const bytes = Buffer.from(Array.from({ length: next(60) }, () => next(8) * next(40)))
    try {
      for (const event of readEvents(bytes)) expect(event.number).toBeGreaterThanOrEqual(0)
    } catch (failure) {
      expect(failure, `seed ${String(seed)}, round ${String(round)}`).toMatchObject({
        code: 'INTERNAL',
      })
    }
  }
})

test('every kind of event comes back as it was', () => {
  expect(plain(readEvents(encoded(EVENTS)))).toEqual(plain(EVENTS))
})

test('a text, its columns and its tag are written once, however often they come', () => {
  const many = Array.from({ length: 100 }, (_, at) => [command(at + 1), rows(at + 1)]).flat()
  const bytes = encoded(many)
  expect(bytes.toString('latin1').split('select $1')).toHaveLength(2)
  expect(bytes.toString('latin1').split('name')).toHaveLength(2)
  expect(plain(readEvents(bytes))).toEqual(plain(many))
})

test('a chunk stands alone: what an earlier one wrote is written again', () => {
  const writer = new EventWriter()
  writer.add(command(1))
  writer.take()
  writer.add(command(2))
  expect(plain(readEvents(writer.take()))).toEqual([command(2)])
})

test('texts of any length and alphabet, large numbers and odd ones survive', () => {
  const texts = ['', 'ü', '😀'.repeat(5_000), '\0', 'x'.repeat(1_000_000)]
  for (const text of texts) {
    for (const effect of EFFECTS) {
      const event = command(7, { text, effect, parameters: [text, ''], rows: 2 ** 40 })
      expect(plain(readEvents(encoded([event])))).toEqual([event])
    }
  }
  const odd = command(1, { atMs: -5, durationMs: Number.NaN, rows: Number.POSITIVE_INFINITY })
  expect(plain(readEvents(encoded([odd])))).toEqual([
    command(1, { atMs: 0, durationMs: 0, rows: 0 }),
  ])
})

test('times are kept to the microsecond', () => {
  const event = command(1, { atMs: 86_400_000.123, durationMs: 0.001 })
  expect(plain(readEvents(encoded([event])))).toEqual([event])
})
