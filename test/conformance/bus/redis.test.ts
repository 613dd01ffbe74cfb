// The bus through a real Redis, as a user that may do nothing else there: what one process publishes
// the others hear, through kills and silences of the server; and strangers on the channel change nothing.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createBus } from '../../../app/bus.js'
import type { GatewayId } from '../../../core/ids.js'
import type { HintBus } from '../../../store/hint-bus.js'
import { until } from '../../e2e/until.js'
import { isRedisMissing, startRedis, type RedisServer } from '../../redis-server.js'
import { newGrant } from '../../unit/store/fixtures.js'

const soon = (what: string, probe: () => boolean) => until(what, 20_000, probe)
const KEY = Buffer.alloc(32, 3)

let redis: RedisServer
const buses: HintBus[] = []

beforeAll(async () => {
  if (!isRedisMissing()) redis = await startRedis()
})

afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close()))
})

afterAll(async () => {
  if (!isRedisMissing()) await redis.stop()
})

function openBus(from: GatewayId, key: Uint8Array = KEY, redisUrl = redis.url) {
  const heard = { grants: [] as string[], policies: 0, resyncs: 0, troubles: [] as unknown[] }
  const onTrouble = (trouble: unknown) => void heard.troubles.push(trouble)
  const bus = createBus({ databaseUrl: '', redisUrl, key, from, onTrouble })
  bus.onGrant(({ id }) => heard.grants.push(id))
  bus.onPolicy(() => (heard.policies += 1))
  bus.onResync(() => (heard.resyncs += 1))
  buses.push(bus)
  return { bus, heard }
}

async function openPair() {
  const pair = [openBus('gwy_a'), openBus('gwy_b')] as const
  await soon('both listen', () => pair.every(({ heard }) => heard.resyncs > 0))
  return pair
}

test.skipIf(isRedisMissing())('what one publishes the other hears, in order', async () => {
  const [a, b] = await openPair()
  const grants = Array.from({ length: 100 }, () => newGrant())
  for (const grant of grants) a.bus.publishGrant(grant)
  a.bus.publishPolicy()
  await soon('all is heard', () => b.heard.policies > 0)
  expect(b.heard.grants).toEqual(grants.map(({ id }) => id))
  expect([...a.heard.troubles, ...b.heard.troubles]).toEqual([])
})

test.skipIf(isRedisMissing())('a deployment with another key hears nothing of it', async () => {
  const [a, b] = await openPair()
  const other = openBus('gwy_other', Buffer.alloc(32, 4))
  await soon('it listens', () => other.heard.resyncs > 0)
  a.bus.publishPolicy()
  await soon('the neighbour hears it', () => b.heard.policies > 0)
  expect(other.heard.policies).toBe(0)
})

test.skipIf(isRedisMissing())(
  'Redis killed and started again: noticed, joined, read anew',
  async () => {
    const [a, b] = await openPair()
    await redis.kill()
    await soon('both notice', () => a.heard.troubles.length > 0 && b.heard.troubles.length > 0)
    a.bus.publishGrant(newGrant())
    await redis.restart()
    await soon('both listen again', () => a.heard.resyncs > 1 && b.heard.resyncs > 1)
    const grant = newGrant()
    a.bus.publishGrant(grant)
    await soon('it is heard', () => b.heard.grants.includes(grant.id))
    // Nothing that was published while Redis was away comes late.
    expect(b.heard.grants).toEqual([grant.id])
    expect(a.heard.troubles.map(String).join()).not.toContain('secret-of-the-bus')
  },
)

test.skipIf(isRedisMissing())('a Redis that keeps silent keeps no publisher waiting', async () => {
  const [a, b] = await openPair()
  redis.freeze()
  try {
    const startedMs = performance.now()
    for (let count = 0; count < 1_000; count += 1) a.bus.publishGrant(newGrant())
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    expect(a.heard.grants).toHaveLength(1_000)
  } finally {
    redis.thaw()
  }
  await soon('the others hear it after all', () => b.heard.grants.length === 1_000)
})

test.skipIf(isRedisMissing())('what strangers write to the channel is ignored', async () => {
  const [a, b] = await openPair()
  const channels = (await redis.command('PUBSUB', 'CHANNELS', 'warder:*')) as string[]
  expect(channels).toHaveLength(1)
  const junk = ['', 'x'.repeat(1_000_000), '{"v":1}', '[]', '{"v":1,"from":"gwy_x","hints":[1]}']
  for (const text of junk) await redis.command('PUBLISH', channels[0] ?? '', text)
  a.bus.publishPolicy()
  await soon('what is ours is heard', () => b.heard.policies > 0)
  expect(b.heard.grants).toEqual([])
  expect(b.heard.troubles).toHaveLength(1)
})

test.skipIf(isRedisMissing())('a wrong password is said without it, and stops nobody', async () => {
  const url = redis.url.replace('secret-of-the-bus', 'not-the-password')
  const { bus, heard } = openBus('gwy_wrong', KEY, url)
  await soon('it says so', () => heard.troubles.length > 0)
  bus.publishPolicy()
  expect(heard.policies).toBe(1)
  expect(heard.troubles.map(String).join()).not.toContain('not-the-password')
})
