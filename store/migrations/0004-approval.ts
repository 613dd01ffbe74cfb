// Approvals that are used later than they are given: of commands that are run again, and of plans.

import { type Kysely, sql } from 'kysely'

/** Creates the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  // One row per command and grant: the newest question about it, and what became of that.
  `create table retries (
    grant_id text not null,
    digest text not null,
    review_id text not null unique,
    state text not null,
    until bigint not null,
    used_at bigint,
    sealed bytea,
    primary key (grant_id, digest),
    constraint retries_state check (state in ('pending', 'approved', 'denied')),
    constraint retries_sealed check ((state = 'pending') = (sealed is null))
  )`,
  `create index retries_until on retries (until)`,
  // Steps are sealed; "next" only grows, whoever holds the connection.
  `create table plans (
    grant_id text primary key,
    request_id text not null,
    digest text not null,
    policy_digest text not null,
    step_count integer not null,
    next integer not null,
    sealed bytea not null,
    constraint plans_next check (next between 0 and step_count)
  )`,
  `create function plans_guard() returns trigger language plpgsql as $$
    begin
      if new.next <= old.next then
        raise exception 'a plan only moves on' using errcode = 'WD004';
      end if;
      return new;
    end $$`,
  `create trigger plans_guard before update on plans
    for each row execute function plans_guard()`,
]
