// Sessions whose gateway died: every intent without an outcome gets one, unknown, exactly once,
// however many processes notice.

import type { Kysely } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { closeAbandonedSessions } from '../../../app/abandoned-sessions.js'
import type { ChainedAuditLog } from '../../../audit/log.js'
import { verifyLog } from '../../../audit/export.js'
import { queryLog } from '../../../audit/query.js'
import { WarderError } from '../../../core/errors.js'
import type { GatewayId, SessionId } from '../../../core/ids.js'
import type { AuditLog } from '../../../core/ports.js'
import { openDatabase } from '../../../store/database.js'
import { migrate } from '../../../store/migrations.js'
import { PostgresRecordStore } from '../../../store/records.js'
import type { Schema } from '../../../store/schema.js'
import { PostgresSessionRegistry } from '../../../store/sessions.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'
import { finished, keys, openLog, sealer, TickingClock } from '../audit/fixtures.js'

let cluster: PostgresCluster
let db: Kysely<Schema>
let records: PostgresRecordStore
let registry: PostgresSessionRegistry
let survivors: ChainedAuditLog[]

beforeAll(async () => {
  cluster = await startPostgres()
}, 60_000)

afterAll(async () => {
  await db.destroy()
  await cluster.stop()
})

beforeEach(async () => {
  await (db as Kysely<Schema> | undefined)?.destroy()
  const url = await cluster.createDatabase()
  await migrate(url)
  db = openDatabase(url, { poolMax: 10, applicationName: 'test' })
  records = new PostgresRecordStore(db)
  registry = new PostgresSessionRegistry(db)
  survivors = [await openLog(records, 'gwy_s1'), await openLog(records, 'gwy_s2')]
})

const about = { grantId: 'grt_1', requestId: 'req_1', sessionId: 'ses_1' }

/** A gateway with one session, that wrote what `write` says and then stopped its heartbeat. */
async function dead(write: (log: AuditLog) => void, sessionId: SessionId = 'ses_1') {
  const gatewayId: GatewayId = `gwy_dead_${sessionId}`
  await registry.heartbeat(gatewayId, 60_000)
  await registry.opened({
    ...{ id: sessionId, grantId: 'grt_1', gatewayId, protocol: 'postgres', peer: '::1:1' },
    openedAt: 1,
  })
  const log = await openLog(records, gatewayId)
  write(log)
  await log.close()
  await registry.heartbeat(gatewayId, 0)
}

const intend = (log: AuditLog, command: number, text: string) =>
  log.append({
    kind: 'command.intended',
    fields: {
      ...{ ...about, command, text, effect: 'write', kinds: ['insert'], relations: ['public.t'] },
      ...{ parameters: ['secret-value'], reviewId: 'cmd_1', transaction: 'none' },
    },
  })

const close = (audit: AuditLog) =>
  closeAbandonedSessions({
    ...{ registry, records, sealer, audit, clock: new TickingClock() },
    onTrouble: (failure) => {
      throw failure
    },
  })

async function story(kind: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const query = { sessionId: 'ses_1', kinds: [kind], limitCount: 1_000 }
  const { records: views } = await queryLog(records, sealer, query)
  return views.toReversed().map(({ chain, fields }) => ({ chain, ...fields }))
}

test('a session whose gateway is alive is left alone', async () => {
  await registry.heartbeat('gwy_alive', 60_000)
  const [session, gatewayId] = ['ses_2', 'gwy_alive'] as const
  await registry.opened({
    ...{ id: session, grantId: 'grt_1', gatewayId, protocol: 'postgres', peer: '::1:1' },
    openedAt: 1,
  })
  expect(await Promise.all(survivors.map(close))).toEqual([0, 0])
  expect(await registry.openCount('grt_1')).toBe(1)
})

test('an intent without an outcome gets an unknown one with all that was intended', async () => {
  await dead((log) => {
    intend(log, 1, 'insert into t values (1)')
    log.append(finished(1, 'insert into t values (1)'))
    intend(log, 2, 'insert into t values (2)')
  })
  expect(await close(survivors[0] as ChainedAuditLog)).toBe(1)
  const outcomes = await story('command.finished')
  expect(outcomes.map(({ command }) => command)).toContain(2)
  expect(outcomes.find(({ command }) => command === 2)).toMatchObject({
    ...{ ...about, outcome: 'unknown', text: 'insert into t values (2)', effect: 'write' },
    ...{ kinds: ['insert'], relations: ['public.t'], parameters: ['secret-value'] },
    ...{ reviewId: 'cmd_1', chain: 'gwy_s1' },
  })
  expect(await story('session.ended')).toMatchObject([{ end: 'gateway-lost', chain: 'gwy_s1' }])
  const row = await db.selectFrom('sessions').selectAll().executeTakeFirstOrThrow()
  expect(row.end_reason).toBe('gateway-lost')
  const report = await verifyLog(records, { keys })
  expect(report.findings).toEqual([])
})

test('all who notice at once write each outcome once', async () => {
  await dead((log) => {
    for (let command = 1; command <= 700; command += 1) intend(log, command, `insert ${command}`)
  })
  const counts = await Promise.all([...survivors, ...survivors].map(close))
  expect(counts.reduce((sum, count) => sum + count)).toBe(1)
  const numbers = (await story('command.finished')).map(({ command }) => command)
  expect(numbers).toEqual(Array.from({ length: 700 }, (_, at) => at + 1))
  expect(await story('session.ended')).toHaveLength(1)
})

test('who dies between the record and the row leaves it to the next, who writes nothing twice', async () => {
  await dead((log) => intend(log, 1, 'insert into t values (1)'))
  const [first, second] = survivors as [ChainedAuditLog, ChainedAuditLog]
  const dying: AuditLog = {
    append: (event) => first.append(event),
    durable: async (ticket) => {
      await first.durable(ticket)
      throw new WarderError('RECORD_UNAVAILABLE')
    },
    onFailure: () => () => undefined,
  }
  await expect(close(dying)).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' })
  expect(await close(second)).toBe(1)
  expect(await story('command.finished')).toHaveLength(1)
  expect(await story('session.ended')).toHaveLength(1)
})

test('a session that had nothing under way just ends', async () => {
  await dead(() => undefined)
  expect(await close(survivors[0] as ChainedAuditLog)).toBe(1)
  expect(await story('command.finished')).toEqual([])
  expect(await story('session.ended')).toHaveLength(1)
})
