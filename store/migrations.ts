// Brings a database to the newest form. Never goes back, and never runs a file that it can't name.

import { type Migration, Migrator, sql } from 'kysely'
import { WarderError } from '../core/errors.js'
import { storeCall } from './call.js'
import { openDatabase, STORE_SCHEMA } from './database.js'
import * as firstLight from './migrations/0001-first-light.js'
import * as recordings from './migrations/0002-recordings.js'
import * as tokenBindings from './migrations/0003-token-bindings.js'
import * as approval from './migrations/0004-approval.js'
import * as policyLife from './migrations/0005-policy-life.js'
import * as api from './migrations/0006-api.js'
import * as keys from './migrations/0007-keys.js'
import * as carefulApproval from './migrations/0010-careful-approval.js'

/** Every migration by its name; they run in the order of the names. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first-light': firstLight,
  '0002-recordings': recordings,
  '0003-token-bindings': tokenBindings,
  '0004-approval': approval,
  '0005-policy-life': policyLife,
  '0006-api': api,
  '0007-keys': keys,
  '0010-careful-approval': carefulApproval,
}

/** A migration may rewrite a table, or wait until another process has migrated. */
const MIGRATION_MS_MAX = 120_000

/**
 * Brings the store at `url` to the newest form; returns the names of the migrations that ran.
 * Several processes may start it at once: kysely holds a lock in the database.
 *
 * @throws WarderError `CONTROL_PLANE_UNAVAILABLE` when the store can't be reached or a migration
 * failed (then nothing of it took effect), `INVALID_ARGUMENT` when the database is not UTF-8.
 */
export async function migrate(url: string): Promise<readonly string[]> {
  const db = openDatabase(url, {
    poolMax: 2,
    applicationName: 'warder-migrate',
    statementMsMax: MIGRATION_MS_MAX,
  })
  try {
    return await storeCall(
      async () => {
        const encoding = await sql<{
          server_encoding: string
        }>`select current_setting('server_encoding') as server_encoding`.execute(db)
        if (encoding.rows[0]?.server_encoding !== 'UTF8') {
          throw new WarderError('INVALID_ARGUMENT', {
            what: 'The store’s database',
            why: 'its encoding is not UTF8',
          })
        }
        const migrator = new Migrator({
          db,
          provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) },
          migrationTableSchema: STORE_SCHEMA,
        })
        const { error, results } = await migrator.migrateToLatest()
        if (error !== undefined) {
          const failed = results?.find((result) => result.status === 'Error')
          throw new WarderError(
            'CONTROL_PLANE_UNAVAILABLE',
            { why: `the store could not be migrated (${failed?.migrationName ?? 'preparation'})` },
            { cause: error },
          )
        }
        return (results ?? []).map((result) => result.migrationName)
      },
      'CONTROL_PLANE_UNAVAILABLE',
      MIGRATION_MS_MAX,
    )
  } finally {
    await db.destroy()
  }
}
