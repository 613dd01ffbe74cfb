// Wrapped keys on a real PostgreSQL: first starts race, and a used store is known for one.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openKeys, type Keys } from '../../../app/keys.js'
import type { WrappedKey } from '../../../core/keys.js'
import { openDatabase } from '../../../store/database.js'
import { KeyRing, masterKeyId } from '../../../store/encryption.js'
import { PostgresKeyStore } from '../../../store/keys.js'
import { migrate } from '../../../store/migrations.js'
import type { Schema } from '../../../store/schema.js'
import { PostgresSecretStore } from '../../../store/secrets.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'
import { StandingClock } from './fixtures.js'

let cluster: PostgresCluster
let db: Kysely<Schema>
let directory: string
let store: PostgresKeyStore

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'warder-keys-'))
  cluster = await startPostgres()
  const url = await cluster.createDatabase()
  await migrate(url)
  db = openDatabase(url, { poolMax: 10, applicationName: 'test' })
  store = new PostgresKeyStore(db)
}, 60_000)

afterAll(async () => {
  await db.destroy()
  await cluster.stop()
  rmSync(directory, { recursive: true, force: true })
})

beforeEach(async () => {
  await db.deleteFrom('keys').execute()
  await db.deleteFrom('secrets').execute()
})

const open = (base64: string): Promise<Keys> =>
  openKeys({
    store,
    source: { base64 },
    dataDirectory: join(directory, randomBytes(4).toString('hex')),
    clock: new StandingClock(),
    report: (_what, failure) => {
      throw failure
    },
  })

const newKek = () => randomBytes(32).toString('base64')

const sealing = (changes: Partial<WrappedKey> = {}): WrappedKey => ({
  purpose: 'sealing',
  version: 1,
  id: '00000000000000aa',
  wrappedBy: 'local/1',
  wrapped: randomBytes(40),
  madeAt: 5,
  ...changes,
})

test('of eight first starts at once all end up with the same keys', async () => {
  const kek = newKek()
  const all = await Promise.all(Array.from({ length: 8 }, () => open(kek)))
  for (const keys of all) keys.close()
  expect(new Set(all.map(({ masking }) => Buffer.from(masking).toString('hex'))).size).toBe(1)
  expect(new Set(all.flatMap(({ auditPublicKeys }) => auditPublicKeys)).size).toBe(1)
  expect(new Set(all.map(({ payloads }) => payloads.current().id)).size).toBe(1)
  expect(await store.list()).toHaveLength(5)
})

test('of two first starts with different key-encryption keys one is refused', async () => {
  const both = await Promise.allSettled([open(newKek()), open(newKek())])
  for (const one of both) if (one.status === 'fulfilled') one.value.close()
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})

test('a version is taken once', async () => {
  expect(await store.add([sealing()], 0)).toBe(true)
  expect(await store.add([sealing({ id: '00000000000000bb' })], 0)).toBe(false)
  expect((await store.list()).map(({ id }) => id)).toEqual(['00000000000000aa'])
})

test('a key whose time has not come is there, and not in use', async () => {
  await store.add([sealing()], 0)
  await store.add([sealing({ version: 2, id: '00000000000000bb' })], 60_000)
  expect((await store.list()).map(({ isActive }) => isActive)).toEqual([true, false])
})

test('wrappings are replaced all or none', async () => {
  await store.add([sealing()], 0)
  const other = sealing({ wrappedBy: 'local/2' })
  expect(await store.rewrap([other, sealing({ version: 9 })])).toBe(false)
  expect((await store.list())[0]?.wrappedBy).toBe('local/1')
  expect(await store.rewrap([other])).toBe(true)
  expect((await store.list())[0]).toMatchObject({ wrappedBy: 'local/2', wrapped: other.wrapped })
})

test('a store that was sealed before it held keys says under which one', async () => {
  expect(await store.earlier()).toEqual({ isUsed: false })
  const key = randomBytes(32)
  const secrets = new PostgresSecretStore({ db, sealer: new KeyRing(key) })
  await secrets.put({ name: 'a', value: 'b', by: 'c', at: 1 })
  expect(await store.earlier()).toEqual({ isUsed: true, sealedBy: masterKeyId(key) })
  await expect(open(newKek())).rejects.toThrow(/sealed under key/)
  const keys = await open(key.toString('base64'))
  keys.close()
  const [value] = await new PostgresSecretStore({ db, sealer: keys.sealer }).usable('a')
  expect(Buffer.from(value?.password ?? []).toString()).toBe('b')
})
