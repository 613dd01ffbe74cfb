// Reviews that are owed: an overdue one is found, and only by its own principal.

import type { Kysely } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PostgresBreakGlassLedger } from '../../../store/break-glass.js'
import { openDatabase } from '../../../store/database.js'
import { migrate } from '../../../store/migrations.js'
import type { Schema } from '../../../store/schema.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'

let cluster: PostgresCluster
let db: Kysely<Schema>
let ledger: PostgresBreakGlassLedger

beforeAll(async () => {
  cluster = await startPostgres()
  const url = await cluster.createDatabase()
  await migrate(url)
  db = openDatabase(url, { poolMax: 5, applicationName: 'test' })
  ledger = new PostgresBreakGlassLedger(db)
}, 60_000)

afterAll(async () => {
  await db.destroy()
  await cluster.stop()
})

test('a review bars its own principal from its time on, until it is closed', async () => {
  await ledger.owe({ requestId: 'req_one', principal: 'ci/job', dueAt: 100 })
  expect(await ledger.overdue('ci/job', 99)).toBeUndefined()
  expect(await ledger.overdue('ci/job', 100)).toBe('req_one')
  expect(await ledger.overdue('ci/job2', 100)).toBeUndefined()
  expect(await ledger.overdue('CI/job', 100)).toBeUndefined()
  await ledger.settle('req_one', 150)
  expect(await ledger.overdue('ci/job', 200)).toBeUndefined()
})

test('owing again neither moves the time nor opens what is closed', async () => {
  await ledger.owe({ requestId: 'req_two', principal: 'ci/b', dueAt: 100 })
  await ledger.owe({ requestId: 'req_two', principal: 'ci/b', dueAt: 900 })
  expect(await ledger.overdue('ci/b', 100)).toBe('req_two')
  await ledger.settle('req_two', 110)
  await ledger.owe({ requestId: 'req_two', principal: 'ci/b', dueAt: 100 })
  expect(await ledger.overdue('ci/b', 500)).toBeUndefined()
})

test('of several the oldest is named, and closing what nobody owes changes nothing', async () => {
  await ledger.owe({ requestId: 'req_late', principal: 'ci/c', dueAt: 200 })
  await ledger.owe({ requestId: 'req_later', principal: 'ci/c', dueAt: 100 })
  await ledger.settle('req_none', 1)
  expect(await ledger.overdue('ci/c', 300)).toBe('req_later')
  await ledger.settle('req_later', 300)
  expect(await ledger.overdue('ci/c', 300)).toBe('req_late')
})
