// By which version of the policy each process judges, as it said itself a moment ago. Time is the
// store's own; a process that says nothing any more is not listed.

import { type Kysely, sql } from 'kysely'
import { storeCall } from './call.js'
import type { Schema } from './schema.js'

/** Longest list that is read at once. */
const LIST_COUNT_MAX = 1_000

/** What one process judges by. */
export interface PolicyProcess {
  /** Its name, as the audit log has it. */
  readonly process: string
  /** 0 while it denies everything for want of a policy. */
  readonly version: number
  /** Why it does not judge by a newer one. */
  readonly trouble?: string | undefined
}

/** The processes' own reports. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresPolicyProcesses {
  readonly #db: Kysely<Schema>

  constructor(db: Kysely<Schema>) {
    this.#db = db
  }

  /** Replaces what the process said before; it stands for `validForMs`. */
  report({ process, version, trouble }: PolicyProcess, validForMs: number): Promise<void> {
    return storeCall(async () => {
      const alive_until = sql<Date>`clock_timestamp() + ${validForMs} * interval '1 millisecond'`
      const said = { version, trouble: trouble ?? null, alive_until }
      await this.#db
        .insertInto('policy_processes')
        .values({ process, ...said })
        .onConflict((conflict) => conflict.column('process').doUpdateSet(said))
        .execute()
    })
  }

  /** The process stops; what it said is forgotten, and so is what was long not said again. */
  forget(process: string): Promise<void> {
    return storeCall(async () => {
      await this.#db
        .deleteFrom('policy_processes')
        .where((where) =>
          where.or([
            where('process', '=', process),
            where('alive_until', '<', sql<Date>`clock_timestamp() - interval '1 day'`),
          ]),
        )
        .execute()
    })
  }

  /** Those that are there, by name. */
  list(): Promise<readonly PolicyProcess[]> {
    return storeCall(async () => {
      const rows = await this.#db
        .selectFrom('policy_processes')
        .select(['process', 'version', 'trouble'])
        .where('alive_until', '>', sql<Date>`clock_timestamp()`)
        .orderBy('process')
        .limit(LIST_COUNT_MAX)
        .execute()
      return rows.map(({ process, version, trouble }) => ({
        ...{ process, version },
        ...(trouble === null ? {} : { trouble }),
      }))
    })
  }
}
