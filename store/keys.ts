// Warder's own keys in PostgreSQL, wrapped. Never holds a key that opens anything by itself.

import { type Kysely, sql } from 'kysely'
import type { EarlierKeys, KeyStore, StoredKey, WrappedKey } from '../core/keys.js'
import { storeCall } from './call.js'
import { sealedKeyId } from './encryption.js'
import type { KeyTable, Schema } from './schema.js'

/** Far more than rotations make; a longer list is a fault. */
const LIST_COUNT_MAX = 10_000

/** KeyStore on PostgreSQL. */
export class PostgresKeyStore implements KeyStore {
  readonly #db: Kysely<Schema>

  constructor(db: Kysely<Schema>) {
    this.#db = db
  }

  list(): Promise<readonly StoredKey[]> {
    return storeCall(async () => {
      const rows = await this.#db
        .selectFrom('keys')
        .selectAll()
        .select(sql<boolean>`active_from <= now()`.as('is_active'))
        .orderBy('purpose')
        .orderBy('version')
        .limit(LIST_COUNT_MAX)
        .execute()
      return rows.map((row) => ({ ...keyOf(row), isActive: row.is_active }))
    })
  }

  /** Of two first starts at the same moment, one adds all keys and the other none. */
  add(keys: readonly WrappedKey[], activeInMs: number): Promise<boolean> {
    return storeCall(() =>
      this.#db.transaction().execute(async (transaction) => {
        await sql`select pg_advisory_xact_lock(hashtext('warder-keys'))`.execute(transaction)
        let isWhole = true
        for (const key of keys) {
          const { numInsertedOrUpdatedRows } = await transaction
            .insertInto('keys')
            .values({
              ...rowOf(key),
              active_from: sql<Date>`now() + ${activeInMs} * interval '1 millisecond'`,
            })
            .onConflict((conflict) => conflict.doNothing())
            .executeTakeFirst()
          isWhole = isWhole && numInsertedOrUpdatedRows === 1n
        }
        return isWhole
      }),
    )
  }

  rewrap(keys: readonly WrappedKey[]): Promise<boolean> {
    return storeCall(async () => {
      try {
        await this.#db.transaction().execute(async (transaction) => {
          for (const { purpose, version, id, wrappedBy, wrapped } of keys) {
            const { numUpdatedRows } = await transaction
              .updateTable('keys')
              .set({ wrapped_by: wrappedBy, wrapped })
              .where('purpose', '=', purpose)
              .where('version', '=', version)
              .where('id', '=', id)
              .executeTakeFirst()
            if (numUpdatedRows !== 1n) throw new KeyGone()
          }
        })
        return true
      } catch (error) {
        if (error instanceof KeyGone) return false
        throw error
      }
    })
  }

  earlier(): Promise<EarlierKeys> {
    return storeCall(async () => {
      const record = await this.#db.selectFrom('audit_records').select('seq').executeTakeFirst()
      const checkpoint = await this.#db
        .selectFrom('audit_checkpoints')
        .select('key_id')
        .orderBy('number', 'desc')
        .executeTakeFirst()
      const { rows } = await sql<{ sealed: Uint8Array }>`
        (select sealed from secrets limit 1) union all (select sealed from inbox limit 1)
        union all (select sealed from grants limit 1)
        union all (select sealed_key from recordings limit 1)`.execute(this.#db)
      const [sealed] = rows
      return {
        isUsed: record !== undefined || sealed !== undefined,
        sealedBy: sealed === undefined ? undefined : sealedKeyId(sealed.sealed),
        signedBy: checkpoint?.key_id,
      }
    })
  }
}

/** Rolls the transaction back. */
class KeyGone extends Error {
  override readonly name = 'KeyGone'
}

const keyOf = (row: Omit<KeyTable, 'active_from'>): WrappedKey => ({
  purpose: row.purpose,
  version: row.version,
  id: row.id,
  wrappedBy: row.wrapped_by,
  wrapped: row.wrapped,
  publicPart: row.public_part ?? undefined,
  endorsement:
    row.endorsed_by === null || row.endorsement === null
      ? undefined
      : { by: row.endorsed_by, signature: row.endorsement },
  madeAt: row.made_at,
})

const rowOf = (key: WrappedKey): Omit<KeyTable, 'active_from'> => ({
  purpose: key.purpose,
  version: key.version,
  id: key.id,
  wrapped_by: key.wrappedBy,
  wrapped: key.wrapped,
  public_part: key.publicPart ?? null,
  endorsed_by: key.endorsement?.by ?? null,
  endorsement: key.endorsement?.signature ?? null,
  made_at: key.madeAt,
})
