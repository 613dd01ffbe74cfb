// The grants that gateways enforce. Only grows an epoch, never revives what has ended, and tells
// the bus only what is committed.

import { type Kysely, type Selectable, sql } from 'kysely'
import { assert } from '../core/errors.js'
import type { Grant } from '../core/grant.js'
import { isLive } from '../core/grant.js'
import type { GrantId, RequestId } from '../core/ids.js'
import type { Bus, Clock, GrantStore } from '../core/ports.js'
import type { Sealer } from '../core/record.js'
import { storeCall } from './call.js'
import type { GrantTable, Schema } from './schema.js'
import { openJson, type Place, sealJson } from './sealed.js'

/** Live grants that one revocation looks through. */
const ALL_LIVE_GRANTS_MAX = 10_000
/** More live grants of one principal on one resource than anybody chooses between. */
const LIVE_GRANTS_MAX = 100

type Row = Selectable<GrantTable>
type Sealed = Pick<Grant, 'principal' | 'reason' | 'breakGlass'>

/** GrantStore on PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresGrantStore implements GrantStore {
  readonly #db: Kysely<Schema>
  readonly #bus: Bus
  readonly #sealer: Sealer
  readonly #clock: Clock

  constructor(parts: { db: Kysely<Schema>; bus: Bus; sealer: Sealer; clock: Clock }) {
    this.#db = parts.db
    this.#bus = parts.bus
    this.#sealer = parts.sealer
    this.#clock = parts.clock
  }

  /** One statement, so that any number of callers agree on one request. */
  reserve(key: {
    principalKey: string
    resource: string
    role: string
    requestId: RequestId
  }): Promise<RequestId> {
    return storeCall(async () => {
      const row = await this.#db
        .insertInto('grant_reservations')
        .values({
          principal_key: key.principalKey,
          resource: key.resource,
          role: key.role,
          request_id: key.requestId,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['principal_key', 'resource', 'role'])
            .doUpdateSet({ request_id: (eb) => eb.ref('grant_reservations.request_id') }),
        )
        .returning('request_id')
        .executeTakeFirstOrThrow()
      return row.request_id
    })
  }

  /** Nothing happens when there is no such reservation. */
  release(requestId: RequestId): Promise<void> {
    return storeCall(async () => {
      await this.#db.deleteFrom('grant_reservations').where('request_id', '=', requestId).execute()
    })
  }

  /** Adds the row, or returns the one that is there. @throws WarderError `INTERNAL` when that one is another's. */
  open(grant: Grant): Promise<Grant> {
    assert(grant.end === undefined, 'a grant is opened before it ends')
    return storeCall(async () => {
      const added = await this.#db
        .insertInto('grants')
        .values(this.#toRow(grant))
        .onConflict((conflict) => conflict.column('id').doNothing())
        .returning('id')
        .executeTakeFirst()
      const stored = await this.#read(grant.id)
      assert(stored !== undefined, 'a grant row is never deleted')
      assert(
        stored.principalKey === grant.principalKey &&
          stored.resource === grant.resource &&
          stored.role === grant.role,
        'a grant id belongs to one principal, resource and role',
      )
      if (added !== undefined) this.#bus.publishGrant(stored)
      return stored
    })
  }

  find(id: GrantId): Promise<Grant | undefined> {
    return storeCall(() => this.#read(id))
  }

  live(principalKey: string, resource: string, nowMs: number): Promise<readonly Grant[]> {
    return storeCall(async () => {
      const rows = await this.#db
        .selectFrom('grants')
        .selectAll()
        .where('principal_key', '=', principalKey)
        .where('resource', '=', resource)
        .where('end_reason', 'is', null)
        .where('expires_at', '>', nowMs)
        .orderBy('opened_at', 'desc')
        .orderBy('id', 'desc')
        .limit(LIVE_GRANTS_MAX)
        .execute()
      return rows.map((row) => this.#toGrant(row))
    })
  }

  /** Every live grant, newest first, up to a bound far above what one deployment runs. */
  allLive(nowMs: number): Promise<readonly Grant[]> {
    return storeCall(async () => {
      const rows = await this.#db
        .selectFrom('grants')
        .selectAll()
        .where('end_reason', 'is', null)
        .where('expires_at', '>', nowMs)
        .orderBy('opened_at', 'desc')
        .limit(ALL_LIVE_GRANTS_MAX)
        .execute()
      return rows.map((row) => this.#toGrant(row))
    })
  }

  /**
   * Moves the end later; a time that is not later leaves the row as it is. Undefined when there is
   * no such grant or it is no longer live.
   */
  extend(id: GrantId, expiresAt: number): Promise<Grant | undefined> {
    return storeCall(async () => {
      const row = await this.#db
        .updateTable('grants')
        .set((eb) => ({ expires_at: expiresAt, epoch: eb('epoch', '+', 1) }))
        .where('id', '=', id)
        .where('end_reason', 'is', null)
        .where('expires_at', '>', this.#clock.now())
        .where('expires_at', '<', expiresAt)
        .returningAll()
        .executeTakeFirst()
      if (row !== undefined) return this.#published(row)
      const stored = await this.#read(id)
      return stored !== undefined && isLive(stored, this.#clock.now()) ? stored : undefined
    })
  }

  /** The bus is told even when the grant had ended before: a hint that was lost comes again. */
  end(id: GrantId, end: NonNullable<Grant['end']>): Promise<Grant | undefined> {
    return storeCall(async () => {
      const row = await this.#db
        .updateTable('grants')
        .set((eb) => ({
          end_reason: end.reason,
          end_by: end.by,
          end_at: end.at,
          epoch: eb('epoch', '+', 1),
        }))
        .where('id', '=', id)
        .where('end_reason', 'is', null)
        .returningAll()
        .executeTakeFirst()
      const ended = row ?? (await this.#row(id))
      return ended === undefined ? undefined : this.#published(ended)
    })
  }

  changed(known: ReadonlyMap<GrantId, number>): Promise<readonly Grant[]> {
    if (known.size === 0) return Promise.resolve([])
    const ids = [...known.keys()]
    const epochs = [...known.values()]
    return storeCall(async () => {
      const { rows } = await sql<Row>`
        select g.* from grants g
        join unnest(${ids}::text[], ${epochs}::integer[]) as k (id, epoch) on k.id = g.id
        where g.end_reason is not null or g.expires_at <= ${this.#clock.now()}
          or g.epoch > k.epoch`.execute(this.#db)
      return rows.map((row) => this.#toGrant(row))
    })
  }

  async #read(id: GrantId): Promise<Grant | undefined> {
    const row = await this.#row(id)
    return row === undefined ? undefined : this.#toGrant(row)
  }

  #row(id: GrantId): Promise<Row | undefined> {
    return this.#db.selectFrom('grants').selectAll().where('id', '=', id).executeTakeFirst()
  }

  #published(row: Row): Grant {
    const grant = this.#toGrant(row)
    this.#bus.publishGrant(grant)
    return grant
  }

  #toRow(grant: Grant): Row {
    const { principal, reason, breakGlass } = grant
    const sealed: Sealed = { principal, reason, ...(breakGlass && { breakGlass }) }
    const row = {
      id: grant.id,
      request_id: grant.requestId,
      principal_key: grant.principalKey,
      resource: grant.resource,
      role: grant.role,
      origin: grant.origin,
      policy_digest: grant.policyDigest,
      opened_at: grant.openedAt,
      expires_at: grant.expiresAt,
      epoch: grant.epoch,
      end_reason: null,
      end_by: null,
      end_at: null,
    }
    return { ...row, sealed: sealJson(this.#sealer, sealed, placeOf(row)) }
  }

  #toGrant(row: Row): Grant {
    const { principal, reason, breakGlass } = openJson(
      this.#sealer,
      row.sealed,
      placeOf(row),
    ) as Sealed
    return {
      id: row.id,
      requestId: row.request_id,
      principal,
      principalKey: row.principal_key,
      resource: row.resource,
      role: row.role,
      origin: row.origin,
      reason,
      policyDigest: row.policy_digest,
      openedAt: row.opened_at,
      expiresAt: row.expires_at,
      epoch: row.epoch,
      ...(breakGlass && { breakGlass }),
      ...endOf(row),
    }
  }
}

function endOf(row: Row): Pick<Grant, 'end'> {
  if (row.end_reason === null || row.end_by === null || row.end_at === null) return {}
  return { end: { reason: row.end_reason, by: row.end_by, at: row.end_at } }
}

/** Everything about a grant that never changes: who writes to the table alone can't widen one. */
const placeOf = (row: Omit<Row, 'sealed'>): Place => [
  'grants',
  row.id,
  row.request_id,
  row.principal_key,
  row.resource,
  row.role,
  row.origin,
  row.policy_digest,
  row.opened_at,
]
