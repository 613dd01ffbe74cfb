// The reading end: every chunk that is not as the log says is named, and the others are read.

import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { WarderError } from '../../../../core/errors.js'
import { chunkName, sealChunk } from '../../../../audit/recording/chunk.js'
import { ABOUT, command, EVENTS, MemoryKeys, Studio } from './fixtures.js'

const nameOf = (chunk: number, sessionId = 'ses_1'): string => chunkName({ sessionId, chunk })

/** Chunks 0 to 4, with commands 1 to 4. */
async function studioWithRecording(): Promise<Studio> {
  const studio = new Studio()
  await studio.recorded(4)
  return studio
}

test('an altered byte is found before anything is decrypted', async () => {
  const studio = await studioWithRecording()
  const bytes = studio.chunks.chunks.get(nameOf(2))
  bytes?.set([(bytes.at(-1) ?? 0) ^ 1], bytes.length - 1)
  expect(await studio.told()).toEqual([1, 'altered 2', 3, 4])
})

test('a chunk that its key opens but the log does not know by this hash is not shown', async () => {
  const studio = await studioWithRecording()
  const key = studio.keys.entries.get('ses_1')?.key ?? randomBytes(32)
  const place = { sessionId: 'ses_1', chunk: 2 }
  studio.chunks.chunks.set(nameOf(2), (await sealChunk(key, place, Buffer.alloc(0))).bytes)
  expect(await studio.told()).toEqual([1, 'altered 2', 3, 4])
})

test('swapped chunks are both found', async () => {
  const studio = await studioWithRecording()
  const { chunks } = studio.chunks
  const [second, third] = [chunks.get(nameOf(2)), chunks.get(nameOf(3))]
  if (second !== undefined && third !== undefined) {
    chunks.set(nameOf(2), third).set(nameOf(3), second)
  }
  expect(await studio.told()).toEqual([1, 'altered 2', 'altered 3', 4])
})

test('a chunk of another session in its place is found', async () => {
  const studio = await studioWithRecording()
  await studio.recorded(4, { ...ABOUT, sessionId: 'ses_2' })
  const foreign = studio.chunks.chunks.get(nameOf(2, 'ses_2'))
  if (foreign !== undefined) studio.chunks.chunks.set(nameOf(2), foreign)
  expect(await studio.told()).toEqual([1, 'altered 2', 3, 4])
})

test.each([
  [0, ['missing 0', 1, 2, 3, 4]],
  [2, [1, 'missing 2', 3, 4]],
  [4, [1, 2, 3, 'missing 4']],
])('chunk %d is missed when it is gone', async (chunk, told) => {
  const studio = await studioWithRecording()
  studio.chunks.chunks.delete(nameOf(chunk))
  expect(await studio.told()).toEqual(told)
})

test('a finding says which commands are not shown because of it', async () => {
  const studio = await studioWithRecording()
  studio.chunks.chunks.delete(nameOf(2))
  expect((await studio.read())?.[1]).toEqual({
    ...{ kind: 'finding', fault: 'missing', chunk: 2, commands: { first: 2, last: 2 } },
    text: 'chunk 2 is missing from the store',
  })
})

test('the last chunk is missed even when the log does not know it either: the log counted them', async () => {
  const studio = await studioWithRecording()
  studio.chunks.chunks.delete(nameOf(4))
  studio.records.records = studio.records.records.filter(
    ({ kind, body }) => kind !== 'recording.stored' || !body.includes('"chunk":4'),
  )
  expect(await studio.told()).toEqual([1, 2, 3, 'missing 4'])
})

test('a chunk that the log does not mention is named and not shown, in the middle and at the end', async () => {
  const studio = await studioWithRecording()
  studio.records.records = studio.records.records.filter(
    ({ kind, body }) => kind !== 'recording.stored' || !body.includes('"chunk":2'),
  )
  studio.chunks.chunks.set(nameOf(9), new Uint8Array(5))
  studio.chunks.chunks.set('ses_1/notes', new Uint8Array(5))
  expect(await studio.told()).toEqual(['unlogged -', 1, 'unlogged 2', 3, 4, 'unlogged 9'])
})

test('without its key a recording is said to be gone for good, and its chunks are still accounted for', async () => {
  const studio = await studioWithRecording()
  await studio.keys.destroy('ses_1')
  studio.chunks.chunks.delete(nameOf(2))
  expect(await studio.told()).toEqual(['key-destroyed -', 'missing 2'])
})

test('a key that can’t be opened is told from one that is gone', async () => {
  const studio = await studioWithRecording()
  const keys = new (class extends MemoryKeys {
    override find(): never {
      throw new WarderError('INTERNAL', { why: 'key 12 is not on the key ring' })
    }
  })()
  const told = await Object.assign(studio, { keys }).read()
  expect(told).toMatchObject([{ fault: 'unreadable', text: /key 12 is not on the key ring/ }])
})

test('the wrong key opens no chunk, and each is said to be unreadable', async () => {
  const studio = await studioWithRecording()
  await studio.keys.open({ sessionId: 'ses_1', key: randomBytes(32), startedAt: 0 })
  expect(await studio.told()).toEqual([0, 1, 2, 3, 4].map((chunk) => `unreadable ${String(chunk)}`))
})

test('a store that can’t be reached is no missing chunk', async () => {
  const studio = await studioWithRecording()
  studio.chunks.list = () => Promise.reject(new WarderError('RECORD_UNAVAILABLE'))
  await expect(studio.read()).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' })
})

test('one chunk that the store fails to give does not hide the others', async () => {
  const studio = await studioWithRecording()
  const get = studio.chunks.get.bind(studio.chunks)
  studio.chunks.get = (name) =>
    name === nameOf(2) ? Promise.reject(new WarderError('RECORD_UNAVAILABLE')) : get(name)
  expect(await studio.told()).toEqual([1, 'unreadable 2', 3, 4])
})

test('a recording that was not closed says so, and shows what there is', async () => {
  const studio = new Studio()
  const recording = await (await studio.recorder()).open(ABOUT)
  recording.add([command(1)])
  await recording.flush()
  expect(await studio.told()).toEqual([1, 'unfinished -'])
})

test('a chunk that was stored and not yet logged is no alarm while the session may still run', async () => {
  const studio = new Studio()
  const recording = await (await studio.recorder()).open(ABOUT)
  recording.add([command(1)])
  await recording.flush()
  studio.chunks.chunks.set(nameOf(2), new Uint8Array(5))
  expect(await studio.read()).toMatchObject([
    { number: 1 },
    { fault: 'unfinished', text: /goes on with chunk 2, which is not on the log yet/ },
  ])
})

test('what could not be stored when it happened is told with its reason', async () => {
  const studio = new Studio()
  const recording = await (await studio.recorder()).open(ABOUT)
  studio.chunks.isFull = true
  recording.add([command(1), command(2)])
  await expect(recording.flush()).rejects.toThrow()
  expect(await studio.read()).toMatchObject([
    { fault: 'missing', commands: { first: 1, last: 2 }, text: /could not be stored/ },
  ])
})

test('a session that was never recorded has no recording', async () => {
  expect(await new Studio().read()).toBeUndefined()
})

test('events come back in their order, over all chunks', async () => {
  const studio = new Studio()
  const recording = await (await studio.recorder()).open(ABOUT)
  for (const event of EVENTS) {
    recording.add([event])
    await recording.flush()
  }
  await recording.close()
  const read = (await studio.read()) ?? []
  expect(read.map(({ kind }) => kind)).toEqual(EVENTS.map(({ kind }) => kind))
})
