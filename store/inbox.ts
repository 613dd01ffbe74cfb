// What waits for people, as they see it. Written by workflows in any order; the newest revision
// wins. What a command says and who asked is never kept in clear.

import type { Kysely, Selectable } from 'kysely'
import type { RequestId, ReviewId } from '../core/ids.js'
import type { InboxItem } from '../core/inbox.js'
import type { Inbox, InboxFilter } from '../core/ports.js'
import type { Sealer } from '../core/record.js'
import { storeCall } from './call.js'
import type { InboxTable, Schema } from './schema.js'
import { openJson, type Place, sealJson } from './sealed.js'

/** Longest list that is read at once. */
const LIST_COUNT_MAX = 1_000

/** A review that is due waits for people as well. */
const STATES = { pending: ['pending', 'review-due'], active: ['active'] } as const

type Row = Selectable<InboxTable>

/** Inbox on PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresInbox implements Inbox {
  readonly #db: Kysely<Schema>
  readonly #sealer: Sealer

  constructor(parts: { db: Kysely<Schema>; sealer: Sealer }) {
    this.#db = parts.db
    this.#sealer = parts.sealer
  }

  put(item: InboxItem): Promise<void> {
    return storeCall(async () => {
      const row = {
        id: item.id,
        state: item.state,
        revision: item.revision,
        opened_at: item.openedAt,
      }
      const principalKey = item.kind === 'access' ? item.question.principalKey : null
      await this.#db
        .insertInto('inbox')
        .values({
          ...{ ...row, principal_key: principalKey },
          sealed: sealJson(this.#sealer, item, placeOf(row)),
        })
        .onConflict((conflict) =>
          conflict
            .column('id')
            .doUpdateSet((eb) => ({
              state: eb.ref('excluded.state'),
              revision: eb.ref('excluded.revision'),
              opened_at: eb.ref('excluded.opened_at'),
              sealed: eb.ref('excluded.sealed'),
            }))
            .whereRef('inbox.revision', '<=', 'excluded.revision'),
        )
        .execute()
    })
  }

  find(id: RequestId | ReviewId): Promise<InboxItem | undefined> {
    return storeCall(async () => {
      const row = await this.#db
        .selectFrom('inbox')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : this.#toItem(row)
    })
  }

  /** At most 1,000 items, whatever the limit says. */
  list(filter: InboxFilter): Promise<readonly InboxItem[]> {
    return storeCall(async () => {
      let query = this.#db.selectFrom('inbox').selectAll()
      const { state, principalKey, before } = filter
      if (state !== undefined) query = query.where('state', 'in', STATES[state])
      if (principalKey !== undefined) query = query.where('principal_key', '=', principalKey)
      if (before !== undefined)
        query = query.where((eb) =>
          eb(eb.refTuple('opened_at', 'id'), '<', eb.tuple(before.openedAt, before.id)),
        )
      const rows = await query
        .orderBy('opened_at', 'desc')
        .orderBy('id', 'desc')
        .limit(Math.min(filter.limitCount, LIST_COUNT_MAX))
        .execute()
      return rows.map((row) => this.#toItem(row))
    })
  }

  #toItem(row: Row): InboxItem {
    return openJson(this.#sealer, row.sealed, placeOf(row)) as InboxItem
  }
}

const placeOf = (row: Omit<Row, 'sealed' | 'principal_key'>): Place => [
  'inbox',
  row.id,
  row.state,
  row.revision,
  row.opened_at,
]
