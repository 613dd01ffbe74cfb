// Stored credentials, sealed. A value leaves only by name, and is in no list, log or error. While one
// is rotated it has a candidate: the value that the target has been, or is about to be, told.

import { type Kysely, sql, type Transaction } from 'kysely'
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

/** A value in clear; the bytes are the caller's to overwrite. */
export interface SecretValue {
  /** The same for the same value of the same secret. */
  readonly id: string
  readonly version: number
  readonly password: Uint8Array
}

/** Stored credentials in PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresSecretStore {
  readonly #db: Kysely<Schema>
  readonly #sealer: Sealer

  constructor(parts: { db: Kysely<Schema>; sealer: Sealer }) {
    this.#db = parts.db
    this.#sealer = parts.sealer
  }

  /** Stores the value under the name, in place of an older one and of its candidate. */
  put(secret: { name: string; value: string; by: string; at: number }): Promise<SecretEntry> {
    return storeCall(() =>
      this.#db.transaction().execute(async (transaction) => {
        const { name, by, at } = secret
        await lock(transaction, name)
        const old = await this.#row(transaction, 'secrets', name)
        const candidate = await this.#row(transaction, 'secret_candidates', name)
        // Above the candidate's too: a version never stands for two values.
        const version = Math.max(old?.version ?? 0, candidate?.version ?? 0) + 1
        const sealed = this.#sealer.seal(Buffer.from(secret.value), placeOf(name, version))
        await put(transaction, { name, version, sealed, stored_by: by, stored_at: at })
        await transaction.deleteFrom('secret_candidates').where('name', '=', name).execute()
        return { name, version, by, at }
      }),
    )
  }

  /** The value and, while it is rotated, the candidate; none when nothing has that name. */
  usable(name: string): Promise<readonly SecretValue[]> {
    return storeCall(async () => {
      const { rows } = await sql<{ version: number; sealed: Uint8Array }>`
        select version, sealed from secrets where name = ${name}
        union all select version, sealed from secret_candidates where name = ${name}
        order by version`.execute(this.#db)
      return rows.map(({ version, sealed }) => ({
        id: `${name}/${String(version)}`,
        version,
        password: this.#sealer.open(sealed, placeOf(name, version)),
      }))
    })
  }

  /**
   * Stores `password` as the candidate, or leaves the one that is there; returns it. Undefined when
   * nothing has that name.
   */
  stage(candidate: {
    name: string
    password: Uint8Array
    by: string
    at: number
  }): Promise<{ readonly value: SecretValue; readonly isNew: boolean } | undefined> {
    return storeCall(() =>
      this.#db.transaction().execute(async (transaction) => {
        const { name, password, by, at } = candidate
        await lock(transaction, name)
        const current = await this.#row(transaction, 'secrets', name)
        if (current === undefined) return undefined
        const staged = await this.#row(transaction, 'secret_candidates', name)
        const version = staged?.version ?? current.version + 1
        const id = `${name}/${String(version)}`
        if (staged !== undefined) {
          const opened = this.#sealer.open(staged.sealed, placeOf(name, version))
          return { value: { id, version, password: opened }, isNew: false }
        }
        const sealed = this.#sealer.seal(password, placeOf(name, version))
        const row = { name, version, sealed, stored_by: by, stored_at: at }
        await transaction.insertInto('secret_candidates').values(row).execute()
        return { value: { id, version, password: Uint8Array.from(password) }, isNew: true }
      }),
    )
  }

  /** True while this version is the candidate. */
  isStaged(name: string, version: number): Promise<boolean> {
    return storeCall(async () => {
      const row = await this.#row(this.#db, 'secret_candidates', name)
      return row?.version === version
    })
  }

  /** Puts the candidate in the value's place; false when it was done already, or undone. */
  promote(name: string, version: number): Promise<boolean> {
    return storeCall(() =>
      this.#db.transaction().execute(async (transaction) => {
        await lock(transaction, name)
        const staged = await this.#row(transaction, 'secret_candidates', name)
        if (staged?.version !== version) return false
        await put(transaction, staged)
        await transaction.deleteFrom('secret_candidates').where('name', '=', name).execute()
        return true
      }),
    )
  }

  /** Names that have a candidate: rotations that are under way, or were broken off. */
  staged(): Promise<readonly string[]> {
    return storeCall(async () => {
      const query = this.#db.selectFrom('secret_candidates').select('name').orderBy('name')
      return (await query.limit(LIST_COUNT_MAX).execute()).map(({ name }) => name)
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
    return storeCall(() =>
      this.#db.transaction().execute(async (transaction) => {
        await lock(transaction, name)
        await transaction.deleteFrom('secret_candidates').where('name', '=', name).execute()
        const result = await transaction
          .deleteFrom('secrets')
          .where('name', '=', name)
          .executeTakeFirst()
        return result.numDeletedRows > 0n
      }),
    )
  }

  #row(db: Kysely<Schema>, table: 'secrets' | 'secret_candidates', name: string) {
    return db.selectFrom(table).selectAll().where('name', '=', name).executeTakeFirst()
  }
}

/** One writer of a name at a time, first writers included. */
const lock = (transaction: Transaction<Schema>, name: string): Promise<unknown> =>
  sql`select pg_advisory_xact_lock(hashtext('warder-secrets'), hashtext(${name}))`.execute(
    transaction,
  )

const put = (transaction: Transaction<Schema>, row: Schema['secrets']): Promise<unknown> =>
  transaction
    .insertInto('secrets')
    .values(row)
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute()

const placeOf = (name: string, version: number): string =>
  JSON.stringify(['secrets', name, version] satisfies Place)
