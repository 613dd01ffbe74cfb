// Which sessions are open, and on which gateway. A gateway that stops sending heartbeats takes its
// sessions with it; time is the store's own, never a host's.

import { type Kysely, sql } from 'kysely'
import type { GatewayId, GrantId, SessionId } from '../core/ids.js'
import type { GatewaySessions, SessionRegistry } from '../core/ports.js'
import type { Session, SessionEnd } from '../core/session.js'
import { storeCall } from './call.js'
import type { Schema } from './schema.js'

/** SessionRegistry on PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresSessionRegistry implements SessionRegistry {
  readonly #db: Kysely<Schema>

  constructor(db: Kysely<Schema>) {
    this.#db = db
  }

  /** Idempotent. The gateway has sent a heartbeat before, or the session does not count as open. */
  opened(session: Session): Promise<void> {
    return storeCall(async () => {
      await this.#db
        .insertInto('sessions')
        .values({
          id: session.id,
          grant_id: session.grantId,
          gateway_id: session.gatewayId,
          protocol: session.protocol,
          peer: session.peer,
          opened_at: session.openedAt,
          end_reason: null,
          ended_at: null,
        })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute()
    })
  }

  /** The first end stays. */
  ended(id: SessionId, end: SessionEnd, at: number): Promise<void> {
    return storeCall(async () => {
      await this.#db
        .updateTable('sessions')
        .set({ end_reason: end, ended_at: at })
        .where('id', '=', id)
        .where('end_reason', 'is', null)
        .execute()
    })
  }

  /** Lives `validForMs` longer from now on; a shorter time than before takes effect too. */
  heartbeat(gatewayId: GatewayId, validForMs: number): Promise<void> {
    return storeCall(async () => {
      const until = sql<Date>`clock_timestamp() + ${validForMs} * interval '1 millisecond'`
      await this.#db
        .insertInto('gateways')
        .values({ id: gatewayId, alive_until: until })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ alive_until: until }))
        .execute()
    })
  }

  /** False for a gateway that never sent a heartbeat. */
  gatewayAlive(gatewayId: GatewayId): Promise<boolean> {
    return storeCall(async () => {
      const row = await this.#db
        .selectFrom('gateways')
        .select('id')
        .where('id', '=', gatewayId)
        .where('alive_until', '>', sql<Date>`clock_timestamp()`)
        .executeTakeFirst()
      return row !== undefined
    })
  }

  /**
   * Takes one session that is still open although its gateway is no longer alive, and ends it as
   * `gateway-lost` once `close` has resolved. Meanwhile nobody else gets the same one. False when
   * there is none.
   */
  closeAbandoned(close: (session: Session) => Promise<void>, at: number): Promise<boolean> {
    return storeCall(() =>
      this.#db.transaction().execute(async (transaction) => {
        const row = await transaction
          .selectFrom('sessions')
          .innerJoin('gateways', 'gateways.id', 'sessions.gateway_id')
          .selectAll('sessions')
          .where('sessions.end_reason', 'is', null)
          .where('gateways.alive_until', '<=', sql<Date>`clock_timestamp()`)
          .orderBy('sessions.opened_at')
          .limit(1)
          .forUpdate('sessions')
          .skipLocked()
          .executeTakeFirst()
        if (row === undefined) return false
        await close({
          ...{ id: row.id, grantId: row.grant_id, gatewayId: row.gateway_id },
          ...{ protocol: row.protocol, peer: row.peer, openedAt: row.opened_at },
        })
        await transaction
          .updateTable('sessions')
          .set({ end_reason: 'gateway-lost', ended_at: at })
          .where('id', '=', row.id)
          .execute()
        return true
      }),
    )
  }

  /** One row per grant and gateway that ever had a session of it. */
  sessionsUnder(grantIds: readonly GrantId[]): Promise<readonly GatewaySessions[]> {
    return storeCall(async () => {
      const { rows } = await sql<GatewaySessions>`
        select s.grant_id as "grantId", s.gateway_id as "gatewayId",
          count(*) filter (where s.end_reason is null
            and g.alive_until > clock_timestamp()) as "openCount",
          count(*) filter (where s.end_reason = 'grant-revoked') as "revokedCount"
        from sessions s join gateways g on g.id = s.gateway_id
        where s.grant_id = any(${[...grantIds]}::text[])
        group by s.grant_id, s.gateway_id`.execute(this.#db)
      return rows
    })
  }

  /** Sessions that did not end, on gateways that are alive. */
  openCount(grantId: GrantId): Promise<number> {
    return storeCall(async () => {
      const row = await this.#db
        .selectFrom('sessions')
        .innerJoin('gateways', 'gateways.id', 'sessions.gateway_id')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('sessions.grant_id', '=', grantId)
        .where('sessions.end_reason', 'is', null)
        .where('gateways.alive_until', '>', sql<Date>`clock_timestamp()`)
        .executeTakeFirstOrThrow()
      return row.count
    })
  }
}
