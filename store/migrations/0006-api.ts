// What the API needs to answer on any replica: whose an item is, and calls that are never run twice.

import { type Kysely, sql } from 'kysely'

/** Adds the column, its index and the table. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  // Null for what was there before: it only leaves such items out of a count.
  `alter table inbox add column principal_key text`,
  `create index inbox_by_principal on inbox (principal_key, state, opened_at desc, id desc)
    where principal_key is not null`,
  `create table idempotency_keys (
    principal_key text not null,
    key_digest text not null,
    fingerprint text not null,
    running_until timestamptz not null,
    expires_at timestamptz not null,
    status integer,
    sealed bytea,
    primary key (principal_key, key_digest),
    constraint idempotency_keys_answer_whole check (num_nulls(status, sealed) in (0, 2))
  )`,
  `create index idempotency_keys_expiry on idempotency_keys (expires_at)`,
]
