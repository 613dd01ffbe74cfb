// The rows of the audit log: added in batches, read in order, never changed. What a record means
// and whether a chain holds is audit/'s to say.

import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely'
import type {
  ChainHead,
  ChainPosition,
  Checkpoint,
  RecordFilter,
  RecordPosition,
  RecordStore,
  StoredRecord,
} from '../core/record.js'
import { sqlState, storeCall } from './call.js'
import type { AuditCheckpointTable, AuditRecordTable, Schema } from './schema.js'

const UNIQUE_VIOLATION = '23505'
/** Most rows that one call reads. */
const PAGE_COUNT_MAX = 2_000

/** RecordStore on PostgreSQL. Every call rejects with `RECORD_UNAVAILABLE` on failure. */
export class PostgresRecordStore implements RecordStore {
  readonly #db: Kysely<Schema>

  constructor(db: Kysely<Schema>) {
    this.#db = db
  }

  /** One statement for the whole batch; durable when it returns. */
  append(records: readonly StoredRecord[]): Promise<'written' | 'conflict'> {
    const last = records.at(-1)
    const first = records[0]
    if (first === undefined || last === undefined) return Promise.resolve('written')
    return recordCall(async () => {
      const { numAffectedRows } = await sql`
        insert into audit_records (${sql.raw(COLUMN_NAMES)})
        select ${sql.raw(COLUMN_NAMES)} from json_to_recordset(${rowsText(records)}::json) as r (${sql.raw(ROW_FORM)})
        on conflict (chain, seq) do nothing`.execute(this.#db)
      if (numAffectedRows === BigInt(records.length)) return 'written'
      // An earlier attempt whose answer was lost, or somebody else. Each hash covers all that
      // went before, so the last one and the count tell.
      const { rows } = await sql<{ count: number; hash: string | null }>`
        select count(*) as count, max(hash) filter (where seq = ${last.seq}) as hash
        from audit_records
        where chain = ${last.chain} and seq between ${first.seq} and ${last.seq}`.execute(this.#db)
      const same = rows[0]?.count === records.length && rows[0].hash === last.hash
      return same ? 'written' : 'conflict'
    })
  }

  unsignedTips(): Promise<readonly Pick<StoredRecord, 'chain' | 'seq' | 'hash'>[]> {
    return recordCall(async () => {
      // One index probe per chain instead of a scan of the log ("loose index scan").
      const { rows } = await sql<Pick<StoredRecord, 'chain' | 'seq' | 'hash'>>`
        with recursive chains (chain) as (
          (select chain from audit_records order by chain limit 1)
          union all
          select (select r.chain from audit_records r where r.chain > c.chain
                  order by r.chain limit 1)
          from chains c where c.chain is not null
        )
        select tip.chain, tip.seq, tip.hash from chains c
        cross join lateral (
          select r.chain, r.seq, r.hash from audit_records r
          where r.chain = c.chain order by r.seq desc limit 1
        ) tip
        where tip.seq > coalesce((select s.seq from audit_signed s where s.chain = tip.chain), 0)`.execute(
        this.#db,
      )
      return rows
    })
  }

  page(after: ChainPosition | undefined, limitCount: number): Promise<readonly StoredRecord[]> {
    const place =
      after === undefined ? sql`true` : sql`(chain, seq) > (${after.chain}, ${after.seq})`
    return this.#select(place, sql`chain, seq`, limitCount)
  }

  newest(
    filter: RecordFilter,
    before: RecordPosition | undefined,
    limitCount: number,
  ): Promise<readonly StoredRecord[]> {
    const place =
      before === undefined
        ? sql`true`
        : sql`(at, chain, seq) < (${before.at}, ${before.chain}, ${before.seq})`
    return this.#select(
      sql`${place} and ${matching(filter)}`,
      sql`at desc, chain desc, seq desc`,
      limitCount,
    )
  }

  following(
    filter: RecordFilter,
    seen: ReadonlyMap<string, number>,
    limitCount: number,
  ): Promise<readonly StoredRecord[]> {
    const unseen = sql`not exists (
      select from unnest(${[...seen.keys()]}::text[], ${[...seen.values()]}::bigint[])
        as s (chain, seq)
      where s.chain = audit_records.chain and audit_records.seq <= s.seq)`
    return this.#select(sql`${unseen} and ${matching(filter)}`, sql`chain, seq`, limitCount)
  }

  addCheckpoint(checkpoint: Checkpoint): Promise<boolean> {
    return recordCall(async () => {
      try {
        await this.#db.transaction().execute(async (transaction) => {
          await transaction
            .insertInto('audit_checkpoints')
            .values({
              number: checkpoint.number,
              at: checkpoint.at,
              previous: checkpoint.previous,
              heads: JSON.stringify(checkpoint.heads),
              key_id: checkpoint.keyId,
              hash: checkpoint.hash,
              signature: checkpoint.signature,
            })
            .execute()
          for (const { chain, seq } of checkpoint.heads) {
            await transaction
              .insertInto('audit_signed')
              .values({ chain, seq })
              .onConflict((conflict) =>
                conflict.column('chain').doUpdateSet((eb) => ({
                  seq: eb.fn<number>('greatest', ['audit_signed.seq', 'excluded.seq']),
                })),
              )
              .execute()
          }
        })
        return true
      } catch (error) {
        if (sqlState(error) === UNIQUE_VIOLATION) return false
        throw error
      }
    })
  }

  checkpoint(number: number): Promise<Checkpoint | undefined> {
    return recordCall(async () => {
      const row = await this.#db
        .selectFrom('audit_checkpoints')
        .selectAll()
        .where('number', '=', number)
        .executeTakeFirst()
      return row === undefined ? undefined : toCheckpoint(row)
    })
  }

  latestCheckpoint(): Promise<Checkpoint | undefined> {
    return recordCall(async () => {
      const row = await this.#db
        .selectFrom('audit_checkpoints')
        .selectAll()
        .orderBy('number', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined ? undefined : toCheckpoint(row)
    })
  }

  checkpoints(afterNumber: number, limitCount: number): Promise<readonly Checkpoint[]> {
    return recordCall(async () => {
      const rows = await this.#db
        .selectFrom('audit_checkpoints')
        .selectAll()
        .where('number', '>', afterNumber)
        .orderBy('number')
        .limit(Math.min(limitCount, PAGE_COUNT_MAX))
        .execute()
      return rows.map(toCheckpoint)
    })
  }

  #select(
    where: RawBuilder<unknown>,
    order: RawBuilder<unknown>,
    limitCount: number,
  ): Promise<readonly StoredRecord[]> {
    return recordCall(async () => {
      const { rows } = await sql<Selectable<AuditRecordTable>>`
        select * from audit_records where ${where} order by ${order}
        limit ${Math.min(limitCount, PAGE_COUNT_MAX)}`.execute(this.#db)
      return rows.map(toRecord)
    })
  }
}

const recordCall = <T>(call: () => Promise<T>): Promise<T> => storeCall(call, 'RECORD_UNAVAILABLE')

/** The columns of a row with their types. */
const COLUMNS = {
  chain: 'text',
  seq: 'bigint',
  at: 'bigint',
  monotonic_ms: 'bigint',
  kind: 'text',
  body: 'text',
  previous: 'text',
  hash: 'text',
  principal: 'text',
  resource: 'text',
  session_id: 'text',
  request_id: 'text',
  review_id: 'text',
} as const satisfies Record<keyof AuditRecordTable, 'text' | 'bigint'>

const COLUMN_NAMES = Object.keys(COLUMNS).join(', ')
const ROW_FORM = Object.entries(COLUMNS)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')

/** The whole batch as one parameter: a batch of any size is the same statement. */
const rowsText = (records: readonly StoredRecord[]): string =>
  JSON.stringify(
    records.map(
      (record) =>
        ({
          chain: record.chain,
          seq: record.seq,
          at: record.at,
          monotonic_ms: record.monotonicMs,
          kind: record.kind,
          body: record.body,
          previous: record.previous,
          hash: record.hash,
          principal: record.keys.principal,
          resource: record.keys.resource,
          session_id: record.keys.sessionId,
          request_id: record.keys.requestId,
          review_id: record.keys.reviewId,
        }) satisfies Selectable<AuditRecordTable>,
    ),
  )

function matching(filter: RecordFilter): RawBuilder<unknown> {
  const terms = [sql`true`]
  if (filter.kinds !== undefined) terms.push(sql`kind = any(${[...filter.kinds]}::text[])`)
  if (filter.principal !== undefined) terms.push(ofRequests('principal', filter.principal))
  if (filter.resource !== undefined) terms.push(ofRequests('resource', filter.resource))
  if (filter.sessionId !== undefined) terms.push(sql`session_id = ${filter.sessionId}`)
  if (filter.requestId !== undefined) terms.push(sql`request_id = ${filter.requestId}`)
  if (filter.reviewId !== undefined) terms.push(sql`review_id = ${filter.reviewId}`)
  if (filter.from !== undefined) terms.push(sql`at >= ${filter.from}`)
  if (filter.to !== undefined) terms.push(sql`at < ${filter.to}`)
  return sql.join(terms, sql` and `)
}

/** Records that name it, and all of the requests that do: a command's record names its request only. */
const ofRequests = (column: 'principal' | 'resource', value: string): RawBuilder<unknown> => {
  const named = sql`${sql.ref(column)} = ${value}`
  return sql`(${named} or request_id = any (array(
    select q.request_id from audit_records q
    where q.${sql.ref(column)} = ${value} and q.request_id is not null)))`
}

const toRecord = (row: Selectable<AuditRecordTable>): StoredRecord => ({
  chain: row.chain,
  seq: row.seq,
  at: row.at,
  monotonicMs: row.monotonic_ms,
  kind: row.kind,
  body: row.body,
  previous: row.previous,
  hash: row.hash,
  keys: {
    principal: row.principal,
    resource: row.resource,
    sessionId: row.session_id,
    requestId: row.request_id,
    reviewId: row.review_id,
  },
})

const toCheckpoint = (row: Selectable<AuditCheckpointTable>): Checkpoint => ({
  number: row.number,
  at: row.at,
  previous: row.previous,
  heads: readHeads(row.heads),
  keyId: row.key_id,
  hash: row.hash,
  signature: row.signature,
})

/** What can't be read is no heads at all: the verifier then finds that the hash does not fit. */
function readHeads(text: string): readonly ChainHead[] {
  try {
    const heads: unknown = JSON.parse(text)
    return Array.isArray(heads) ? (heads as ChainHead[]) : []
  } catch {
    return []
  }
}
