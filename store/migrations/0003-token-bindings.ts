// Whose a token is that belongs to its first caller.

import { type Kysely, sql } from 'kysely'

/** Creates the table. A row is written once, and removed long after its token has expired. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table token_bindings (
        token_digest text primary key,
        caller text not null,
        expires_at bigint not null
      )`,
    )
    .execute(db)
  await sql.raw(`create index token_bindings_expiry on token_bindings (expires_at)`).execute(db)
}
