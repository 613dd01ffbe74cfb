// The log on a real PostgreSQL: what is done to its tables is found, and a server that is killed
// in the middle of a write closes the log for good.

import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { RecordFilter } from '../../../core/record.js'
import { exportLog, verifyExport, verifyLog } from '../../../audit/export.js'
import { followLog, queryLog, storyOf } from '../../../audit/query.js'
import { openDatabase } from '../../../store/database.js'
import { migrate } from '../../../store/migrations.js'
import { PostgresRecordStore } from '../../../store/records.js'
import type { Schema } from '../../../store/schema.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'
import { finished, finishedMany, keys, openLog, random, sealer } from './fixtures.js'

let cluster: PostgresCluster
let db: Kysely<Schema>
let store: PostgresRecordStore

beforeAll(async () => {
  cluster = await startPostgres()
}, 60_000)

afterAll(async () => {
  await cluster.stop()
})

beforeEach(async () => {
  await (db as Kysely<Schema> | undefined)?.destroy()
  const url = await cluster.createDatabase()
  await migrate(url)
  db = openDatabase(url, { poolMax: 4, applicationName: 'test' })
  store = new PostgresRecordStore(db)
})

const report = () => verifyLog(store, { keys })

/** Two chains with ten records each. */
async function write(): Promise<void> {
  for (const chain of ['gwy_a', 'gwy_b']) {
    const log = await openLog(store, chain)
    for (let command = 1; command < 10; command += 1)
      log.append(finished(command, `select ${String(command)}`))
    await log.close()
  }
}

/** Does what only an owner of the database can do. */
async function tamper(change: (raw: Kysely<Schema>) => Promise<unknown>): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await sql`set local session_replication_role = replica`.execute(transaction)
    await change(transaction)
  })
}

test.each([
  ['audit_records', 'update audit_records set at = 0'],
  ['audit_records', 'delete from audit_records'],
  ['audit_records', 'truncate audit_records'],
  ['audit_checkpoints', 'delete from audit_checkpoints'],
  ['policies', 'delete from policies'],
])('%s is append-only for Warder itself: %s', async (_table, statement) => {
  await expect(sql.raw(statement).execute(db)).rejects.toMatchObject({ code: 'WD003' })
})

test('one bit changed in any column of any record or checkpoint is found', async () => {
  await write()
  const seed = 7
  const roll = random(seed)
  const columns = await columnsOf()
  for (let round = 0; round < 150; round += 1) {
    const { table, column, type } = columns[roll(columns.length)] ?? columns[0] ?? never()
    const ids = await sql<{ id: string }>`
      select ctid::text as id from ${sql.table(table)} where ${sql.ref(column)} is not null
      order by ctid`.execute(db)
    const row = ids.rows[roll(Math.max(1, ids.rows.length))]
    if (row === undefined) continue
    const old = await value(table, column, row.id)
    const changed = type === 'bigint' ? Number(old) + 64 : flip(String(old), roll)
    const moved = await set(table, column, row.id, changed)
    const found = await report()
    expect(
      found.ok,
      `seed ${String(seed)} round ${String(round)}: ${table}.${column} ${String(old)} → ${String(changed)}`,
    ).toBe(false)
    await set(table, column, moved, old)
  }
  expect((await report()).findings).toEqual([])
}, 60_000)

test('a torn batch, of which only the first rows arrived, is found', async () => {
  await write()
  await tamper((raw) =>
    sql`delete from audit_records where chain = 'gwy_b' and seq > 4`.execute(raw),
  )
  expect((await report()).findings.map(({ code }) => code)).toContain('tail-missing')
})

test('of a batch that conflicts with a stored record nothing is taken for written', async () => {
  await write()
  const page = await store.page(undefined, 3)
  const [first, second, third] = page
  if (first === undefined || second === undefined || third === undefined) throw new Error('no rows')
  expect(await store.append([first, second, third])).toBe('written')
  expect(await store.append([{ ...third, hash: 'f'.repeat(64) }])).toBe('conflict')
  expect(await store.append([])).toBe('written')
})

test('two processes write at once: two chains, checkpoints in one line, all of it holds', async () => {
  const logs = await Promise.all(['gwy_a', 'gwy_b', 'gwy_c'].map((chain) => openLog(store, chain)))
  await Promise.all(
    logs.map(async (log) => {
      for (let command = 1; command <= 200; command += 1) {
        await log.durable(log.append(finished(command)))
      }
    }),
  )
  await Promise.all(logs.map((log) => log.close()))
  const found = await report()
  expect(found).toMatchObject({ ok: true, chainCount: 3, recordCount: 603 })
  expect(found.checkpointCount).toBeGreaterThanOrEqual(3)
  const lines: string[] = []
  for await (const line of exportLog(store)) lines.push(line)
  expect(await verifyExport(lines, { keys, anchor: found.anchor })).toMatchObject({ ok: true })
})

test('names that no PostgreSQL text can hold do not stop the log', async () => {
  const log = await openLog(store, 'gwy_a')
  log.append({
    kind: 'request.opened',
    fields: {
      principal: 'okta/\0bad\ud800' + 'x'.repeat(5_000),
      resource: '\u{1f4a9}',
      peer: '\0',
    },
  })
  await log.close()
  expect((await report()).findings).toEqual([])
  const { records } = await queryLog(store, sealer, { resource: '\u{1f4a9}', limitCount: 5 })
  expect(records).toHaveLength(1)
})

test('a server killed in the middle of writing closes the log: nothing is durable that is not there', async () => {
  const own = await startPostgres({ durable: true })
  try {
    const url = await own.createDatabase()
    await migrate(url)
    const ownDb = openDatabase(url, { poolMax: 2, applicationName: 'test' })
    const ownStore = new PostgresRecordStore(ownDb)
    const log = await openLog(ownStore, 'gwy_a')
    let durable = 0
    const writing = (async () => {
      for (let command = 1; ; command += 1) {
        const ticket = log.append(finished(command))
        await log.durable(ticket)
        durable = ticket
        if (command === 50) void own.kill()
      }
    })()
    const failed = new Promise<Error>((resolve) => log.onFailure(resolve))
    await expect(writing).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' })
    expect(await failed).toMatchObject({ code: 'RECORD_UNAVAILABLE' })
    expect(durable).toBeGreaterThanOrEqual(50)
    await own.restart()
    // It stays closed although the store is back.
    expect(() => log.append(finished(1))).toThrow('Nothing can be recorded')
    const after = await verifyLog(ownStore, { keys })
    expect(after.findings).toEqual([])
    expect(after.recordCount).toBeGreaterThanOrEqual(durable)
    await (await openLog(ownStore, 'gwy_b')).close()
    expect((await verifyLog(ownStore, { keys })).ok).toBe(true)
    await ownDb.destroy()
  } finally {
    await own.stop()
  }
}, 60_000)

test('without a store no log opens', async () => {
  const nowhere = openDatabase('postgres://nobody@127.0.0.1:1/none', {
    poolMax: 1,
    applicationName: 'test',
  })
  await expect(openLog(new PostgresRecordStore(nowhere), 'gwy_a')).rejects.toMatchObject({
    code: 'RECORD_UNAVAILABLE',
  })
  await nowhere.destroy()
})

test('a query finds by session, request, principal, resource, kind, time and decrypted text', async () => {
  const log = await openLog(store, 'gwy_a')
  log.append({
    kind: 'request.opened',
    fields: { principal: 'okta/alice', resource: 'orders-db', requestId: 'req_1', role: 'reader' },
  })
  for (let command = 1; command <= 20; command += 1)
    log.append(finished(command, `select 'Needle ${String(command)}'`))
  log.append({
    kind: 'session.ended',
    fields: { sessionId: 'ses_2', requestId: 'req_2', end: 'idle' },
  })
  await log.close()
  const count = async (filter: RecordFilter & { text?: string }) =>
    (await queryLog(store, sealer, { ...filter, limitCount: 100 })).records.length
  expect(await count({})).toBe(23)
  expect(await count({ sessionId: 'ses_1' })).toBe(20)
  expect(await count({ principal: 'okta/alice' })).toBe(21)
  expect(await count({ resource: 'orders-db' })).toBe(21)
  expect(await count({ principal: 'okta/mallory' })).toBe(0)
  expect(await count({ kinds: ['session.ended', 'log.opened'] })).toBe(2)
  expect(await count({ text: 'needle 1' })).toBe(11)
  expect(await count({ text: 'needle 21' })).toBe(0)
  const newest = await queryLog(store, sealer, { limitCount: 2 })
  expect(newest.records.map(({ seq }) => seq)).toEqual([23, 22])
  expect(newest.stopped).toBe('limit')
  const at = newest.records[1]?.at ?? 0
  expect(await count({ from: at })).toBe(2)
  expect(await count({ to: at })).toBe(21)
  const story = await storyOf(store, sealer, 'ses_1')
  expect(story.records.map(({ seq }) => seq)).toEqual(Array.from({ length: 21 }, (_, i) => i + 2))
})

test('commands that share a record are found by kind, session and request, and told in their order', async () => {
  const log = await openLog(store, 'gwy_a')
  log.append(finishedMany([1, 2, 3]))
  log.append({ kind: 'session.ended', fields: { sessionId: 'ses_1', requestId: 'req_1' } })
  await log.close()
  const numbers = async (filter: RecordFilter) =>
    (await queryLog(store, sealer, { ...filter, limitCount: 100 })).records.map(
      ({ kind, fields }) => fields['command'] ?? kind,
    )
  expect(await numbers({ kinds: ['command.finished'] })).toEqual([3, 2, 1])
  expect(await numbers({ kinds: ['commands.finished'] })).toEqual([3, 2, 1])
  expect(await numbers({ sessionId: 'ses_1' })).toEqual(['session.ended', 3, 2, 1])
  expect(await numbers({ requestId: 'req_1', kinds: ['command.finished'] })).toEqual([3, 2, 1])
  expect(await numbers({ sessionId: 'ses_2' })).toEqual([])
  const story = await storyOf(store, sealer, 'ses_1')
  expect(story.records.map(({ fields }) => fields['command'])).toEqual([1, 2, 3, undefined])
})

test('following shows each record once, whichever chain it comes from', async () => {
  const first = await openLog(store, 'gwy_a')
  const second = await openLog(store, 'gwy_b')
  const seen: string[] = []
  const signal = { aborted: false }
  let looks = 0
  const pause = async () => {
    looks += 1
    if (looks > 5) signal.aborted = true
    for (const log of [first, second]) await log.durable(log.append(finished(looks)))
  }
  const query = { from: 0, kinds: ['command.finished'] }
  for await (const view of followLog(store, sealer, query, { pause, signal })) {
    seen.push(`${view.chain}/${String(view.seq)}`)
  }
  expect(seen).toHaveLength(10)
  expect(new Set(seen).size).toBe(10)
})

const never = () => {
  throw new Error('no columns')
}

async function columnsOf() {
  const { rows } = await sql<{ table: string; column: string; type: string }>`
    select table_name as table, column_name as column, data_type as type
    from information_schema.columns
    where table_name in ('audit_records', 'audit_checkpoints') and table_schema = 'warder'
    order by 1, 2`.execute(db)
  expect(rows.length).toBe(20)
  return rows
}

async function value(table: string, column: string, id: string): Promise<unknown> {
  const { rows } = await sql<{ value: unknown }>`
    select ${sql.ref(column)} as value from ${sql.table(table)} where ctid = ${id}::tid`.execute(db)
  return rows[0]?.value
}

/** Changes one value; an update moves the row, so its new place is returned. */
async function set(table: string, column: string, id: string, to: unknown): Promise<string> {
  let moved = ''
  await tamper(async (raw) => {
    const { rows } = await sql<{ id: string }>`
      update ${sql.table(table)} set ${sql.ref(column)} = ${to} where ctid = ${id}::tid
      returning ctid::text as id`.execute(raw)
    moved = rows[0]?.id ?? ''
  })
  return moved
}

function flip(text: string, roll: (max: number) => number): string {
  const at = roll(text.length)
  const changed = String.fromCharCode(text.charCodeAt(at) ^ (1 << roll(5)))
  return text.slice(0, at) + changed + text.slice(at + 1)
}
