// The reviews that break-glass grants leave behind.

import { type Kysely, sql } from 'kysely'

/** Creates the table: who owes a review, until when, and since when it is closed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table break_glass_reviews (
        request_id text primary key,
        principal text not null,
        due_at bigint not null,
        closed_at bigint
      )`,
    )
    .execute(db)
  await sql
    .raw(
      `create index break_glass_reviews_open on break_glass_reviews (principal, due_at)
        where closed_at is null`,
    )
    .execute(db)
}
