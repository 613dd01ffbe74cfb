import { beforeEach, expect, test, vi } from 'vitest'
import { Watch } from '../../../app/readiness.js'
import { WarderError } from '../../../core/errors.js'
import { ManualClock } from '../../fakes/manual-clock.js'

let clock: ManualClock

beforeEach(() => {
  clock = new ManualClock()
})

const fine = () => Promise.resolve(undefined)

test('one part that is down makes the whole not ready, and is named', async () => {
  const why = 'the store does not answer in time'
  const down = () => Promise.reject(new WarderError('CONTROL_PLANE_UNAVAILABLE', { why }))
  const watch = new Watch({ store: down, temporal: fine }, clock)
  expect(await watch.readiness()).toEqual({
    status: 'unready',
    parts: [
      { part: 'store', ok: false, why },
      { part: 'temporal', ok: true, facts: undefined },
    ],
  })
})

test('what an unknown failure says is not passed on: it may hold addresses', async () => {
  const down = () => Promise.reject(new Error('connect ECONNREFUSED db-7.internal:5432'))
  const { parts } = await new Watch({ store: down }, clock).readiness()
  expect(JSON.stringify(parts)).not.toContain('db-7')
  expect(parts[0]).toMatchObject({ ok: false, why: 'it does not answer' })
})

test('a part that does not answer is down after a second', async () => {
  vi.useFakeTimers()
  try {
    const asked = new Watch({ bus: () => new Promise(() => undefined) }, clock).readiness()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await asked).toMatchObject({
      status: 'unready',
      parts: [{ why: 'no answer within a second' }],
    })
  } finally {
    vi.useRealTimers()
  }
})

test('however often it is asked, a part is looked at once a second', async () => {
  let looks = 0
  const probe = () => {
    looks += 1
    return Promise.resolve(undefined)
  }
  const watch = new Watch({ store: probe }, clock)
  await Promise.all(Array.from({ length: 50 }, () => watch.readiness()))
  expect(looks).toBe(1)
  clock.advance(1_000)
  await watch.readiness()
  expect(looks).toBe(2)
})

test('a process that drains is not ready, however well its parts are', async () => {
  const watch = new Watch({ store: fine }, clock)
  expect((await watch.readiness()).status).toBe('ready')
  watch.drain()
  expect((await watch.readiness()).status).toBe('draining')
})
