// Approvals that are used later, on a real PostgreSQL: each once, only as it was written, only while
// its grant is live.

import { randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrantId, ReviewId } from '../../../core/ids.js'
import type { ApprovedPlan, SettledRetry } from '../../../core/release.js'
import { openDatabase } from '../../../store/database.js'
import { KeyRing } from '../../../store/encryption.js'
import { PostgresGrantStore } from '../../../store/grants.js'
import { HintBus } from '../../../store/hint-bus.js'
import { migrate } from '../../../store/migrations.js'
import { PostgresReleaseStore } from '../../../store/releases.js'
import type { Schema } from '../../../store/schema.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'
import { newGrant, StandingClock } from './fixtures.js'

let cluster: PostgresCluster
let db: Kysely<Schema>
let grants: PostgresGrantStore
let releases: PostgresReleaseStore
const clock = new StandingClock()
const minuteMs = 60_000

beforeAll(async () => {
  cluster = await startPostgres()
  const url = await cluster.createDatabase()
  await migrate(url)
  db = openDatabase(url, { poolMax: 10, applicationName: 'test' })
  const sealer = new KeyRing(randomBytes(32))
  const bus = new HintBus({ from: 'gwy_test', onTrouble: () => undefined })
  grants = new PostgresGrantStore({ db, bus, sealer, clock })
  releases = new PostgresReleaseStore({ db, sealer, clock })
}, 60_000)

afterAll(async () => {
  await db.destroy()
  await cluster.stop()
})

let serial = 0
const newReviewId = (): ReviewId => `cmd_${String(++serial)}`
const in15 = () => clock.nowMs + 15 * minuteMs

async function liveGrant(): Promise<GrantId> {
  const grant = newGrant({ openedAt: clock.nowMs, expiresAt: clock.nowMs + 60 * minuteMs })
  return (await grants.open(grant)).id
}

/** A question about the command `digest` that was answered. */
async function answered(grantId: GrantId, digest: string, changes: Partial<SettledRetry> = {}) {
  const reviewId = newReviewId()
  await releases.reserve({ grantId, digest, reviewId, until: in15() })
  const retry = { grantId, digest, reviewId, state: 'approved', until: in15() } as const
  await releases.settle({ ...retry, by: ['okta/dana'], reason: 'very-secret-words', ...changes })
  return reviewId
}

test('of fifty at once, one uses an approval, and nobody after it', async () => {
  const grantId = await liveGrant()
  const reviewId = await answered(grantId, 'a')
  const taken = await Promise.all(
    Array.from({ length: 50 }, () => releases.take({ grantId, digest: 'a' })),
  )
  const released = taken.filter(({ state }) => state === 'released')
  expect(released).toEqual([{ state: 'released', reviewId, by: ['okta/dana'] }])
  expect(taken.filter(({ state }) => state === 'none')).toHaveLength(49)
})

test('of fifty at once, all are told the one question that stands', async () => {
  const grantId = await liveGrant()
  const told = await Promise.all(
    Array.from({ length: 50 }, () =>
      releases.reserve({ grantId, digest: 'a', reviewId: newReviewId(), until: in15() }),
    ),
  )
  expect(new Set(told).size).toBe(1)
  expect(await releases.take({ grantId, digest: 'a' })).toEqual({
    state: 'pending',
    reviewId: told[0],
  })
})

test('an approval is for one command of one grant', async () => {
  const grantId = await liveGrant()
  await answered(grantId, 'a')
  expect(await releases.take({ grantId, digest: 'b' })).toEqual({ state: 'none' })
  expect(await releases.take({ grantId: await liveGrant(), digest: 'a' })).toEqual({
    state: 'none',
  })
})

test('an approval lapses at its time', async () => {
  const grantId = await liveGrant()
  await answered(grantId, 'a', { until: clock.nowMs })
  expect(await releases.take({ grantId, digest: 'a' })).toEqual({ state: 'none' })
  expect(await releases.openCount(grantId)).toBe(0)
})

test('under a grant that was revoked, or has run out, nothing is released', async () => {
  const revoked = await liveGrant()
  await answered(revoked, 'a')
  await grants.end(revoked, { reason: 'revoked', by: 'okta/otto', at: clock.nowMs })
  expect(await releases.take({ grantId: revoked, digest: 'a' })).toEqual({ state: 'none' })
  const over = (await grants.open(newGrant({ expiresAt: clock.nowMs }))).id
  await answered(over, 'a')
  expect(await releases.take({ grantId: over, digest: 'a' })).toEqual({ state: 'none' })
})

test('a denial stands for the rest of its time, however often somebody asks', async () => {
  const grantId = await liveGrant()
  const reviewId = await answered(grantId, 'a', { state: 'denied' })
  const denied = { state: 'denied', reviewId, by: ['okta/dana'], reason: 'very-secret-words' }
  expect(await releases.take({ grantId, digest: 'a' })).toEqual(denied)
  expect(
    await releases.reserve({ grantId, digest: 'a', reviewId: newReviewId(), until: in15() }),
  ).toBe(reviewId)
  expect(await releases.take({ grantId, digest: 'a' })).toEqual(denied)
})

test('once used, or gone, the same command is asked about anew', async () => {
  const grantId = await liveGrant()
  await answered(grantId, 'used')
  await releases.take({ grantId, digest: 'used' })
  await answered(grantId, 'gone', { state: 'gone' })
  for (const digest of ['used', 'gone']) {
    const reviewId = newReviewId()
    const until = in15()
    expect(await releases.reserve({ grantId, digest, reviewId, until })).toBe(reviewId)
  }
})

test('what becomes of a question that another one has replaced changes nothing', async () => {
  const grantId = await liveGrant()
  const first = await answered(grantId, 'a')
  await releases.take({ grantId, digest: 'a' })
  const reviewId = newReviewId()
  await releases.reserve({ grantId, digest: 'a', reviewId, until: in15() })
  const late = { grantId, digest: 'a', reviewId: first, until: in15(), by: [], reason: '' }
  await releases.settle({ ...late, state: 'approved' })
  await releases.settle({ ...late, state: 'gone' })
  expect(await releases.take({ grantId, digest: 'a' })).toEqual({ state: 'pending', reviewId })
})

test('a settlement that is repeated after its use releases nothing more', async () => {
  const grantId = await liveGrant()
  const reviewId = await answered(grantId, 'a')
  await releases.take({ grantId, digest: 'a' })
  const again = { grantId, digest: 'a', reviewId, until: in15(), by: [], reason: '' }
  await releases.settle({ ...again, state: 'approved' })
  expect(await releases.take({ grantId, digest: 'a' })).toEqual({ state: 'none' })
})

test('a grant has at most twenty open questions', async () => {
  const grantId = await liveGrant()
  const ask = (at: number) =>
    releases.reserve({ grantId, digest: `d${String(at)}`, reviewId: newReviewId(), until: in15() })
  for (let at = 0; at < 20; at += 1) expect(await ask(at)).toBeDefined()
  expect(await ask(20)).toBeUndefined()
  expect(await ask(3)).toBeDefined()
  expect(await releases.openCount(grantId)).toBe(20)
})

test('an approval that was written or changed in the table releases nothing', async () => {
  const grantId = await liveGrant()
  await answered(grantId, 'a', { until: clock.nowMs })
  await sql`update retries set until = ${in15()} where grant_id = ${grantId}`.execute(db)
  await expect(releases.take({ grantId, digest: 'a' })).rejects.toMatchObject({ code: 'INTERNAL' })
  const denied = await liveGrant()
  await answered(denied, 'a', { state: 'denied' })
  await sql`update retries set state = 'approved' where grant_id = ${denied}`.execute(db)
  await expect(releases.take({ grantId: denied, digest: 'a' })).rejects.toMatchObject({
    code: 'INTERNAL',
  })
})

const planOf = (grantId: GrantId): ApprovedPlan => ({
  ...{ grantId, requestId: 'req_1', digest: 'f', policyDigest: 'p' },
  steps: ['create table very_secret_name (a int)', 'drop table x', 'vacuum'].map((text) => ({
    text,
    digest: text.slice(0, 6),
  })),
})

test('a plan moves on step by step, each move once', async () => {
  const grantId = await liveGrant()
  await releases.keepPlan(planOf(grantId))
  const moves = await Promise.all(Array.from({ length: 20 }, () => releases.advance(grantId, 0, 1)))
  expect(moves.filter(Boolean)).toHaveLength(1)
  expect(await releases.advance(grantId, 2, 3)).toBe(false)
  expect(await releases.plan(grantId)).toEqual({ ...planOf(grantId), next: 1 })
})

test('a plan that is kept again is where it was, and another one is refused', async () => {
  const grantId = await liveGrant()
  await releases.keepPlan(planOf(grantId))
  await releases.advance(grantId, 0, 2)
  await releases.keepPlan(planOf(grantId))
  expect((await releases.plan(grantId))?.next).toBe(2)
  await expect(releases.keepPlan({ ...planOf(grantId), digest: 'e' })).rejects.toMatchObject({
    code: 'INTERNAL',
  })
})

test('a plan never moves back, and not under a grant that is over', async () => {
  const grantId = await liveGrant()
  await releases.keepPlan(planOf(grantId))
  await releases.advance(grantId, 0, 2)
  await expect(releases.advance(grantId, 2, 1)).rejects.toMatchObject({
    code: 'CONTROL_PLANE_UNAVAILABLE',
  })
  await grants.end(grantId, { reason: 'revoked', by: 'okta/otto', at: clock.nowMs })
  expect(await releases.advance(grantId, 2, 3)).toBe(false)
})

test('a plan whose policy was changed in the table is refused', async () => {
  const grantId = await liveGrant()
  await releases.keepPlan(planOf(grantId))
  await sql`update plans set policy_digest = 'q', next = 1 where grant_id = ${grantId}`.execute(db)
  await expect(releases.plan(grantId)).rejects.toMatchObject({ code: 'INTERNAL' })
})

test('neither statements nor words of people stand in the tables in clear', async () => {
  const { rows } = await sql<{ row: string }>`
    select row_to_json(r)::text || coalesce(encode(sealed, 'escape'), '') as row from retries r
    union all select row_to_json(p)::text || encode(sealed, 'escape') from plans p`.execute(db)
  expect(rows.length).toBeGreaterThan(10)
  expect(rows.map(({ row }) => row).join()).not.toContain('very')
})
