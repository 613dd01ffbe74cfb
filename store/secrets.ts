// Stored credentials, sealed. A value leaves only by name, and is in no list, log or error.

import type { Kysely } from 'kysely'
import type { Sealer } from '../core/record.js'
import { storeCall } from './call.js'
import type { Schema } from './schema.js'
import type { Place } from './sealed.js'

/** Longest list that is read at once. */
const LIST_COUNT_MAX = 1_000

/** What may be known of a stored secret. */
export interface SecretEntry {
  readonly name: string
  /** Grows with every change of the value. */
  readonly version: number
  readonly by: string
  /** Epoch ms. */
  readonly at: number
}

/** Stored credentials in PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresSecretStore {
  readonly #db: Kysely<Schema>
  readonly #sealer: Sealer

  constructor(parts: { db: Kysely<Schema>; sealer: Sealer }) {
    this.#db = parts.db
    this.#sealer = parts.sealer
  }

  /** Stores the value under the name, in place of an older one. */
  put(secret: { name: string; value: string; by: string; at: number }): Promise<SecretEntry> {
    return storeCall(() =>
      this.#db.transaction().execute(async (transaction) => {
        const old = await transaction
          .selectFrom('secrets')
          .select('version')
          .where('name', '=', secret.name)
          .forUpdate()
          .executeTakeFirst()
        const version = (old?.version ?? 0) + 1
        const row = {
          version,
          sealed: this.#sealer.seal(Buffer.from(secret.value), placeOf(secret.name, version)),
          stored_by: secret.by,
          stored_at: secret.at,
        }
        const insert = transaction.insertInto('secrets').values({ name: secret.name, ...row })
        // Two first writers at once: one of them fails on the key and is told so; none is lost.
        await (
          old === undefined
            ? insert
            : transaction.updateTable('secrets').set(row).where('name', '=', secret.name)
        ).execute()
        return { name: secret.name, version, by: secret.by, at: secret.at }
      }),
    )
  }

  /** The value, or undefined when nothing has that name. */
  find(name: string): Promise<string | undefined> {
    return storeCall(async () => {
      const row = await this.#db
        .selectFrom('secrets')
        .select(['version', 'sealed'])
        .where('name', '=', name)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const value = this.#sealer.open(row.sealed, placeOf(name, row.version))
      return Buffer.from(value).toString('utf8')
    })
  }

  /** Everything but the values, by name. */
  list(): Promise<readonly SecretEntry[]> {
    return storeCall(async () => {
      const rows = await this.#db
        .selectFrom('secrets')
        .select(['name', 'version', 'stored_by', 'stored_at'])
        .orderBy('name')
        .limit(LIST_COUNT_MAX)
        .execute()
      return rows.map((row) => ({
        name: row.name,
        version: row.version,
        by: row.stored_by,
        at: row.stored_at,
      }))
    })
  }

  /** True when there was one of that name. */
  remove(name: string): Promise<boolean> {
    return storeCall(async () => {
      const result = await this.#db
        .deleteFrom('secrets')
        .where('name', '=', name)
        .executeTakeFirst()
      return result.numDeletedRows > 0n
    })
  }
}

const placeOf = (name: string, version: number): string =>
  JSON.stringify(['secrets', name, version] satisfies Place)
