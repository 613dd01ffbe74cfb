// Nothing piles up: whoever reads slowly or sends much keeps the other side waiting, and the gateway
// stays small. WARDER_TEST_FLOW_MB says how much is sent each way; the rest is as always.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { serialize } from 'pg-protocol'
import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import { FlowClient } from './flow-client.js'
import { residentGrowth } from './own-process.js'
import { pbe, s, sqlstateOf, tagsOf, WireClient } from './wire-client.js'

const MB = 1_000_000
const MIB = 1_048_576
const FLOW_BYTES = Number(process.env['WARDER_TEST_FLOW_MB'] ?? 256) * MB
/** What the gateway may grow by, whatever is sent: its own buffers, the kernel's are not counted. */
const GROWTH_BYTES_MAX = 64 * MIB
const ROW_CHARS = 1_000
const ROW_COUNT = FLOW_BYTES / ROW_CHARS
/** Looks at the target that have to see the same before it counts as lasting. */
const LOOK_COUNT = 50
const WAIT_MS_MAX = 30_000
const LONG_MS = 300_000

let world: PostgresWorld
let client: FlowClient

beforeAll(async () => {
  world = await startPostgresWorld({
    schema: `
      create table t (a int, x text);
      create table gate (a int, x text);
      create function wait() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock(1); return null; end $$;
      create trigger waits before insert on gate for each row execute function wait()`,
  })
})

afterEach(() => {
  client.socket.destroy()
})
afterAll(() => world.stop())

const login = async (role = 'writer-strict') => {
  client = await FlowClient.login(world.port, role)
  // The first statement of a session looks names up, and loads what that needs.
  expect(await client.query('select a from t')).toBeUndefined()
}

/** Resolves once the target's session has waited for `event` at all of many looks in a row. */
async function targetWaits(event: string, among = (): unknown => 0): Promise<void> {
  const until = performance.now() + WAIT_MS_MAX
  let [seen, last] = [0, among()]
  while (seen < LOOK_COUNT) {
    if (performance.now() > until) throw new Error(`the target never waited for ${event}`)
    const rows = await world.admin(
      `select 1 from pg_stat_activity where wait_event = '${event}' and pid <> pg_backend_pid()`,
    )
    const now = among()
    seen = rows.length > 0 && now === last ? seen + 1 : 0
    last = now
  }
}

/** A COPY message of 64 rows. */
const copyChunk = (): Buffer => {
  const row = (at: number) => `${at}\t${'x'.repeat(ROW_CHARS - 4 - String(at).length)}\n`
  return serialize.copyData(Buffer.from(Array.from({ length: 64 }, (_, at) => row(at)).join('')))
}

test(
  'a caller who never reads keeps the target waiting, and no one else',
  async () => {
    await login('reader')
    const growth = await residentGrowth(async () => {
      client.socket.pause()
      client.reset()
      client.socket.write(
        serialize.query(
          `select generate_series(1, ${(1_000 * MB) / ROW_CHARS}), repeat('x', ${ROW_CHARS})`,
        ),
      )
      await targetWaits('ClientWrite')
    })
    expect(growth, 'bytes').toBeLessThan(GROWTH_BYTES_MAX)
    expect(client.dataCount).toBe(0)
    const other = await FlowClient.login(world.port, 'reader')
    expect(await other.query('select a from t')).toBeUndefined()
    await other.close()
    const from = world.audit.events.length
    client.socket.destroy()
    const { fields } = await world.audit.until('session.ended', from)
    expect(fields).toMatchObject({ end: expect.stringMatching(/^closed-by/) as string })
  },
  LONG_MS,
)

test(
  'a target that never reads keeps the caller waiting, who goes on when it does',
  async () => {
    await login()
    await world.admin('select pg_advisory_lock(1)')
    client.reset()
    client.socket.write(serialize.query('copy gate from stdin'))
    await client.until('G')
    const chunk = copyChunk()
    let sentBytes = 0
    let isBlocked = true
    const growth = await residentGrowth(async () => {
      const sent = (async () => {
        while (isBlocked) {
          await client.write(chunk)
          sentBytes += chunk.length
        }
      })()
      await targetWaits('advisory', () => sentBytes)
      isBlocked = false
      await world.admin('select pg_advisory_unlock(1)')
      await sent
      client.socket.write(serialize.copyDone())
      expect(tagsOf(await client.until('Z'))).toEqual(['COPY 0'])
    })
    expect(sentBytes).toBeLessThan(GROWTH_BYTES_MAX)
    expect(growth, 'bytes').toBeLessThan(GROWTH_BYTES_MAX)
  },
  LONG_MS,
)

test(
  'much comes by COPY without growing the gateway',
  async () => {
    await login()
    const growth = await residentGrowth(async () => {
      const sql = `copy (select repeat('x', ${ROW_CHARS - 1}) from generate_series(1, ${ROW_COUNT})) to stdout`
      expect(await client.query(sql)).toBeUndefined()
    })
    expect([client.dataCount, client.dataBytes]).toEqual([ROW_COUNT, FLOW_BYTES])
    expect(growth, 'bytes').toBeLessThan(GROWTH_BYTES_MAX)
  },
  LONG_MS,
)

test(
  'much comes in rows without growing the gateway',
  async () => {
    await login('reader')
    const growth = await residentGrowth(async () => {
      const sql = `select generate_series(1, ${ROW_COUNT}), repeat('x', ${ROW_CHARS})`
      expect(await client.query(sql)).toBeUndefined()
    })
    expect(client.dataCount).toBe(ROW_COUNT)
    expect(client.dataBytes).toBeGreaterThan(FLOW_BYTES)
    expect(growth, 'bytes').toBeLessThan(GROWTH_BYTES_MAX)
  },
  LONG_MS,
)

test(
  'much goes in by COPY without growing the gateway',
  async () => {
    await login()
    await world.admin('truncate t')
    client.reset()
    client.socket.write(serialize.query('copy t from stdin where a = 7'))
    await client.until('G')
    const chunk = copyChunk()
    const chunkCount = Math.ceil(FLOW_BYTES / chunk.length)
    const growth = await residentGrowth(async () => {
      for (let count = 0; count < chunkCount; count += 1) await client.write(chunk)
      client.socket.write(serialize.copyDone())
      expect(tagsOf(await client.until('Z'))).toEqual([`COPY ${chunkCount}`])
    })
    expect(growth, 'bytes').toBeLessThan(GROWTH_BYTES_MAX)
  },
  LONG_MS,
)

test('a row of 60 MiB comes whole, in pieces', async () => {
  await login('reader')
  const growth = await residentGrowth(async () => {
    expect(await client.query(`select repeat('x', ${60 * MIB})`)).toBeUndefined()
  })
  expect([client.dataCount, client.dataBytes]).toEqual([1, 2 + 4 + 60 * MIB])
  expect(growth, 'bytes').toBeLessThan(GROWTH_BYTES_MAX)
  expect(await client.query('select a from t')).toBeUndefined()
}, 60_000)

test('a row of 70 MiB ends the session with the limit’s name, before any of it', async () => {
  await login('reader')
  const from = world.audit.events.length
  client.reset()
  client.socket.write(serialize.query(`select repeat('x', ${70 * MIB})`))
  expect(sqlstateOf(await client.until('Z'))).toBe('54000')
  expect(client.dataCount).toBe(0)
  const { fields } = await world.audit.until('session.ended', from)
  expect(fields).toMatchObject({ end: 'limit-exceeded' })
}, 60_000)

test('a parameter of 60 MiB goes in whole', async () => {
  const wire = await WireClient.login({ port: world.port, role: 'writer-strict' })
  await login()
  await world.admin('truncate t')
  wire.send(pbe('insert into t values (9, $1)', ['z'.repeat(60 * MIB)]), s)
  expect(tagsOf(await wire.ready())).toEqual(['INSERT 0 1'])
  const [row] = await world.admin('select length(x) as n from t')
  expect(row?.['n']).toBe(60 * MIB)
  await wire.close()
}, 60_000)

test('a parameter of 70 MiB ends the session with the limit’s name', async () => {
  const wire = await WireClient.login({ port: world.port, role: 'writer-strict' })
  await login()
  const from = world.audit.events.length
  wire.send(pbe('insert into t values (9, $1)', ['z'.repeat(70 * MIB)]), s)
  expect(sqlstateOf(await wire.rest())).toBe('54000')
  const { fields } = await world.audit.until('session.ended', from)
  expect(fields).toMatchObject({ end: 'limit-exceeded' })
}, 60_000)
