import { PassThrough } from 'node:stream'
import { parse as parseStream, serialize } from 'pg-protocol'
import { expect, test } from 'vitest'

import {
  authenticationMessage,
  errorMessage,
  keyMessage,
  MalformedMessage,
  message,
  noticeMessage,
  parameterMessage,
  readBind,
  readBindNames,
  readError,
  readExecute,
  readNamed,
  readParameterStatus,
  readParse,
  readQuery,
  readTag,
  readTextRow,
  readyMessage,
} from '../../../../proxy/postgres/messages.js'

const HEAD = 5
type Reader = (bytes: Buffer, start: number, end: number) => unknown
const readAll = (reader: Reader, bytes: Buffer) => reader(bytes, HEAD, bytes.length)

const MESSAGES: readonly (readonly [string, Reader, Buffer, unknown])[] = [
  ['Query', readQuery, serialize.query('select 1'), Buffer.from('select 1')],
  [
    'Parse',
    readParse,
    serialize.parse({ name: 'n', text: 'select $1', types: [23, 25] }),
    { name: 'n', statement: Buffer.from('select $1'), parameterTypes: [23, 25] },
  ],
  [
    'Bind',
    readBind,
    serialize.bind({ portal: 'p', statement: 's', values: ['one', null, Buffer.from([1, 2])] }),
    {
      portal: 'p',
      statement: 's',
      formats: [0, 0, 1],
      values: [Buffer.from('one'), null, Buffer.from([1, 2])],
    },
  ],
  [
    'Describe',
    readNamed,
    serialize.describe({ type: 'S', name: 's' }),
    { kind: 'statement', name: 's' },
  ],
  ['Close', readNamed, serialize.close({ type: 'P', name: 'p' }), { kind: 'portal', name: 'p' }],
  ['Execute', readExecute, serialize.execute({ portal: 'p', rows: 5 }), 'p'],
]

test.each(MESSAGES)('%s of another implementation is read whole', (_, reader, bytes, meant) => {
  expect(readAll(reader, bytes)).toEqual(meant)
})

test.each(MESSAGES)('%s cut anywhere is malformed', (_, reader, bytes) => {
  for (let end = HEAD; end < bytes.length; end += 1) {
    expect(() => reader(bytes, HEAD, end), `cut at ${end}`).toThrow(MalformedMessage)
  }
})

test.each(MESSAGES)('%s with a byte too many is malformed', (_, reader, bytes) => {
  const longer = Buffer.concat([bytes, Buffer.from([0])])
  expect(() => reader(longer, HEAD, longer.length)).toThrow(MalformedMessage)
})

test.each(MESSAGES)('%s reads nothing beyond its end', (_, reader, bytes) => {
  const padded = Buffer.concat([bytes, Buffer.alloc(64, 0x41)])
  expect(reader(padded, HEAD, bytes.length)).toEqual(readAll(reader, bytes))
})

test('the names of a Bind are read without its values', () => {
  const bytes = serialize.bind({ portal: 'p', statement: 's', values: ['x'] })
  expect(readBindNames(bytes, HEAD, bytes.length)).toEqual({ portal: 'p', statement: 's' })
})

test.each([
  ['a statement with a NUL inside', () => readAll(readQuery, message(0x51, Buffer.from('a\0b\0')))],
  ['a format of 2', () => readAll(readBind, bindOf([2], ['x']))],
  ['two formats for three values', () => readAll(readBind, bindOf([0, 1], ['x', 'y', 'z']))],
  ['a value of length -2', () => readAll(readBind, bindOf([], [-2]))],
  ['a value longer than the message', () => readAll(readBind, bindOf([], [1_000]))],
  [
    '65,535 announced types',
    () => readAll(readParse, message(0x50, Buffer.from('\0x\0\xff\xff', 'latin1'))),
  ],
  ['an unknown kind', () => readAll(readNamed, message(0x44, Buffer.from('Xa\0')))],
])('%s is malformed', (_, read) => {
  expect(read).toThrow(MalformedMessage)
})

/** A Bind with these formats; a number stands for a bare length without a value. */
function bindOf(formats: readonly number[], values: readonly (string | number)[]): Buffer {
  const int16 = (value: number) => {
    const bytes = Buffer.alloc(2)
    bytes.writeUInt16BE(value)
    return bytes
  }
  const int32 = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  const cells = values.map((value) =>
    typeof value === 'number'
      ? int32(value)
      : Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]),
  )
  return message(
    0x42,
    Buffer.concat([
      Buffer.from('\0s\0'),
      ...[int16(formats.length), ...formats.map(int16), int16(values.length), ...cells, int16(0)],
    ]),
  )
}

/** What pg-protocol, an implementation of its own, makes of our messages. */
async function parsed(bytes: Buffer): Promise<Record<string, unknown>[]> {
  const stream = new PassThrough()
  const messages: Record<string, unknown>[] = []
  const done = parseStream(stream, (one) =>
    messages.push(one as unknown as Record<string, unknown>),
  )
  stream.end(bytes)
  await done
  return messages
}

test('what the gateway writes is read by another implementation as it was meant', async () => {
  const error = { sqlstate: '42501', message: 'no', detail: 'id x', hint: 'ask' }
  const [failed, notice, ready, key, setting, cleartext, ok] = await parsed(
    Buffer.concat([
      errorMessage('ERROR', error),
      noticeMessage({ sqlstate: '00000', message: 'wait\0ing' }),
      readyMessage(0x54),
      keyMessage(2 ** 31 + 5, 2 ** 32 - 1),
      parameterMessage('TimeZone', 'UTC'),
      authenticationMessage(3),
      authenticationMessage(0),
    ]),
  )
  expect(failed).toMatchObject({ severity: 'ERROR', code: '42501', detail: 'id x', hint: 'ask' })
  expect(notice).toMatchObject({ name: 'notice', message: 'waiting' })
  expect(ready).toMatchObject({ name: 'readyForQuery', status: 'T' })
  expect(key).toMatchObject({ name: 'backendKeyData' })
  expect(setting).toMatchObject({ parameterName: 'TimeZone', parameterValue: 'UTC' })
  expect(cleartext).toMatchObject({ name: 'authenticationCleartextPassword' })
  expect(ok).toMatchObject({ name: 'authenticationOk' })
})

test('messages of a target are read, and cut ones are malformed', () => {
  const error = errorMessage('FATAL', { sqlstate: '57P01', message: 'over' })
  expect([...readError(error, HEAD, error.length)]).toEqual([
    ['S', 'FATAL'],
    ['V', 'FATAL'],
    ['C', '57P01'],
    ['M', 'over'],
  ])
  for (let end = HEAD; end < error.length; end += 1) {
    expect(() => readError(error, HEAD, end)).toThrow(MalformedMessage)
  }
  const setting = parameterMessage('a', 'b')
  expect(readParameterStatus(setting, HEAD, setting.length)).toEqual({ name: 'a', value: 'b' })
  const tag = message(0x43, Buffer.from('SELECT 1\0'))
  expect(readTag(tag, HEAD, tag.length)).toBe('SELECT 1')
  const row = message(0x44, Buffer.from('\0\x02\0\0\0\x01x\xff\xff\xff\xff', 'latin1'))
  expect(readTextRow(row, HEAD, row.length)).toEqual(['x', null])
  expect(() => readTextRow(row, HEAD, row.length - 1)).toThrow(MalformedMessage)
})
