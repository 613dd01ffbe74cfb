// The writing end: what is not durable is never said to be, and a log that failed stays failed.

import { expect, test } from 'vitest'
import type { AuditEvent } from '../../../core/audit.js'
import { verifyLog } from '../../../audit/export.js'
import { finished, keys, MemoryRecordStore, openLog } from './fixtures.js'

const unavailable = { code: 'RECORD_UNAVAILABLE' }

/** A store whose writes wait until the returned function is called. */
function gated(store: MemoryRecordStore): () => void {
  let open: () => void = () => undefined
  store.gate = new Promise((resolve) => {
    open = resolve
  })
  return () => {
    store.gate = undefined
    open()
  }
}

test('an unknown kind, an unclassified field or a nested value is a bug, and takes no number', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  const bad: { kind: string; fields: object }[] = [
    { kind: 'nothing.known', fields: {} },
    { kind: 'toString', fields: {} },
    { kind: 'session.ended', fields: { password: 'x' } },
    { kind: 'session.ended', fields: { constructor: 'x' } },
    { kind: 'session.ended', fields: { sessionId: { nested: true } } },
    { kind: 'session.ended', fields: { sessionId: null } },
    { kind: 'session.ended', fields: { durationMs: Number.NaN } },
    { kind: 'session.ended', fields: { sessionId: [1] } },
  ]
  for (const event of bad) {
    expect(() => log.append(event as unknown as AuditEvent), JSON.stringify(event)).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }) as Error,
    )
  }
  expect(log.append(finished(1))).toBe(2)
})

test('nothing is durable before the store has said so', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  const open = gated(store)
  let settled = false
  const waiting = log.durable(log.append(finished(1))).then(() => {
    settled = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  expect(settled).toBe(false)
  open()
  await waiting
  expect(store.records.map(({ seq }) => seq)).toEqual([1, 2])
})

test('a write whose answer was lost is repeated with the very same rows, once each', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  store.failNext = ['after', 'before']
  await log.durable(log.append(finished(1)))
  await log.close()
  expect(store.records.map(({ seq }) => seq)).toEqual([1, 2])
  expect((await verifyLog(store, { keys })).ok).toBe(true)
})

test('when writing fails again and again the log is over: waiters, listeners and later calls all hear it', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  const heard: Error[] = []
  log.onFailure(() => {
    throw new Error('a listener that fails')
  })
  log.onFailure((failure) => heard.push(failure))
  log.onFailure((failure) => heard.push(failure))()
  store.failNext = Array.from({ length: 10 }, () => 'before')
  const ticket = log.append(finished(1))
  await expect(log.durable(ticket)).rejects.toMatchObject(unavailable)
  store.failNext = []
  expect(heard).toHaveLength(1)
  expect(() => log.append(finished(2))).toThrow(expect.objectContaining(unavailable) as Error)
  await expect(log.durable(1)).rejects.toMatchObject(unavailable)
  await expect(log.close()).rejects.toMatchObject(unavailable)
  const late = new Promise((resolve) => log.onFailure(resolve))
  expect(await late).toMatchObject(unavailable)
})

test('two writers on one chain: the second is refused at its first record', async () => {
  const store = new MemoryRecordStore()
  await openLog(store, 'gwy_a')
  await expect(openLog(store, 'gwy_a')).rejects.toMatchObject(unavailable)
  expect(store.records).toHaveLength(1)
})

test('a chain that is taken over in the middle ends the log instead of forking it', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  const first = store.records[0]
  if (first !== undefined) store.records.push({ ...first, seq: 2, hash: 'f'.repeat(64) })
  await expect(log.durable(log.append(finished(1)))).rejects.toMatchObject(unavailable)
})

test('beyond the bound of what is owed an event is refused, and no number is lost', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a', { pendingBytesMax: 10_000 })
  const open = gated(store)
  let taken = 0
  expect(() => {
    for (;;) {
      log.append(finished(1))
      taken += 1
    }
  }).toThrow(expect.objectContaining(unavailable) as Error)
  expect(taken).toBeGreaterThan(3)
  open()
  await log.durable(taken + 1)
  expect(log.append(finished(1))).toBe(taken + 2)
  await log.close()
  expect((await verifyLog(store, { keys })).ok).toBe(true)
})

test('one record that alone is too long is refused without ending the log', async () => {
  const log = await openLog(new MemoryRecordStore(), 'gwy_a')
  const long = finished(1, 'x'.repeat(25 * 1024 * 1024))
  expect(() => log.append(long)).toThrow(expect.objectContaining(unavailable) as Error)
  await log.durable(log.append(finished(2)))
})

test('a closed log takes nothing any more', async () => {
  const log = await openLog(new MemoryRecordStore(), 'gwy_a')
  await log.close()
  expect(() => log.append(finished(1))).toThrow(expect.objectContaining(unavailable) as Error)
})

test('a checkpoint that this process signed and that is gone ends the log', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  await settled(() => store.signed.length === 1)
  store.signed = []
  log.append(finished(1))
  await expect(log.close()).rejects.toThrow('removed or replaced')
})

test('everybody who waits at the same time shares one write', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  const before = store.appendCount
  await Promise.all(
    Array.from({ length: 200 }, (_, command) => log.durable(log.append(finished(command)))),
  )
  expect(store.appendCount - before).toBe(1)
})

test('what nobody waits for is written all the same', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  log.append(finished(1))
  await settled(() => store.records.length === 2)
})

test('records keep the order and the numbers of their appends, whatever batches they go in', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  for (let command = 1; command <= 1_500; command += 1) {
    log.append(finished(command))
    if (command % 300 === 0) await log.durable(command)
  }
  await log.close()
  expect(store.records.map(({ seq }) => seq)).toEqual(
    Array.from({ length: 1_501 }, (_, at) => at + 1),
  )
  expect((await verifyLog(store, { keys })).ok).toBe(true)
})

test('sensitive fields stand nowhere in clear, public ones do', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  await log.durable(log.append(finished(1, 'select card from customers')))
  const body = store.records[1]?.body ?? ''
  expect(body).not.toContain('select card')
  expect(body).not.toContain('4111')
  expect(body).toContain('"sessionId":"ses_1","startedAt":1,"statements":[')
})

/** Waits, turn by turn of the event loop, until something is so. */
async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
