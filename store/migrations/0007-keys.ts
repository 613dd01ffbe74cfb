// Warder's own keys, wrapped, so that processes on any host find the same ones; candidates of
// credentials that are being rotated; service keys.

import { type Kysely, sql } from 'kysely'

/** Creates the tables. No row opens anything without the key-encryption key, which is not here. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table secret_candidates (
        name text primary key references secrets (name),
        version int not null,
        sealed bytea not null,
        stored_by text not null,
        stored_at bigint not null
      )`,
    )
    .execute(db)
  await sql
    .raw(
      `create table service_keys (
        name text primary key,
        digest text not null unique,
        resource text not null,
        role text not null,
        added_by text not null,
        added_at bigint not null,
        expires_at bigint not null,
        revoked_by text,
        revoked_at bigint,
        last_used_at bigint,
        constraint service_keys_revoked_whole check (num_nulls(revoked_by, revoked_at) in (0, 2))
      )`,
    )
    .execute(db)
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
