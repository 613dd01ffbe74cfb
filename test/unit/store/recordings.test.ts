// The keys of recordings on a real PostgreSQL: sealed, one per session, gone when they are gone.

import { randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SessionId } from '../../../core/ids.js'
import { openDatabase } from '../../../store/database.js'
import { KeyRing } from '../../../store/encryption.js'
import { migrate } from '../../../store/migrations.js'
import { PostgresRecordingKeys } from '../../../store/recordings.js'
import type { Schema } from '../../../store/schema.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'

let cluster: PostgresCluster
let db: Kysely<Schema>
let keys: PostgresRecordingKeys
let sessions = 0

const sealer = new KeyRing(randomBytes(32))

beforeAll(async () => {
  cluster = await startPostgres()
  const url = await cluster.createDatabase()
  await migrate(url)
  db = openDatabase(url, { poolMax: 5, applicationName: 'test' })
  keys = new PostgresRecordingKeys({ db, sealer })
}, 60_000)

afterAll(async () => {
  await db.destroy()
  await cluster.stop()
})

function newEntry(): { sessionId: SessionId; key: Buffer; startedAt: number } {
  sessions += 1
  return { sessionId: `ses_${String(sessions)}`, key: randomBytes(32), startedAt: 1_000 }
}

test('a second key for a session is refused, and the first stays', async () => {
  const entry = newEntry()
  await keys.open(entry)
  const second = keys.open({ ...entry, key: randomBytes(32) })
  await expect(second).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' })
  expect(Buffer.from((await keys.find(entry.sessionId))?.key ?? [])).toEqual(entry.key)
})

test('a key moved to another session’s row does not open', async () => {
  const [one, other] = [newEntry(), newEntry()]
  await keys.open(one)
  await keys.open(other)
  await sql`update recordings set sealed_key =
    (select sealed_key from recordings where session_id = ${one.sessionId})
    where session_id = ${other.sessionId}`.execute(db)
  await expect(keys.find(other.sessionId)).rejects.toMatchObject({ code: 'INTERNAL' })
})

test('a key that was destroyed is gone, once', async () => {
  const entry = newEntry()
  await keys.open(entry)
  expect(await keys.destroy(entry.sessionId)).toBe(true)
  expect(await keys.destroy(entry.sessionId)).toBe(false)
  expect(await keys.find(entry.sessionId)).toBeUndefined()
})

test('a key stands nowhere in clear', async () => {
  const entry = newEntry()
  await keys.open(entry)
  const row = await db
    .selectFrom('recordings')
    .selectAll()
    .where('session_id', '=', entry.sessionId)
    .executeTakeFirstOrThrow()
  expect(Buffer.from(row.sealed_key).includes(entry.key)).toBe(false)
})

test('the first close stays', async () => {
  const entry = newEntry()
  await keys.open(entry)
  await keys.closed(entry.sessionId, 3, 2_000)
  await keys.closed(entry.sessionId, 9, 9_000)
  const { rows } = await sql`select chunk_count, closed_at from recordings
    where session_id = ${entry.sessionId}`.execute(db)
  expect(rows).toEqual([{ chunk_count: 3, closed_at: 2_000 }])
})

test('a store that is gone says that nothing can be recorded', async () => {
  const lost = openDatabase('postgres://nobody@127.0.0.1:1/none', {
    ...{ poolMax: 1, applicationName: 'test' },
  })
  const unreachable = new PostgresRecordingKeys({ db: lost, sealer })
  await expect(unreachable.open(newEntry())).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' })
  await lost.destroy()
})
