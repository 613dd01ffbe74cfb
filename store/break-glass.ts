// Which reviews of break-glass grants are owed, so that an overdue one bars the way to the next. What
// they are about stands in the inbox.

import type { Kysely } from 'kysely'
import type { RequestId } from '../core/ids.js'
import type { BreakGlassLedger } from '../core/ports.js'
import { storeCall } from './call.js'
import type { Schema } from './schema.js'

/** BreakGlassLedger on PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresBreakGlassLedger implements BreakGlassLedger {
  readonly #db: Kysely<Schema>

  constructor(db: Kysely<Schema>) {
    this.#db = db
  }

  /** What was said first stays: a repeated call neither moves the time nor opens it again. */
  owe(review: { requestId: RequestId; principal: string; dueAt: number }): Promise<void> {
    const { requestId, principal, dueAt } = review
    return storeCall(async () => {
      await this.#db
        .insertInto('break_glass_reviews')
        .values({ request_id: requestId, principal, due_at: dueAt, closed_at: null })
        .onConflict((conflict) => conflict.column('request_id').doNothing())
        .execute()
    })
  }

  settle(requestId: RequestId, at: number): Promise<void> {
    return storeCall(async () => {
      await this.#db
        .updateTable('break_glass_reviews')
        .set({ closed_at: at })
        .where('request_id', '=', requestId)
        .where('closed_at', 'is', null)
        .execute()
    })
  }

  overdue(principal: string, nowMs: number): Promise<RequestId | undefined> {
    return storeCall(async () => {
      const row = await this.#db
        .selectFrom('break_glass_reviews')
        .select('request_id')
        .where('principal', '=', principal)
        .where('closed_at', 'is', null)
        .where('due_at', '<=', nowMs)
        .orderBy('due_at')
        .executeTakeFirst()
      return row?.request_id
    })
  }
}
