// The versions of the policy. A version is added, never changed or removed; what it means is
// policy/'s to say.

import { type Kysely, type Selectable, type Transaction, sql } from 'kysely'
import { storeCall } from './call.js'
import type { PolicyTable, Schema } from './schema.js'

/** Longest list that is read at once. */
const LIST_COUNT_MAX = 500

/** What is told of a version without its text. */
export interface PolicyHead {
  /** 1, 2, 3 … ; the highest is in force. */
  readonly version: number
  /** The digest that verdicts and audit events name. */
  readonly digest: string
  readonly by: string
  /** Epoch ms. */
  readonly at: number
  /** Why it was applied; may be empty. */
  readonly reason: string
  /** The second person, where one had to agree. */
  readonly confirmedBy?: string | undefined
}

/** One version of the policy. */
export interface PolicyVersion extends PolicyHead {
  /** The text as it was applied. */
  readonly source: string
}

/** Policy versions in PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresPolicyStore {
  readonly #db: Kysely<Schema>

  constructor(db: Kysely<Schema>) {
    this.#db = db
  }

  /**
   * Adds a version and puts it in force, if the one in force is still `base` (0: none is); undefined
   * if it is not. The version in force again is left as it is and returned.
   */
  add(policy: Omit<PolicyVersion, 'version'>, base: number): Promise<PolicyVersion | undefined> {
    return storeCall(() =>
      this.#db.transaction().execute((transaction) => addVersion(transaction, policy, base)),
    )
  }

  /** The version in force; undefined means that everything is denied. */
  current(): Promise<PolicyVersion | undefined> {
    return storeCall(() => newest(this.#db))
  }

  /** The number of the version in force; 0 when there is none. Cheap enough to ask every second. */
  currentNumber(): Promise<number> {
    return storeCall(async () => {
      const row = await this.#db
        .selectFrom('policies')
        .select((eb) => eb.fn.max('version').as('version'))
        .executeTakeFirst()
      return row?.version ?? 0
    })
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

  /** Newest first, at most 500; only versions below `before` when it is given. */
  list(limitCount: number, before?: number): Promise<readonly PolicyHead[]> {
    return storeCall(async () => {
      let query = this.#db
        .selectFrom('policies')
        .select(['version', 'digest', 'applied_by', 'applied_at', 'reason', 'confirmed_by'])
      if (before !== undefined) query = query.where('version', '<', before)
      const rows = await query
        .orderBy('version', 'desc')
        .limit(Math.min(limitCount, LIST_COUNT_MAX))
        .execute()
      return rows.map(toHead)
    })
  }
}

/** The same within a transaction: `undefined` when another version than `base` is in force. */
export async function addVersion(
  transaction: Transaction<Schema>,
  policy: Omit<PolicyVersion, 'version'>,
  base: number,
): Promise<PolicyVersion | undefined> {
  // One at a time, so that a higher number is always the later one.
  await sql`select pg_advisory_xact_lock(hashtext('warder-policies'))`.execute(transaction)
  const current = await newest(transaction)
  if (current?.digest === policy.digest && current.source === policy.source) return current
  if ((current?.version ?? 0) !== base) return undefined
  const added = { ...policy, version: base + 1 }
  await transaction
    .insertInto('policies')
    .values({
      version: added.version,
      digest: added.digest,
      source: added.source,
      applied_by: added.by,
      applied_at: added.at,
      reason: added.reason,
      confirmed_by: added.confirmedBy ?? null,
    })
    .execute()
  return added
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

const toHead = (row: Omit<Selectable<PolicyTable>, 'source'>): PolicyHead => ({
  version: row.version,
  digest: row.digest,
  by: row.applied_by,
  at: row.applied_at,
  reason: row.reason,
  ...(row.confirmed_by === null ? {} : { confirmedBy: row.confirmed_by }),
})

const toVersion = (row: Selectable<PolicyTable>): PolicyVersion => ({
  ...toHead(row),
  source: row.source,
})
