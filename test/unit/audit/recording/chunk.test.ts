// A chunk in its stored form: nothing but its own key, session and number opens it.

import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  chunkName,
  chunkNumber,
  openChunk,
  RECORDING_KEY_BYTES,
  sealChunk,
} from '../../../../audit/recording/chunk.js'

const key = randomBytes(RECORDING_KEY_BYTES)
const place = { sessionId: 'ses_1', chunk: 7 }
const raw = Buffer.from('a statement, a secret, a statement')
const refusal = { code: 'INTERNAL' }

test('no byte of a chunk can be changed', async () => {
  const { bytes } = await sealChunk(key, place, raw)
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Uint8Array.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    await expect(openChunk(key, place, changed), `byte ${String(at)}`).rejects.toMatchObject(
      refusal,
    )
  }
})

test('no part of a chunk is a chunk', async () => {
  const { bytes } = await sealChunk(key, place, raw)
  for (let length = 0; length < bytes.length; length += 1) {
    await expect(openChunk(key, place, bytes.subarray(0, length))).rejects.toMatchObject(refusal)
  }
})

test.each([
  ['number', { ...place, chunk: 8 }, key],
  ['session', { ...place, sessionId: 'ses_2' }, key],
  ['key', place, randomBytes(RECORDING_KEY_BYTES)],
])('another %s opens nothing', async (_, otherPlace, otherKey) => {
  const { bytes } = await sealChunk(key, place, raw)
  await expect(openChunk(otherKey, otherPlace, bytes)).rejects.toMatchObject(refusal)
})

test('what it holds stands nowhere in clear, and the same twice looks different', async () => {
  const one = await sealChunk(key, place, raw)
  const other = await sealChunk(key, place, raw)
  expect(Buffer.from(one.bytes).toString('latin1')).not.toContain('secret')
  expect(one.sha256).not.toBe(other.sha256)
})

test.each([0, 1, 34, 300_000, 3_000_000])('%d bytes come back as they were', async (length) => {
  const bytes = length === 34 ? raw : randomBytes(length)
  const sealed = await sealChunk(key, place, bytes)
  expect((await openChunk(key, place, sealed.bytes)).equals(bytes)).toBe(true)
})

test('names sort as their numbers do, and give them back', () => {
  const names = [0, 9, 10, 12_345_678].map((chunk) => chunkName({ ...place, chunk }))
  expect(names.toSorted()).toEqual(names)
  expect(names.map((name) => chunkNumber('ses_1', name))).toEqual([0, 9, 10, 12_345_678])
})

test.each(['ses_2/00000001', 'ses_1/1', 'ses_1/0000000x', 'ses_1', 'ses_1/00000001.part'])(
  '%s is the name of no chunk of the session',
  (name) => {
    expect(chunkNumber('ses_1', name)).toBeUndefined()
  },
)
