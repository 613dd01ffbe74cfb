// Inbox, tokens, sessions, secrets and migrations on a real PostgreSQL.

import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AccessItem } from '../../../core/inbox.js'
import type { GatewayId, GrantId, RequestId, SessionId } from '../../../core/ids.js'
import { storeCall } from '../../../store/call.js'
import { openDatabase } from '../../../store/database.js'
import { KeyRing } from '../../../store/encryption.js'
import { PostgresInbox } from '../../../store/inbox.js'
import { migrate } from '../../../store/migrations.js'
import type { Schema } from '../../../store/schema.js'
import { PostgresSecretStore } from '../../../store/secrets.js'
import { PostgresSessionRegistry } from '../../../store/sessions.js'
import { PostgresTokenLedger } from '../../../store/tokens.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'
import { newRequestId, PRINCIPAL, StandingClock } from './fixtures.js'

let cluster: PostgresCluster
let url: string
let db: Kysely<Schema>

const sealer = new KeyRing(randomBytes(32))
const MIGRATION_NAMES = readdirSync(new URL('../../../store/migrations', import.meta.url))
  .map((file) => file.replace(/\.ts$/, ''))
  .sort()
const unavailable = { code: 'CONTROL_PLANE_UNAVAILABLE' }

beforeAll(async () => {
  cluster = await startPostgres()
  url = await cluster.createDatabase()
  await migrate(url)
  db = openDatabase(url, { poolMax: 10, applicationName: 'test' })
}, 60_000)

afterAll(async () => {
  await db.destroy()
  await cluster.stop()
})

const item = (id: RequestId, revision: number, changes: Partial<AccessItem> = {}): AccessItem => ({
  kind: 'access',
  id,
  revision,
  state: 'pending',
  openedAt: 1_000,
  decisions: [],
  reasons: [],
  question: {
    requestId: id,
    principal: PRINCIPAL,
    ...{ principalKey: 'k', tokenDigest: 'd', resource: 'orders-db', role: 'reader' },
    ...{ origin: 'exec', reason: 'very-secret-reason', peer: '127.0.0.1:5' },
  },
  ...changes,
})

test('an older revision never replaces a newer one, whatever order they arrive in', async () => {
  const inbox = new PostgresInbox({ db, sealer })
  const id = newRequestId()
  const revisions = Array.from({ length: 20 }, (_, at) => (at * 7) % 20)
  await Promise.all(revisions.map((revision) => inbox.put(item(id, revision))))
  await inbox.put(item(id, 3, { state: 'denied' }))
  expect(await inbox.find(id)).toEqual(item(id, 19))
})

test('an item whose state was changed in the table is refused', async () => {
  const inbox = new PostgresInbox({ db, sealer })
  const id = newRequestId()
  await inbox.put(item(id, 1))
  await sql`update inbox set state = 'active' where id = ${id}`.execute(db)
  await expect(inbox.find(id)).rejects.toMatchObject({ code: 'INTERNAL' })
  await sql`delete from inbox where id = ${id}`.execute(db)
})

test('nothing that a person asked or said stands in the inbox in clear', async () => {
  const inbox = new PostgresInbox({ db, sealer })
  await inbox.put(item(newRequestId(), 1))
  const { rows } = await sql<{ row: string }>`
    select row_to_json(i)::text || encode(sealed, 'escape') as row from inbox i`.execute(db)
  expect(rows.map(({ row }) => row).join()).not.toContain('very-secret')
})

test('lists are by state, newest first, and no longer than asked', async () => {
  await db.deleteFrom('inbox').execute()
  const inbox = new PostgresInbox({ db, sealer })
  const [first, second, third] = [newRequestId(), newRequestId(), newRequestId()]
  await inbox.put(item(first, 1, { openedAt: 1 }))
  await inbox.put(item(second, 1, { openedAt: 2, state: 'active' }))
  await inbox.put(item(third, 1, { openedAt: 3 }))
  const ids = async (filter: Parameters<typeof inbox.list>[0]) =>
    (await inbox.list(filter)).map(({ id }) => id)
  expect(await ids({ limitCount: 2 })).toEqual([third, second])
  expect(await ids({ state: 'pending', limitCount: 9 })).toEqual([third, first])
  expect(await ids({ state: 'active', limitCount: 9 })).toEqual([second])
  expect(await inbox.find('cmd_none')).toBeUndefined()
})

const token = (tokenId: string, holder: RequestId, expiresAt = 1_800_000_060_000) => ({
  ...{ issuer: 'github', tokenId, holder, expiresAt },
})

test('of fifty holders exactly one gets a token, and keeps it', async () => {
  const ledger = new PostgresTokenLedger({ db, clock: new StandingClock() })
  const holders = Array.from({ length: 50 }, newRequestId)
  const got = await Promise.all(holders.map((holder) => ledger.consume(token('jti-1', holder))))
  expect(got.filter(Boolean)).toHaveLength(1)
  const winner = holders[got.indexOf(true)] as RequestId
  expect(await ledger.consume(token('jti-1', winner))).toBe(true)
  expect(await ledger.consume(token('jti-1', newRequestId()))).toBe(false)
})

test('tokens of other issuers, and ids of any length and content, are told apart', async () => {
  const ledger = new PostgresTokenLedger({ db, clock: new StandingClock() })
  const ids = ['a', 'b', '\0', 'x'.repeat(20_000), `${'x'.repeat(20_000)}y`]
  for (const tokenId of ids) {
    expect(await ledger.consume(token(tokenId, newRequestId()))).toBe(true)
    expect(await ledger.consume(token(tokenId, newRequestId()))).toBe(false)
    const other = { ...token(tokenId, newRequestId()), issuer: 'gitlab' }
    expect(await ledger.consume(other)).toBe(true)
  }
})

test('a spent token is forgotten only long after it expired', async () => {
  const clock = new StandingClock()
  const ledger = new PostgresTokenLedger({ db, clock })
  await ledger.consume(token('old', newRequestId(), clock.now() - 2 * 3_600_000))
  await ledger.consume(token('fresh', newRequestId(), clock.now() - 60_000))
  expect(await ledger.purge()).toBe(1)
  expect(await ledger.consume(token('fresh', newRequestId()))).toBe(false)
})

const shown = (tokenId: string, caller: string, expiresAt = 1_800_000_060_000) => ({
  ...{ issuer: 'cluster', tokenId, caller, expiresAt },
})

test('of fifty callers exactly one gets a token, and may show it again', async () => {
  const ledger = new PostgresTokenLedger({ db, clock: new StandingClock() })
  const callers = Array.from({ length: 50 }, (_, at) => `address 10.0.0.${at}`)
  const got = await Promise.all(callers.map((caller) => ledger.bind(shown('jti-2', caller))))
  expect(got.filter(Boolean)).toHaveLength(1)
  const winner = callers[got.indexOf(true)] ?? ''
  expect(await ledger.bind(shown('jti-2', winner))).toBe(true)
  expect(await ledger.bind(shown('jti-2', 'address 10.9.9.9'))).toBe(false)
})

test('a token of the same id of another issuer belongs to whoever shows it first', async () => {
  const ledger = new PostgresTokenLedger({ db, clock: new StandingClock() })
  expect(await ledger.bind(shown('jti-3', 'address 10.0.0.1'))).toBe(true)
  const other = { ...shown('jti-3', 'address 10.0.0.2'), issuer: 'another' }
  expect(await ledger.bind(other)).toBe(true)
})

test('whose a token was is forgotten only long after it expired', async () => {
  const clock = new StandingClock()
  const ledger = new PostgresTokenLedger({ db, clock })
  await ledger.purge()
  await ledger.bind(shown('old', 'address 10.0.0.1', clock.now() - 2 * 3_600_000))
  await ledger.bind(shown('fresh', 'address 10.0.0.1', clock.now() - 60_000))
  expect(await ledger.purge()).toBe(1)
  expect(await ledger.bind(shown('fresh', 'address 10.0.0.2'))).toBe(false)
})

test('whose a token is can’t be asked when the store is away', async () => {
  const nowhere = openDatabase('postgres://nobody@127.0.0.1:1/none', {
    poolMax: 1,
    applicationName: 'test',
  })
  const ledger = new PostgresTokenLedger({ db: nowhere, clock: new StandingClock() })
  await expect(ledger.bind(shown('x', 'address 10.0.0.1'))).rejects.toMatchObject(unavailable)
  await nowhere.destroy()
})

const session = (id: SessionId, grantId: GrantId, gatewayId: GatewayId) =>
  ({ id, grantId, gatewayId, protocol: 'postgres', peer: '127.0.0.1:1', openedAt: 1 }) as const

test('sessions of a gateway that stopped its heartbeat are not open', async () => {
  const registry = new PostgresSessionRegistry(db)
  expect(await registry.gatewayAlive('gwy_never')).toBe(false)
  await registry.heartbeat('gwy_1', 60_000)
  await registry.heartbeat('gwy_2', 60_000)
  await registry.opened(session('ses_1', 'grt_1', 'gwy_1'))
  await registry.opened(session('ses_1', 'grt_1', 'gwy_1'))
  await registry.opened(session('ses_2', 'grt_1', 'gwy_2'))
  await registry.opened(session('ses_3', 'grt_2', 'gwy_1'))
  await registry.opened(session('ses_4', 'grt_1', 'gwy_never'))
  expect(await registry.openCount('grt_1')).toBe(2)
  await registry.heartbeat('gwy_2', 0)
  expect(await registry.gatewayAlive('gwy_2')).toBe(false)
  expect(await registry.gatewayAlive('gwy_1')).toBe(true)
  expect(await registry.openCount('grt_1')).toBe(1)
  await registry.ended('ses_1', 'idle', 5)
  await registry.ended('ses_1', 'internal', 6)
  expect(await registry.openCount('grt_1')).toBe(0)
  const row = await db
    .selectFrom('sessions')
    .selectAll()
    .where('id', '=', 'ses_1')
    .executeTakeFirst()
  expect(row).toMatchObject({ end_reason: 'idle', ended_at: 5 })
  await registry.opened(session('ses_1', 'grt_1', 'gwy_1'))
  expect(await registry.openCount('grt_1')).toBe(0)
})

test('the sessions of a grant are counted by gateway, and a dead gateway has no open ones', async () => {
  const registry = new PostgresSessionRegistry(db)
  await registry.heartbeat('gwy_a', 60_000)
  await registry.heartbeat('gwy_b', 60_000)
  await registry.opened(session('ses_a1', 'grt_x', 'gwy_a'))
  await registry.opened(session('ses_a2', 'grt_x', 'gwy_a'))
  await registry.opened(session('ses_b1', 'grt_x', 'gwy_b'))
  await registry.opened(session('ses_b2', 'grt_y', 'gwy_b'))
  await registry.ended('ses_a1', 'grant-revoked', 5)
  await registry.ended('ses_b1', 'idle', 5)
  const under = async (...ids: GrantId[]) =>
    (await registry.sessionsUnder(ids))
      .map((row) => `${row.grantId} ${row.gatewayId} ${row.openCount} ${row.revokedCount}`)
      .sort()
  expect(await under()).toEqual([])
  expect(await under('grt_x')).toEqual(['grt_x gwy_a 1 1', 'grt_x gwy_b 0 0'])
  expect(await under('grt_x', 'grt_y')).toContain('grt_y gwy_b 1 0')
  await registry.heartbeat('gwy_a', 0)
  expect(await under('grt_x')).toEqual(['grt_x gwy_a 0 1', 'grt_x gwy_b 0 0'])
})

test('a stored secret is found by its name only, and not when its row was swapped or rolled back', async () => {
  const secrets = new PostgresSecretStore({ db, sealer })
  const passwordOf = async (name: string) => {
    const [value] = await secrets.usable(name)
    return value && Buffer.from(value.password).toString()
  }
  const put = (name: string, value: string) => secrets.put({ name, value, by: 'okta/alice', at: 1 })
  await put('a', 'value-of-a')
  const old = await db
    .selectFrom('secrets')
    .selectAll()
    .where('name', '=', 'a')
    .executeTakeFirstOrThrow()
  expect((await put('a', 'newer-of-a')).version).toBe(2)
  await put('b', 'value-of-b')
  expect(await passwordOf('a')).toBe('newer-of-a')
  expect(await passwordOf('c')).toBeUndefined()
  expect(JSON.stringify(await secrets.list())).not.toContain('value')
  await db.updateTable('secrets').set({ sealed: old.sealed }).where('name', '=', 'a').execute()
  await expect(passwordOf('a')).rejects.toMatchObject({ code: 'INTERNAL' })
  await sql`update secrets set sealed = (select sealed from secrets where name = 'b')
    where name = 'a'`.execute(db)
  await expect(passwordOf('a')).rejects.toMatchObject({ code: 'INTERNAL' })
  expect(await secrets.remove('a')).toBe(true)
  expect(await secrets.remove('a')).toBe(false)
})

test('a fresh database is migrated once, whoever of five processes comes first', async () => {
  const fresh = await cluster.createDatabase()
  const runs = await Promise.all(Array.from({ length: 5 }, () => migrate(fresh)))
  expect(runs.flat()).toEqual(MIGRATION_NAMES)
  expect(await migrate(fresh)).toEqual([])
})

test('a store that can’t be reached is a failure with its code, and says nothing of its address', async () => {
  const gone = openDatabase('postgres://u:pass@127.0.0.1:1/x', {
    poolMax: 1,
    applicationName: 'test',
  })
  const inbox = new PostgresInbox({ db: gone, sealer })
  await expect(inbox.find('req_1')).rejects.toMatchObject(unavailable)
  await expect(inbox.find('req_1')).rejects.toThrow(/^(?!.*(127|pass)).*$/)
  await expect(migrate('postgres://u:pass@127.0.0.1:1/x')).rejects.toMatchObject(unavailable)
  await gone.destroy()
})

test('a call that gets no answer ends at its deadline', async () => {
  const never = () => new Promise<never>(() => undefined)
  await expect(storeCall(never, 'CONTROL_PLANE_UNAVAILABLE', 5)).rejects.toMatchObject(unavailable)
})

test('a statement that takes too long is stopped by the server', async () => {
  const impatient = openDatabase(url, { poolMax: 1, applicationName: 'test', statementMsMax: 20 })
  const slow = () => sql`select pg_sleep(30)`.execute(impatient)
  await expect(storeCall(slow)).rejects.toMatchObject(unavailable)
  expect((await sql<{ one: number }>`select 1 as one`.execute(impatient)).rows).toEqual([
    { one: 1 },
  ])
  await impatient.destroy()
})
