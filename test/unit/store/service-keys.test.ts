// Service keys on a real PostgreSQL: names stand for one key for good, revocations stay.

import type { Kysely } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServiceKey } from '../../../core/service-key.js'
import { openDatabase } from '../../../store/database.js'
import { migrate } from '../../../store/migrations.js'
import type { Schema } from '../../../store/schema.js'
import { PostgresServiceKeys } from '../../../store/service-keys.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'

let cluster: PostgresCluster
let db: Kysely<Schema>
let keys: PostgresServiceKeys

beforeAll(async () => {
  cluster = await startPostgres()
  const url = await cluster.createDatabase()
  await migrate(url)
  db = openDatabase(url, { poolMax: 4, applicationName: 'test' })
  keys = new PostgresServiceKeys(db)
}, 60_000)

afterAll(async () => {
  await db.destroy()
  await cluster.stop()
})

const entry = (name: string, addedAt = 1_000): ServiceKey => ({
  ...{ name, resource: 'orders-db', role: 'reader', by: 'okta/ana', addedAt, expiresAt: 9_000_000 },
})

test('a name is taken once, and stays taken after a revocation', async () => {
  expect(await keys.add(entry('once'), 'd1')).toBe(true)
  expect(await keys.add(entry('once'), 'd2')).toBe(false)
  expect(await keys.revoke('once', 'okta/ana', 2_000)).toBe(true)
  expect(await keys.add(entry('once'), 'd3')).toBe(false)
  expect(await keys.find('d2')).toBeUndefined()
})

test('the first revocation stays, and one of nothing is told', async () => {
  await keys.add(entry('gone'), 'd4')
  await keys.revoke('gone', 'okta/ana', 2_000)
  expect(await keys.revoke('gone', 'okta/bob', 3_000)).toBe(true)
  expect((await keys.find('d4'))?.revokedAt).toBe(2_000)
  expect(await keys.revoke('nothing', 'okta/ana', 2_000)).toBe(false)
})

test('uses are kept to the minute, and never go back', async () => {
  await keys.add(entry('used'), 'd5')
  for (const at of [500_000, 510_000, 100_000]) await keys.used('used', at)
  expect((await keys.find('d5'))?.lastUsedAt).toBe(500_000)
  await keys.used('used', 561_000)
  expect((await keys.find('d5'))?.lastUsedAt).toBe(561_000)
})

test('the unused are those not used since, nor added since', async () => {
  await keys.add(entry('idle-never', 1_000), 'd6')
  await keys.add(entry('idle-long', 1_000), 'd7')
  await keys.used('idle-long', 100_000)
  await keys.add(entry('idle-new', 900_000), 'd8')
  const names = (await keys.list(800_000)).map(({ name }) => name)
  expect(names.filter((name) => name.startsWith('idle'))).toEqual(['idle-long', 'idle-never'])
  expect((await keys.list()).map(({ name }) => name)).toContain('idle-new')
})
