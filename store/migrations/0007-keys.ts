// Warder's own keys, wrapped, so that processes on any host find the same ones.

import { type Kysely, sql } from 'kysely'

/** Creates the table. Its rows open nothing without the key-encryption key, which is not here. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table keys (
        purpose text not null check (purpose in ('sealing', 'masking', 'bus', 'audit', 'tls')),
        version int not null check (version > 0),
        id text not null,
        wrapped_by text not null,
        wrapped bytea not null,
        public_part text,
        endorsed_by text,
        endorsement text,
        made_at bigint not null,
        active_from timestamptz not null,
        primary key (purpose, version),
        constraint keys_by_id unique (purpose, id),
        constraint keys_endorsed_whole check (num_nulls(endorsed_by, endorsement) in (0, 2))
      )`,
    )
    .execute(db)
}
