import { expect, test } from 'vitest'

import { EMPTY_POLICY } from '../../../../policy/load.js'
import { MessageTooLong, Outbox } from '../../../../proxy/postgres/codec.js'
import {
  errorMessage,
  MalformedMessage,
  message,
  noticeMessage,
  parameterMessage,
  readyMessage,
} from '../../../../proxy/postgres/messages.js'
import { Replies, Reply } from '../../../../proxy/postgres/replies.js'
import { Results } from '../../../../proxy/postgres/results.js'

const text = (type: string, body: string) =>
  message(type.charCodeAt(0), Buffer.from(body, 'latin1'))
const row = (value: string) =>
  text('D', `\0\x01\0\0${String.fromCharCode(value.length >> 8, value.length & 255)}${value}`)
const done = (tag: string) => text('C', `${tag}\0`)
const failure = (sqlstate: string) => errorMessage('ERROR', { sqlstate, message: 'no' })

/** Every message type that a target may send in a session. */
const STREAM = Buffer.concat([
  ...[text('T', '\0\0'), row('a'), row('b'.repeat(300)), done('SELECT 2'), readyMessage(0x49)],
  ...[text('1', ''), text('2', ''), text('n', ''), text('s', ''), text('3', '')],
  ...[text('1', ''), text('t', '\0\0'), text('T', '\0\0'), readyMessage(0x54)],
  ...[noticeMessage({ sqlstate: '00000', message: 'hm' }), text('A', '\0\0\0\0c\0p\0')],
  ...[text('I', ''), readyMessage(0x49), parameterMessage('TimeZone', 'UTC')],
  ...[text('H', '\0\0\0'), text('d', 'x'.repeat(200)), text('c', ''), done('COPY 1')],
  ...[readyMessage(0x49), failure('22012'), readyMessage(0x45)],
])
const AWAITED: readonly Reply['kind'][] = [
  ...(['query', 'parse', 'bind', 'describe-portal', 'execute', 'close'] as const),
  ...(['parse', 'describe-statement', 'sync', 'query', 'query', 'query'] as const),
]

function scanner() {
  const out = new Outbox()
  const reported: string[] = []
  let settledCount = 0
  const results = new Results(
    () => undefined,
    () => EMPTY_POLICY,
  )
  const replies = new Replies(out, results, {
    finished: () => undefined,
    reported: (name, value) => reported.push(`${name}=${value}`),
    settled: () => {
      settledCount += 1
    },
  })
  return { out, replies, reported, settled: () => settledCount }
}

test('a stream cut at any two places is forwarded byte for byte', () => {
  for (let cut = 0; cut <= STREAM.length; cut += 1) {
    const { out, replies, reported } = scanner()
    for (const kind of AWAITED) replies.push(new Reply(kind, 0))
    const second = Math.min(STREAM.length, cut + 7)
    const given: Buffer[] = []
    const scratch = Buffer.alloc(STREAM.length)
    for (const [from, to] of [
      [0, cut],
      [cut, second],
      [second, STREAM.length],
    ] as const) {
      // The next read overwrites the same memory.
      scratch.fill(0xff)
      STREAM.copy(scratch, 0, from, to)
      replies.scan(scratch.subarray(0, to - from), true)
      const bytes = out.take(true)
      if (bytes !== undefined) given.push(bytes)
    }
    expect(Buffer.concat(given).equals(STREAM), `cut at ${cut}`).toBe(true)
    expect(replies.count).toBe(0)
    expect(reported).toEqual(['TimeZone=UTC'])
  }
})

test.each([
  ['a row that nobody asked for', row('x')],
  ['a completion that nobody asked for', done('SELECT 1')],
  ['ReadyForQuery that nobody asked for', readyMessage(0x49)],
  ['COPY in both directions', text('W', '\0\0\0')],
  ['an unknown type', text('~', '')],
  ['authentication in the middle', text('R', '\0\0\0\0')],
  ['a key in the middle', text('K', '\0\0\0\0\0\0\0\0')],
])('%s is malformed', (_, bytes) => {
  expect(() => scanner().replies.scan(bytes, false)).toThrow(MalformedMessage)
})

test.each([
  ['a ParseComplete for a Bind', 'bind', text('1', '')],
  ['a BindComplete for a Parse', 'parse', text('2', '')],
  ['a completion for a Bind', 'bind', done('SELECT 1')],
  ['a COPY for a Bind', 'bind', text('G', '\0\0\0')],
  ['ReadyForQuery for an Execute', 'execute', readyMessage(0x49)],
  ['a status that does not exist', 'sync', readyMessage(0x58)],
  ['ReadyForQuery without a status', 'sync', text('Z', '')],
  ['a tag without an end', 'query', text('C', 'SELECT')],
  ['an error without an end', 'query', text('E', 'SERROR')],
] as const)('%s is malformed', (_, kind, bytes) => {
  const { replies } = scanner()
  replies.push(new Reply(kind, 0))
  expect(() => replies.scan(bytes, false)).toThrow(MalformedMessage)
})

test.each([0, 1, 2, 3])('a length of %d is malformed', (length) => {
  const { replies } = scanner()
  expect(() => replies.scan(Buffer.from([0x44, 0, 0, 0, length]), false)).toThrow(MalformedMessage)
})

test.each([
  ['a row beyond its limit', 'D', 0x0400_0005],
  ['an error beyond its limit', 'E', 0x0010_0005],
  ['the longest length there is', 'T', 0xffff_ffff],
])('%s is too long before it is kept', (_, type, length) => {
  const { replies } = scanner()
  replies.push(new Reply('query', 0))
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeUInt32BE(length, 1)
  expect(() => replies.scan(head, false)).toThrow(MessageTooLong)
})

test('an error within a pipeline undoes what it skips, newest first, up to the Sync', () => {
  const { out, replies, settled } = scanner()
  const undone: string[] = []
  for (const name of ['a', 'b']) {
    replies.push(
      new Reply('parse', 0, { change: { undo: () => undone.push(name), done: () => undefined } }),
    )
  }
  replies.push(new Reply('sync', 0))
  replies.scan(Buffer.concat([failure('42601'), readyMessage(0x49)]), false)
  expect(undone).toEqual(['b', 'a'])
  expect([replies.count, replies.skipping, settled()]).toEqual([0, false, 1])
  expect(out.take(false)?.length).toBeGreaterThan(0)
})

test('an error that the gateway provoked is swapped for its own', () => {
  const { out, replies } = scanner()
  const own = failure('42501')
  replies.push(new Reply('query', 0, { error: own }))
  replies.scan(Buffer.concat([failure('42601'), readyMessage(0x49)]), false)
  expect(out.take(false)?.equals(Buffer.concat([own, readyMessage(0x49)]))).toBe(true)
})

test('the answers to the gateway’s own look-up are kept from the caller', () => {
  const { out, replies } = scanner()
  const rows: (string | null)[][] = []
  let isDone = false
  const lookup = {
    rows,
    done: () => {
      isDone = true
    },
  }
  for (const kind of ['parse', 'bind', 'execute', 'close', 'sync'] as const) {
    replies.push(new Reply(kind, 0, { lookup }))
  }
  const parts = [text('1', ''), text('2', ''), row('r'), done('SELECT 1'), text('3', '')]
  const bytes = Buffer.concat([...parts, readyMessage(0x49)])
  for (const byte of bytes) replies.scan(Buffer.from([byte]), true)
  expect([rows, isDone, out.take(false)]).toEqual([[['r']], true, undefined])
})

/** A small generator of numbers (mulberry32), so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

test('random bytes from a target end in one of two errors, and nothing else', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const next = random(seed)
  for (let round = 0; round < 3_000; round += 1) {
    const { replies } = scanner()
    for (const kind of AWAITED) replies.push(new Reply(kind, 0))
    const bytes = Buffer.from(STREAM)
    for (let hit = 0; hit < 4; hit += 1) {
      bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256)
    }
    try {
      for (let at = 0; at < bytes.length;) {
        const size = 1 + Math.floor(next() * 400)
        replies.scan(bytes.subarray(at, at + size), false)
        at += size
      }
    } catch (thrown) {
      const isMeant = thrown instanceof MalformedMessage || thrown instanceof MessageTooLong
      expect(isMeant, `seed ${seed}, round ${round}: ${String(thrown)}`).toBe(true)
    }
  }
})
