import { expect, test } from 'vitest'

import {
  Backlog,
  bodyLength,
  HEADER_BYTES,
  MessageTooLong,
  Outbox,
  readOpening,
} from '../../../../proxy/postgres/codec.js'
import { MalformedMessage } from '../../../../proxy/postgres/messages.js'

const header = (length: number): Buffer => {
  const bytes = Buffer.alloc(HEADER_BYTES, 0x51)
  bytes.writeUInt32BE(length >>> 0, 1)
  return bytes
}

test.each([0, 1, 2, 3])('a length of %d is shorter than itself', (length) => {
  expect(() => bodyLength(header(length), 0, 100)).toThrow(MalformedMessage)
})

test.each([105, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])('a length of %d is too long', (length) => {
  expect(() => bodyLength(header(length), 0, 100)).toThrow(MessageTooLong)
})

test.each([4, 5, 104])('a length of %d is taken', (length) => {
  expect(bodyLength(header(length), 0, 100)).toBe(length - 4)
})

/** A first packet: length, code, body. */
function opening(code: number, body: Buffer | string = ''): Buffer {
  const content = Buffer.from(body)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + content.length, 0)
  head.writeUInt32BE(code, 4)
  return Buffer.concat([head, content])
}

const STARTUP = opening(0x30000, 'user\0a\0database\0b\0\0')
const OPENINGS = [
  ['an SSLRequest', opening(80877103), 'tls'],
  ['a GSSENCRequest', opening(80877104), 'gssapi'],
  ['a CancelRequest', opening(80877102, Buffer.alloc(8)), 'cancel'],
  ['a long cancel key', opening(80877102, Buffer.alloc(260)), 'cancel'],
  ['a start-up packet', STARTUP, 'startup'],
] as const

test.each(OPENINGS)(
  '%s is not complete before its last byte, and leaves the rest alone',
  (_, bytes, kind) => {
    for (let end = 0; end < bytes.length; end += 1) {
      expect(readOpening(bytes.subarray(0, end))).toBeUndefined()
    }
    const read = readOpening(Buffer.concat([bytes, Buffer.from('more')]))
    expect([read?.opening.kind, read?.length]).toEqual([kind, bytes.length])
  },
)

test('a start-up packet gives its parameters and its minor version', () => {
  const read = readOpening(opening(0x30002, 'user\0a\0database\0\0\0'))?.opening
  expect(read?.kind === 'startup' && [read.minor, [...read.parameters]]).toEqual([
    2,
    [
      ['user', 'a'],
      ['database', ''],
    ],
  ])
})

test.each([
  ['an SSLRequest with a body', opening(80877103, 'x')],
  ['a GSSENCRequest with a body', opening(80877104, 'x')],
  ['a cancel key that is too short', opening(80877102, Buffer.alloc(7))],
  ['a cancel key that is too long', opening(80877102, Buffer.alloc(261))],
  ['protocol 2', opening(0x20000, '\0')],
  ['an unknown code', opening(80877105)],
  ['no body', opening(0x30000)],
  ['no terminator', opening(0x30000, 'user\0a\0')],
  ['an odd field', opening(0x30000, 'user\0a\0b\0\0')],
  ['a name twice', opening(0x30000, 'user\0a\0user\0a\0\0')],
  ['an empty name', opening(0x30000, '\0a\0\0')],
])('%s is refused', (_, bytes) => {
  expect(() => readOpening(bytes)).toThrow(MalformedMessage)
})

test.each([0, 7, 10_001, 0x7fff_ffff, 0xffff_ffff])(
  'a first length of %d is refused at once',
  (length) => {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32BE(length, 0)
    expect(() => readOpening(bytes)).toThrow(MalformedMessage)
  },
)

test('an outbox gives what was put in, in order, whatever buffers it came from', () => {
  const [one, two] = [Buffer.from('abcdef'), Buffer.from('uvwxyz')]
  const box = new Outbox()
  expect(box.take(false)).toBeUndefined()
  box.slice(one, 0, 2)
  box.slice(one, 2, 4)
  box.slice(one, 5, 6)
  box.add(two)
  box.slice(one, 3, 3)
  expect(box.sizeBytes).toBe(11)
  expect(box.take(false)?.toString()).toBe('abcdfuvwxyz')
  expect([box.sizeBytes, box.take(false)]).toEqual([0, undefined])
})

test('an untouched run is given without a copy, unless a copy is asked for', () => {
  const bytes = Buffer.from('abcdef')
  const box = new Outbox()
  box.slice(bytes, 0, 3)
  box.slice(bytes, 3, 6)
  expect(box.take(false)?.buffer).toBe(bytes.buffer)
  box.add(bytes)
  const copy = box.take(true)
  bytes.fill(0)
  expect(copy?.toString()).toBe('abcdef')
})

test('a backlog gives back exactly what was pushed, and then holds nothing', () => {
  const backlog = new Backlog()
  for (const chunk of ['ab', 'c', '', 'def']) backlog.push(Buffer.from(chunk))
  expect(backlog.sizeBytes).toBe(6)
  expect(backlog.take().toString()).toBe('abcdef')
  expect([backlog.sizeBytes, backlog.take().length]).toEqual([0, 0])
})
