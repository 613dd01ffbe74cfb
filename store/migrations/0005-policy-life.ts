// Why a policy was applied and who confirmed it, proposals that wait for a second person, and by which
// version each process judges.

import { type Kysely, sql } from 'kysely'

/** Adds columns and tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `alter table policies add column reason text not null default '', add column confirmed_by text`,
  `create table policy_proposals (
    id text primary key,
    state text not null,
    base_version integer not null,
    digest text not null,
    opened_at bigint not null,
    expires_at bigint not null,
    decided_by text,
    decided_at bigint,
    version integer,
    sealed bytea not null,
    constraint policy_proposals_decided_whole
      check (num_nulls(decided_by, decided_at) = case state when 'pending' then 2 else 0 end)
  )`,
  `create index policy_proposals_pending on policy_proposals (opened_at desc)
    where state = 'pending'`,
  // What was decided stays decided, and what was proposed stays as it was.
  `create function policy_proposals_guard() returns trigger language plpgsql as $$
    begin
      if old.state <> 'pending' then
        raise exception 'a proposal that was decided stays decided' using errcode = 'WD003';
      end if;
      if (old.id, old.base_version, old.digest, old.opened_at, old.expires_at, old.sealed)
        is distinct from
        (new.id, new.base_version, new.digest, new.opened_at, new.expires_at, new.sealed) then
        raise exception 'what was proposed stays as it was' using errcode = 'WD003';
      end if;
      return new;
    end $$`,
  `create trigger policy_proposals_guard before update on policy_proposals
    for each row execute function policy_proposals_guard()`,
  `create table policy_processes (
    process text primary key,
    version integer not null,
    trouble text,
    alive_until timestamptz not null
  )`,
]
