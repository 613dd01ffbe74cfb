// The keys of recordings.

import { type Kysely, sql } from 'kysely'

/** Creates the table. Deleting a row makes what was recorded under its key unreadable for good. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table recordings (
        session_id text primary key,
        started_at bigint not null,
        sealed_key bytea not null,
        chunk_count bigint,
        closed_at bigint,
        constraint recordings_close_whole check (num_nulls(chunk_count, closed_at) in (0, 2))
      )`,
    )
    .execute(db)
}
