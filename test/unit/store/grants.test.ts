// What gateways enforce: ends are final, epochs only grow, many callers agree on one request.

import { randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Grant } from '../../../core/grant.js'
import type { GrantId } from '../../../core/ids.js'
import { openDatabase } from '../../../store/database.js'
import { KeyRing } from '../../../store/encryption.js'
import { PostgresGrantStore } from '../../../store/grants.js'
import { HintBus } from '../../../store/hint-bus.js'
import { migrate } from '../../../store/migrations.js'
import type { Schema } from '../../../store/schema.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'
import { newGrant, newRequestId, StandingClock } from './fixtures.js'

let cluster: PostgresCluster
let db: Kysely<Schema>
let clock: StandingClock
let published: Grant[]
let grants: PostgresGrantStore

const sealer = new KeyRing(randomBytes(32))
const revoked = (at = 5) => ({ reason: 'revoked', by: 'okta/bob', at }) as const

beforeAll(async () => {
  cluster = await startPostgres()
  const url = await cluster.createDatabase()
  await migrate(url)
  db = openDatabase(url, { poolMax: 20, applicationName: 'test' })
}, 60_000)

afterAll(async () => {
  await db.destroy()
  await cluster.stop()
})

beforeEach(async () => {
  await db.deleteFrom('grants').execute()
  await db.deleteFrom('grant_reservations').execute()
  clock = new StandingClock()
  published = []
  const bus = new HintBus({
    from: 'gwy_test',
    onTrouble: (trouble) => {
      throw trouble
    },
  })
  bus.onGrant(({ grant }) => {
    if (grant !== undefined) published.push(grant)
  })
  grants = new PostgresGrantStore({ db, bus, sealer, clock })
})

test('a grant that has ended is not extended', async () => {
  const grant = await grants.open(newGrant())
  await grants.end(grant.id, revoked())
  expect(await grants.extend(grant.id, grant.expiresAt + 1)).toBeUndefined()
  expect((await grants.find(grant.id))?.expiresAt).toBe(grant.expiresAt)
})

test('a grant whose time is over is not extended, even when nobody recorded its end', async () => {
  const grant = await grants.open(newGrant())
  clock.nowMs = grant.expiresAt
  expect(await grants.extend(grant.id, grant.expiresAt + 60_000)).toBeUndefined()
})

test('opening an ended grant again does not revive it', async () => {
  const grant = newGrant()
  await grants.open(grant)
  const ended = await grants.end(grant.id, revoked())
  expect(await grants.open(grant)).toEqual(ended)
  expect(await grants.live(grant.principalKey, grant.resource, clock.now())).toEqual([])
})

test('a grant id is never taken over by another principal', async () => {
  const grant = await grants.open(newGrant())
  await expect(grants.open({ ...grant, principalKey: 'somebody-else' })).rejects.toMatchObject({
    code: 'INTERNAL',
  })
})

test('the first end stays, and its repetition changes nothing', async () => {
  const grant = await grants.open(newGrant())
  const first = await grants.end(grant.id, revoked(7))
  const second = await grants.end(grant.id, { reason: 'expired', by: 'clock', at: 8 })
  expect(second).toEqual(first)
  expect(first?.end).toEqual(revoked(7))
  expect(first?.epoch).toBe(grant.epoch + 1)
})

test('of fifty ends at once exactly one is kept and the epoch grows once', async () => {
  const grant = await grants.open(newGrant())
  const ends = await Promise.all(
    Array.from({ length: 50 }, (_, at) =>
      grants.end(grant.id, { ...revoked(at), by: `p/${String(at)}` }),
    ),
  )
  expect(new Set(ends.map((ended) => JSON.stringify(ended))).size).toBe(1)
  expect(ends[0]?.epoch).toBe(grant.epoch + 1)
})

test('extensions and an end in any interleaving leave an ended grant with the highest epoch', async () => {
  const grant = await grants.open(newGrant())
  await Promise.all(
    Array.from({ length: 20 }, (_, step) =>
      step === 10
        ? grants.end(grant.id, revoked())
        : grants.extend(grant.id, grant.expiresAt + step + 1),
    ),
  )
  const epochs = published.map((seen) => seen.epoch)
  const last = await grants.find(grant.id)
  expect(last?.end?.reason).toBe('revoked')
  expect(last?.epoch).toBe(Math.max(...epochs))
  expect(
    new Set(published.filter((seen) => seen.end === undefined).map((seen) => seen.epoch)).size,
  ).toBe(published.filter((seen) => seen.end === undefined).length)
})

test('the database itself refuses to revive a grant or to lower its epoch', async () => {
  const grant = await grants.open(newGrant())
  const lower = sql`update grants set epoch = epoch, expires_at = 0 where id = ${grant.id}`
  await expect(lower.execute(db)).rejects.toMatchObject({ code: 'WD002' })
  await grants.end(grant.id, revoked())
  const revive = sql`update grants set end_reason = null, end_by = null, end_at = null,
    epoch = epoch + 1 where id = ${grant.id}`
  await expect(revive.execute(db)).rejects.toMatchObject({ code: 'WD001' })
})

test.each(['resource', 'role', 'principal_key', 'policy_digest'])(
  'a grant whose %s was changed in the table is refused, not used',
  async (column) => {
    const grant = await grants.open(newGrant())
    await sql`update grants set ${sql.ref(column)} = 'widened', epoch = epoch + 1
      where id = ${grant.id}`.execute(db)
    await expect(grants.find(grant.id)).rejects.toMatchObject({ code: 'INTERNAL' })
  },
)

test('neither reason nor claims stand in the table in clear', async () => {
  await grants.open(newGrant())
  const { rows } = await sql<{ row: string }>`
    select row_to_json(g)::text || encode(sealed, 'escape') as row from grants g`.execute(db)
  expect(rows[0]?.row).not.toContain('very-secret')
})

test('an unknown grant can be neither found, extended nor ended', async () => {
  expect(await grants.find('grt_none')).toBeUndefined()
  expect(await grants.extend('grt_none', 5)).toBeUndefined()
  expect(await grants.end('grt_none', revoked())).toBeUndefined()
  expect(published).toEqual([])
})

test('fifty callers who reserve at once get one and the same request', async () => {
  const key = { principalKey: 'k', resource: 'orders-db', role: 'reader' }
  const ids = await Promise.all(
    Array.from({ length: 50 }, () => grants.reserve({ ...key, requestId: newRequestId() })),
  )
  expect(new Set(ids).size).toBe(1)
})

test('a reservation holds for its principal, resource and role only, until it is released', async () => {
  const key = { principalKey: 'k', resource: 'orders-db', role: 'reader' }
  const first = await grants.reserve({ ...key, requestId: newRequestId() })
  for (const other of [{ principalKey: 'l' }, { resource: 'web' }, { role: 'writer' }]) {
    expect(await grants.reserve({ ...key, ...other, requestId: newRequestId() })).not.toBe(first)
  }
  await grants.release(first)
  await grants.release(first)
  expect(await grants.reserve({ ...key, requestId: newRequestId() })).not.toBe(first)
})

test('what is opened is found as it was given', async () => {
  const grant = newGrant()
  expect(await grants.open(grant)).toEqual(grant)
  expect(await grants.open(grant)).toEqual(grant)
  expect(await grants.find(grant.id)).toEqual(grant)
  expect(published).toEqual([grant])
})

test('live grants are those of the principal on the resource that have time left, newest first', async () => {
  const older = await grants.open(newGrant({ openedAt: 1 }))
  const newer = await grants.open(newGrant({ openedAt: 2 }))
  await grants.open(newGrant({ principalKey: 'another' }))
  await grants.open(newGrant({ resource: 'another' }))
  await grants.open(newGrant({ expiresAt: clock.now() }))
  const live = await grants.live(older.principalKey, older.resource, clock.now())
  expect(live.map((grant) => grant.id)).toEqual([newer.id, older.id])
})

test('an extension moves the end and bumps the epoch; a late shorter one changes nothing', async () => {
  const grant = await grants.open(newGrant())
  const longer = await grants.extend(grant.id, grant.expiresAt + 100)
  expect(longer).toMatchObject({ expiresAt: grant.expiresAt + 100, epoch: grant.epoch + 1 })
  expect(await grants.extend(grant.id, grant.expiresAt + 50)).toEqual(longer)
  expect(await grants.extend(grant.id, grant.expiresAt + 100)).toEqual(longer)
  expect(published.map((seen) => seen.epoch)).toEqual([1, 2])
})

test('changed names what ended, ran out or moved on, and nothing else', async () => {
  const same = await grants.open(newGrant())
  const ended = await grants.open(newGrant())
  const extended = await grants.open(newGrant())
  const over = await grants.open(newGrant({ expiresAt: clock.now() }))
  await grants.end(ended.id, revoked())
  await grants.extend(extended.id, extended.expiresAt + 1)
  const known = new Map<GrantId, number>(
    [same, ended, extended, over].map((grant) => [grant.id, grant.epoch]),
  )
  const changed = await grants.changed(known)
  expect(changed.map((grant) => grant.id).sort()).toEqual([ended.id, extended.id, over.id].sort())
  expect(await grants.changed(new Map([[extended.id, extended.epoch + 1]]))).toEqual([])
  expect(await grants.changed(new Map())).toEqual([])
})

test('the bus hears of an end only when the end is in the store', async () => {
  const grant = await grants.open(newGrant())
  const seenInStore: (Grant | undefined)[] = []
  let checked = Promise.resolve()
  const bus = new HintBus({ from: 'gwy_test', onTrouble: () => undefined })
  bus.onGrant((heard) => {
    checked = grants.find(heard.id).then((stored) => void seenInStore.push(stored))
  })
  const ended = await new PostgresGrantStore({ db, bus, sealer, clock }).end(grant.id, revoked())
  await checked
  expect(seenInStore).toEqual([ended])
})
