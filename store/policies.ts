// The versions of the policy. A version is added, never changed or removed; what it means is
// policy/'s to say.

import { type Kysely, type Selectable, sql } from 'kysely'
import { storeCall } from './call.js'
import type { PolicyTable, Schema } from './schema.js'

/** Longest list that is read at once. */
const LIST_COUNT_MAX = 1_000

/** One version of the policy. */
export interface PolicyVersion {
  /** 1, 2, 3 … ; the highest is in force. */
  readonly version: number
  /** The digest that verdicts and audit events name. */
  readonly digest: string
  /** The text as it was applied. */
  readonly source: string
  readonly by: string
  /** Epoch ms. */
  readonly at: number
}

/** Policy versions in PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresPolicyStore {
  readonly #db: Kysely<Schema>

  constructor(db: Kysely<Schema>) {
    this.#db = db
  }

  /** Adds a version and puts it in force; the version in force again is left as it is and returned. */
  add(policy: Omit<PolicyVersion, 'version'>): Promise<PolicyVersion> {
    return storeCall(() =>
      this.#db.transaction().execute(async (transaction) => {
        // One at a time, so that a higher number is always the later one.
        await sql`select pg_advisory_xact_lock(hashtext('warder-policies'))`.execute(transaction)
        const current = await newest(transaction)
        if (current?.digest === policy.digest && current.source === policy.source) return current
        const added = { ...policy, version: (current?.version ?? 0) + 1 }
        await transaction
          .insertInto('policies')
          .values({
            version: added.version,
            digest: added.digest,
            source: added.source,
            applied_by: added.by,
            applied_at: added.at,
          })
          .execute()
        return added
      }),
    )
  }

  /** The version in force; undefined means that everything is denied. */
  current(): Promise<PolicyVersion | undefined> {
    return storeCall(() => newest(this.#db))
  }

  /** An older version, in order to look at it or to apply it again. */
  find(version: number): Promise<PolicyVersion | undefined> {
    return storeCall(async () => {
      const row = await this.#db
        .selectFrom('policies')
        .selectAll()
        .where('version', '=', version)
        .executeTakeFirst()
      return row === undefined ? undefined : toVersion(row)
    })
  }

  /** Newest first, at most 1,000. */
  list(limitCount: number): Promise<readonly PolicyVersion[]> {
    return storeCall(async () => {
      const rows = await this.#db
        .selectFrom('policies')
        .selectAll()
        .orderBy('version', 'desc')
        .limit(Math.min(limitCount, LIST_COUNT_MAX))
        .execute()
      return rows.map(toVersion)
    })
  }
}

async function newest(db: Kysely<Schema>): Promise<PolicyVersion | undefined> {
  const row = await db
    .selectFrom('policies')
    .selectAll()
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : toVersion(row)
}

const toVersion = (row: Selectable<PolicyTable>): PolicyVersion => ({
  version: row.version,
  digest: row.digest,
  source: row.source,
  by: row.applied_by,
  at: row.applied_at,
})
