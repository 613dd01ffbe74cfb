// Service keys in PostgreSQL, by digest: the store never holds what would let anybody in.

import type { Kysely } from 'kysely'
import type { ServiceKey, ServiceKeyStore } from '../core/service-key.js'
import { storeCall } from './call.js'
import type { Schema, ServiceKeyTable } from './schema.js'

/** Longest list that is read at once. */
const LIST_COUNT_MAX = 1_000
/** A key in steady use is one write a minute, not one for each connection. */
const USED_EVERY_MS = 60_000

/** ServiceKeyStore on PostgreSQL. */
export class PostgresServiceKeys implements ServiceKeyStore {
  readonly #db: Kysely<Schema>

  constructor(db: Kysely<Schema>) {
    this.#db = db
  }

  add(key: ServiceKey, digest: string): Promise<boolean> {
    return storeCall(async () => {
      const { numInsertedOrUpdatedRows } = await this.#db
        .insertInto('service_keys')
        .values({
          ...{ name: key.name, digest, resource: key.resource, role: key.role },
          ...{ added_by: key.by, added_at: key.addedAt, expires_at: key.expiresAt },
          ...{ revoked_by: null, revoked_at: null, last_used_at: null },
        })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .executeTakeFirst()
      return numInsertedOrUpdatedRows === 1n
    })
  }

  find(digest: string): Promise<ServiceKey | undefined> {
    return storeCall(async () => {
      const row = await this.#db
        .selectFrom('service_keys')
        .selectAll()
        .where('digest', '=', digest)
        .executeTakeFirst()
      return row === undefined ? undefined : keyOf(row)
    })
  }

  used(name: string, at: number): Promise<void> {
    return storeCall(async () => {
      await this.#db
        .updateTable('service_keys')
        .set({ last_used_at: at })
        .where('name', '=', name)
        .where((is) =>
          is.or([is('last_used_at', 'is', null), is('last_used_at', '<', at - USED_EVERY_MS)]),
        )
        .execute()
    })
  }

  list(unusedSince?: number): Promise<readonly ServiceKey[]> {
    return storeCall(async () => {
      let query = this.#db.selectFrom('service_keys').selectAll().orderBy('name')
      if (unusedSince !== undefined) {
        query = query
          .where('added_at', '<', unusedSince)
          .where((is) =>
            is.or([is('last_used_at', 'is', null), is('last_used_at', '<', unusedSince)]),
          )
      }
      return (await query.limit(LIST_COUNT_MAX).execute()).map(keyOf)
    })
  }

  revoke(name: string, by: string, at: number): Promise<boolean> {
    return storeCall(async () => {
      await this.#db
        .updateTable('service_keys')
        .set({ revoked_by: by, revoked_at: at })
        .where('name', '=', name)
        .where('revoked_at', 'is', null)
        .execute()
      const query = this.#db.selectFrom('service_keys').select('name').where('name', '=', name)
      return (await query.executeTakeFirst()) !== undefined
    })
  }
}

const keyOf = (row: ServiceKeyTable): ServiceKey => ({
  name: row.name,
  resource: row.resource,
  role: row.role,
  by: row.added_by,
  addedAt: row.added_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at ?? undefined,
  lastUsedAt: row.last_used_at ?? undefined,
})
