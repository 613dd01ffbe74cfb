import { expect, test } from 'vitest'

import { MalformedMessage, message, readError } from '../../../../../proxy/postgres/messages.js'
import { redactError, redactNotification } from '../../../../../proxy/postgres/masking/messages.js'
import { seeded, seedOfRun } from '../../../../random.js'
import { searchOf } from './scene.js'

const HEAD = 5
const report = (fields: Readonly<Record<string, string>>, type = 'E') =>
  message(
    type.charCodeAt(0),
    Buffer.from(
      `${Object.entries(fields)
        .map(([letter, text]) => `${letter}${text}\0`)
        .join('')}\0`,
    ),
  )

const EVERY_FIELD = {
  ...{ S: 'ERROR', V: 'ERROR', C: '23505', M: 'duplicate key token', D: 'Key (ssn)=(token)' },
  ...{ H: 'token', P: '12', p: '3', q: 'token', W: 'token', s: 'token', t: 'token', c: 'token' },
  ...{ d: 'token', n: 'token', F: 'nbtinsert.c', L: '666', R: 'token', Z: 'token' },
}

/** The fields of what comes instead. */
function instead(
  fields: Readonly<Record<string, string>>,
  touchesMasked: boolean,
  search = searchOf(),
  type = 'E',
) {
  const bytes = report(fields, type)
  const other = redactError(bytes, HEAD, bytes.length, touchesMasked, search)
  if (other === undefined) return undefined
  expect(String.fromCharCode(other[0] ?? 0)).toBe(type)
  expect(other.readUInt32BE(1)).toBe(other.length - 1)
  return Object.fromEntries(readError(other, HEAD, other.length))
}

test.each(['E', 'N'])('of message %s about masked columns only facts are left', (type) => {
  expect(instead(EVERY_FIELD, true, undefined, type)).toEqual({
    ...{ S: 'ERROR', V: 'ERROR', C: '23505', P: '12' },
    M: 'a unique constraint was violated (details withheld: masked columns are read)',
  })
})

test('an unknown code of a known class is told by its class', () => {
  expect(instead({ C: '22P06', M: 'token' }, true)?.['M']).toContain('a value was not valid')
  expect(instead({ C: 'P0001', M: 'token' }, true)?.['M']).toContain('the target reported an error')
  expect(instead({ C: '00000', M: 'token' }, true)?.['M']).toContain('something to say')
})

test.each([
  [{ C: 'token', M: 'x' }, { C: 'XX000' }],
  [{ C: '078051120', M: 'x' }, { C: 'XX000' }],
  [{ M: 'x' }, { C: 'XX000' }],
  [
    { C: '42601', S: '078-05-1120', V: 'ERROR' },
    { C: '42601', V: 'ERROR' },
  ],
  [{ C: '42601', P: '1 token' }, { C: '42601' }],
])('fields that are not what they should be are not passed on: %j', (fields, meant) => {
  const other = instead(fields, true)
  expect(other).toEqual({ ...meant, M: expect.stringContaining('withheld') as string })
})

test('a localized severity is kept', () => {
  expect(instead({ S: 'FEHLER', V: 'ERROR', C: '42601' }, true)).toMatchObject({ S: 'FEHLER' })
})

test('elsewhere an error passes as it is, unless something is found in it', () => {
  const fields = { S: 'ERROR', C: '22P02', M: 'invalid input: "x"', D: 'harmless' }
  expect(instead(fields, false)).toBeUndefined()
  expect(instead({ ...fields, D: 'it is secret-1234, really', c: 'secret-5678' }, false)).toEqual({
    ...fields,
    D: 'it is [redacted], really',
    c: '[redacted]',
  })
})

test('without masked columns and detectors nothing is looked at', () => {
  const bytes = report({ M: 'secret-1234' })
  expect(redactError(bytes, HEAD, bytes.length, false, undefined)).toBeUndefined()
})

test('an error cut short anywhere is malformed, and nothing of it comes out', () => {
  const bytes = report({ S: 'ERROR', C: '22P02', M: 'token secret-1234' })
  for (let end = HEAD; end < bytes.length; end += 1) {
    expect(() => redactError(bytes, HEAD, end, true, undefined)).toThrow(MalformedMessage)
  }
})

test('whatever fields an error has, no token comes out', () => {
  const seed = seedOfRun()
  const random = seeded(seed)
  for (let round = 0; round < 1_000; round += 1) {
    const letters = Array.from({ length: 8 }, () =>
      String.fromCharCode(33 + Math.floor(random() * 94)),
    )
    const fields = Object.fromEntries(letters.map((letter) => [letter, 'x078-05-1120']))
    const bytes = report(fields)
    const other = redactError(bytes, HEAD, bytes.length, true, undefined)
    expect(other?.includes('078'), `seed ${seed}`).toBe(false)
  }
})

const notification = (text: string) =>
  message(0x41, Buffer.concat([Buffer.from([0, 0, 1, 2]), Buffer.from(text)]))

test('what is found in a notification is replaced, channel and payload', () => {
  const bytes = notification('secret-1234\0it is secret-5678\0')
  const other = redactNotification(bytes, HEAD, bytes.length, searchOf())
  expect(other).toEqual(notification('[redacted]\0it is [redacted]\0'))
})

test('a notification in which nothing is found passes as it is', () => {
  const bytes = notification('jobs\0{"id": 7}\0')
  expect(redactNotification(bytes, HEAD, bytes.length, searchOf())).toBeUndefined()
  expect(redactNotification(bytes, HEAD, bytes.length, undefined)).toBeUndefined()
})

test.each(['secret-1234', 'secret-1234\0', 'secret-1234\0payload', 'a\0secret-1234\0more\0'])(
  'a notification that is none is malformed: %j',
  (text) => {
    const bytes = notification(text)
    expect(() => redactNotification(bytes, HEAD, bytes.length, searchOf())).toThrow(
      MalformedMessage,
    )
  },
)
