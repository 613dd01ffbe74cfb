// Keyed calls and pages of the inbox on a real PostgreSQL.

import { randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KeyedCall } from '../../../core/idempotency.js'
import type { AccessItem } from '../../../core/inbox.js'
import { openDatabase } from '../../../store/database.js'
import { KeyRing } from '../../../store/encryption.js'
import { PostgresIdempotency } from '../../../store/idempotency.js'
import { PostgresInbox } from '../../../store/inbox.js'
import { migrate } from '../../../store/migrations.js'
import type { Schema } from '../../../store/schema.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'
import { newRequestId, PRINCIPAL, StandingClock } from './fixtures.js'

let cluster: PostgresCluster
let db: Kysely<Schema>
const sealer = new KeyRing(randomBytes(32))

beforeAll(async () => {
  cluster = await startPostgres()
  const url = await cluster.createDatabase()
  await migrate(url)
  db = openDatabase(url, { poolMax: 10, applicationName: 'test' })
}, 60_000)

afterAll(async () => {
  await db.destroy()
  await cluster.stop()
})

const replica = () => new PostgresIdempotency({ db, sealer, clock: new StandingClock() })
const newCall = (changes: Partial<KeyedCall> = {}): KeyedCall => ({
  principalKey: 'k',
  keyDigest: randomBytes(32).toString('hex'),
  fingerprint: 'f',
  ...changes,
})
const ANSWER = { status: 201, type: 'application/json', body: '{"id":"very-secret-answer"}' }

const age = (call: KeyedCall, column: 'running_until' | 'expires_at', by: string) =>
  sql`update idempotency_keys set ${sql.ref(column)} = ${sql.ref(column)} - ${by}::interval
    where key_digest = ${call.keyDigest}`.execute(db)

test('of twenty who claim the same call at once exactly one runs it', async () => {
  const call = newCall()
  const states = await Promise.all(Array.from({ length: 20 }, () => replica().claim(call)))
  expect(states.filter(({ state }) => state === 'run')).toHaveLength(1)
  expect(states.filter(({ state }) => state === 'running')).toHaveLength(19)
})

test('the first answer stays, and every replica gives it', async () => {
  const call = newCall()
  await replica().claim(call)
  await replica().keep(call, ANSWER)
  await replica().keep(call, { ...ANSWER, status: 500 })
  expect(await replica().claim(call)).toEqual({ state: 'answered', answer: ANSWER })
})

test('another call under the key is told from it, whether the first is answered or not', async () => {
  const call = newCall()
  await replica().claim(call)
  const other = { ...call, fingerprint: 'g' }
  expect(await replica().claim(other)).toEqual({ state: 'other' })
  await replica().keep(other, ANSWER)
  await replica().drop(other)
  expect(await replica().claim(call)).toEqual({ state: 'running' })
  await replica().keep(call, ANSWER)
  expect(await replica().claim(other)).toEqual({ state: 'other' })
})

test('a key is of one principal', async () => {
  const call = newCall()
  await replica().claim(call)
  expect(await replica().claim({ ...call, principalKey: 'l' })).toEqual({ state: 'run' })
})

test('what was dropped may be run again; what was answered is not dropped', async () => {
  const call = newCall()
  await replica().claim(call)
  await replica().drop(call)
  expect(await replica().claim(call)).toEqual({ state: 'run' })
  await replica().keep(call, ANSWER)
  await replica().drop(call)
  expect(await replica().claim(call)).toMatchObject({ state: 'answered' })
})

test('a call whose process is silent for a minute may be claimed by one other', async () => {
  const call = newCall()
  await replica().claim(call)
  await age(call, 'running_until', '59 s')
  expect(await replica().claim(call)).toEqual({ state: 'running' })
  await age(call, 'running_until', '2 s')
  const states = await Promise.all(Array.from({ length: 5 }, () => replica().claim(call)))
  expect(states.filter(({ state }) => state === 'run')).toHaveLength(1)
})

test('a key that is a day old is anybody’s, and is removed in time', async () => {
  const call = newCall()
  await replica().claim(call)
  await replica().keep(call, ANSWER)
  await age(call, 'expires_at', '25 h')
  expect(await replica().claim({ ...call, fingerprint: 'g' })).toEqual({ state: 'run' })
  await age(call, 'expires_at', '25 h')
  await replica().claim(newCall())
  const { rows } = await sql`select 1 from idempotency_keys
    where key_digest = ${call.keyDigest}`.execute(db)
  expect(rows).toEqual([])
})

test('an answer that was moved to another key is refused', async () => {
  const [call, other] = [newCall(), newCall()]
  for (const one of [call, other]) await replica().claim(one)
  await replica().keep(call, ANSWER)
  await sql`update idempotency_keys as o set status = c.status, sealed = c.sealed
    from idempotency_keys c where o.key_digest = ${other.keyDigest}
    and c.key_digest = ${call.keyDigest}`.execute(db)
  await expect(replica().claim(other)).rejects.toMatchObject({ code: 'INTERNAL' })
})

test('no answer stands in the table in clear', async () => {
  const call = newCall()
  await replica().claim(call)
  await replica().keep(call, ANSWER)
  const { rows } = await sql<{ row: string }>`
    select row_to_json(k)::text || encode(sealed, 'escape') as row from idempotency_keys k
    where sealed is not null`.execute(db)
  expect(rows.map(({ row }) => row).join()).not.toContain('very-secret')
})

const item = (openedAt: number, principalKey: string, state: AccessItem['state']): AccessItem => {
  const id = newRequestId()
  return {
    ...{ kind: 'access', id, revision: 1, state, openedAt, decisions: [], reasons: [] },
    question: {
      ...{ requestId: id, principal: PRINCIPAL, principalKey, tokenDigest: 'd' },
      ...{ resource: 'orders-db', role: 'reader', origin: 'exec', reason: '', peer: '' },
    },
  }
}

test('pages of the inbox follow each other without gap or repetition', async () => {
  const inbox = new PostgresInbox({ db, sealer })
  const ids: string[] = []
  for (let at = 0; at < 9; at += 1) {
    const one = item(Math.floor(at / 4), at % 2 === 0 ? 'even' : 'odd', 'pending')
    ids.push(one.id)
    await inbox.put(one)
  }
  await inbox.put(item(9, 'even', 'active'))
  const seen: string[] = []
  let before: { openedAt: number; id: AccessItem['id'] } | undefined
  for (;;) {
    const page = await inbox.list({ state: 'pending', before, limitCount: 2 })
    const last = page.at(-1)
    if (last?.kind !== 'access') break
    seen.push(...page.map(({ id }) => id))
    before = { openedAt: last.openedAt, id: last.id }
  }
  expect(seen.toSorted()).toEqual(ids.toSorted())
  const own = await inbox.list({ state: 'pending', principalKey: 'even', limitCount: 20 })
  expect(own).toHaveLength(5)
})
