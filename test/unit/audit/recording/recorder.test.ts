// The writing end: what is not stored is never said to be, and a session that can't be recorded is
// told so.

import { expect, test, vi } from 'vitest'
import { WarderError } from '../../../../core/errors.js'
import { ABOUT, command, Studio, until } from './fixtures.js'

const unavailable = { code: 'RECORD_UNAVAILABLE' }
const thrown = expect.objectContaining(unavailable) as Error

test('no recording is opened when the header can’t be stored, and its key is destroyed', async () => {
  const studio = new Studio()
  studio.chunks.isFull = true
  const recorder = await studio.recorder()
  await expect(recorder.open(ABOUT)).rejects.toMatchObject(unavailable)
  expect(studio.keys.entries.size).toBe(0)
  expect(await studio.logged('recording.stored')).toEqual([])
})

test('no recording is opened when the key can’t be stored, and no chunk is written', async () => {
  const studio = new Studio()
  studio.keys.isDown = true
  const recorder = await studio.recorder()
  await expect(recorder.open(ABOUT)).rejects.toMatchObject(unavailable)
  expect(studio.chunks.putCount).toBe(0)
})

test('a store that never answers refuses the session in the end', async () => {
  const studio = new Studio()
  studio.chunks.gate = new Promise(() => undefined)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const recorder = await studio.recorder()
    const opening = recorder.open(ABOUT)
    const refused = expect(opening).rejects.toMatchObject(unavailable)
    await until(() => studio.chunks.putCount === 1)
    await vi.advanceTimersByTimeAsync(5_000)
    await refused
  } finally {
    vi.useRealTimers()
  }
})

test('a full store ends the recording: listeners hear it once, later events are refused, the log says what is lost', async () => {
  const studio = new Studio()
  const recorder = await studio.recorder()
  const recording = await recorder.open(ABOUT)
  const heard: Error[] = []
  recording.onFailure(() => {
    throw new Error('a listener that fails')
  })
  recording.onFailure((failure) => heard.push(failure))
  recording.onFailure((failure) => heard.push(failure))()
  recording.add([command(1)])
  await recording.flush()
  studio.chunks.isFull = true
  recording.add([command(2), command(3)])
  await expect(recording.flush()).rejects.toMatchObject(unavailable)
  studio.chunks.isFull = false
  expect(heard).toHaveLength(1)
  expect(() => {
    recording.add([command(4)])
  }).toThrow(thrown)
  await expect(recording.close()).rejects.toMatchObject(unavailable)
  const late = new Promise((resolve) => recording.onFailure(resolve))
  expect(await late).toMatchObject(unavailable)
  expect(await studio.logged('recording.failed')).toMatchObject([
    { chunk: 2, events: 2, firstCommand: 2, lastCommand: 3 },
  ])
  expect(await studio.logged('recording.closed')).toEqual([])
})

test('events that come while the failing chunk is under way are said to be lost with it', async () => {
  const studio = new Studio()
  const recorder = await studio.recorder()
  const recording = await recorder.open(ABOUT)
  studio.chunks.isFull = true
  recording.add([command(1)])
  const flushed = recording.flush()
  recording.add([command(2)])
  await expect(flushed).rejects.toMatchObject(unavailable)
  expect(await studio.logged('recording.failed')).toMatchObject([
    { events: 2, firstCommand: 1, lastCommand: 2 },
  ])
})

test('a store that is too slow for one session ends it, and what was under way is still logged when it arrives', async () => {
  const studio = new Studio()
  const recorder = await studio.recorder({ pendingBytesMax: 2_000 })
  const recording = await recorder.open(ABOUT)
  let open: () => void = () => undefined
  studio.chunks.gate = new Promise((resolve) => {
    open = resolve
  })
  let last = 0
  expect(() => {
    for (;;) recording.add([command(++last, { text: 'x'.repeat(300) + String(last) })])
  }).toThrow(thrown)
  expect(last).toBeGreaterThan(4)
  open()
  await until(() => studio.chunks.chunks.size === 2)
  expect(await studio.logged('recording.stored')).toHaveLength(2)
  expect(await studio.logged('recording.failed')).toMatchObject([
    { firstCommand: 2, lastCommand: last },
  ])
})

test('what all sessions owe together is bounded, and what a failed one owed is given back', async () => {
  const studio = new Studio()
  const recorder = await studio.recorder({ processPendingBytesMax: 2_000, chunkBytes: 10_000 })
  const [one, other] = [
    await recorder.open(ABOUT),
    await recorder.open({ ...ABOUT, sessionId: 'ses_2' }),
  ]
  one.add([command(1, { text: 'x'.repeat(1_500) })])
  expect(() => {
    other.add([command(1, { text: 'x'.repeat(1_500) })])
  }).toThrow(thrown)
  await one.close()
  const third = await recorder.open({ ...ABOUT, sessionId: 'ses_3' })
  third.add([command(1, { text: 'x'.repeat(1_900) })])
  await third.close()
})

test('one long statement is taken whatever the bound, as long as nothing else is owed', async () => {
  const studio = new Studio()
  const recorder = await studio.recorder({ pendingBytesMax: 1_000 })
  const recording = await recorder.open(ABOUT)
  recording.add([command(1, { text: 'x'.repeat(1_000_000) })])
  await recording.close()
  expect(await studio.told()).toEqual([1])
})

test('an event that could not be read back is refused', async () => {
  const studio = new Studio()
  const recorder = await studio.recorder()
  const recording = await recorder.open(ABOUT)
  const output = { kind: 'output', atMs: 0, number: 1, omittedBytes: 0 } as const
  expect(() => {
    recording.add([{ ...output, bytes: Buffer.alloc(33 * 1024 * 1024) }])
  }).toThrow(thrown)
})

test('a short outage costs nothing: the very same bytes are written again', async () => {
  const studio = new Studio()
  const recorder = await studio.recorder({ retryAfterMs: [1, 1, 1] })
  const recording = await recorder.open(ABOUT)
  studio.chunks.failures = [new WarderError('RECORD_UNAVAILABLE'), 'lost answer', new Error('EIO')]
  recording.add([command(1)])
  await recording.close()
  expect(studio.chunks.putCount).toBe(5)
  expect(await studio.told()).toEqual([1])
})

test('a hash is on the log only when its chunk is stored, and the last record counts them all', async () => {
  const studio = new Studio()
  const recorder = await studio.recorder()
  const recording = await recorder.open(ABOUT)
  expect(await studio.logged('recording.stored')).toMatchObject([{ chunk: 0, events: 0 }])
  let open: () => void = () => undefined
  studio.chunks.gate = new Promise((resolve) => {
    open = resolve
  })
  recording.add([command(3), command(4)])
  const flushed = recording.flush()
  await until(() => studio.chunks.putCount === 2)
  expect(await studio.logged('recording.stored')).toHaveLength(1)
  open()
  await flushed
  expect(await studio.logged('recording.stored')).toMatchObject([
    {},
    { sessionId: 'ses_1', chunk: 1, events: 2, firstCommand: 3, lastCommand: 4 },
  ])
  await Promise.all([recording.close(), recording.close()])
  expect(await studio.logged('recording.closed')).toMatchObject([{ chunks: 2 }])
  expect(studio.keys.closings).toEqual(['ses_1 2'])
  expect(() => {
    recording.add([command(5)])
  }).toThrow(thrown)
})

test('a chunk is cut by size at once, and by age when little comes', async () => {
  const studio = new Studio()
  const recorder = await studio.recorder({ chunkBytes: 500, chunkMsMax: 1_000 })
  const recording = await recorder.open(ABOUT)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    recording.add([command(1)])
    await vi.advanceTimersByTimeAsync(999)
    expect(studio.chunks.putCount).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    await until(() => studio.chunks.chunks.size === 2)
    recording.add([command(2, { text: 'x'.repeat(500) })])
    await until(() => studio.chunks.chunks.size === 3)
  } finally {
    vi.useRealTimers()
  }
  await recording.close()
})

test('bytes are copied: what the caller does with its buffer later changes nothing', async () => {
  const studio = new Studio()
  const recorder = await studio.recorder()
  const recording = await recorder.open(ABOUT)
  const bytes = Buffer.from('shown')
  recording.add([{ kind: 'output', atMs: 0, number: 1, bytes, omittedBytes: 0 }])
  bytes.fill('x')
  await recording.close()
  const items = (await studio.read()) ?? []
  expect(items.map((item) => ('bytes' in item ? String(item.bytes) : item.kind))).toEqual(['shown'])
})

test('a log that has failed makes the recording fail, without a listener being missed', async () => {
  const studio = new Studio()
  const recorder = await studio.recorder()
  const recording = await recorder.open(ABOUT)
  const failed = new Promise((resolve) => recording.onFailure(resolve))
  await (await studio.log()).close()
  recording.add([command(1)])
  await expect(recording.flush()).rejects.toMatchObject(unavailable)
  expect(await failed).toMatchObject(unavailable)
})
