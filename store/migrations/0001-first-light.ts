// The first tables. A migration that was released is never edited; changes come as a new file.

import { type Kysely, sql } from 'kysely'

/** Creates every table of the first release, and the triggers that keep the log append-only. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table grants (
    id text primary key,
    request_id text not null,
    principal_key text not null,
    resource text not null,
    role text not null,
    origin text not null,
    policy_digest text not null,
    opened_at bigint not null,
    expires_at bigint not null,
    epoch integer not null,
    end_reason text,
    end_by text,
    end_at bigint,
    sealed bytea not null,
    constraint grants_end_whole check (num_nulls(end_reason, end_by, end_at) in (0, 3))
  )`,
  `create index grants_live on grants (principal_key, resource, opened_at desc)
    where end_reason is null`,
  // An end is final and an epoch only grows, whoever holds the connection.
  `create function grants_guard() returns trigger language plpgsql as $$
    begin
      if old.end_reason is not null then
        raise exception 'a grant that has ended stays ended' using errcode = 'WD001';
      end if;
      if new.epoch <= old.epoch then
        raise exception 'the epoch of a grant only grows' using errcode = 'WD002';
      end if;
      return new;
    end $$`,
  `create trigger grants_guard before update on grants
    for each row execute function grants_guard()`,
  `create table grant_reservations (
    principal_key text not null,
    resource text not null,
    role text not null,
    request_id text not null unique,
    primary key (principal_key, resource, role)
  )`,
  `create table gateways (
    id text primary key,
    alive_until timestamptz not null
  )`,
  `create table sessions (
    id text primary key,
    grant_id text not null,
    gateway_id text not null,
    protocol text not null,
    peer text not null,
    opened_at bigint not null,
    end_reason text,
    ended_at bigint,
    constraint sessions_end_whole check (num_nulls(end_reason, ended_at) in (0, 2))
  )`,
  `create index sessions_open on sessions (grant_id) where end_reason is null`,
  `create table inbox (
    id text primary key,
    state text not null,
    revision bigint not null,
    opened_at bigint not null,
    sealed bytea not null
  )`,
  `create index inbox_newest on inbox (opened_at desc, id desc)`,
  `create index inbox_by_state on inbox (state, opened_at desc, id desc)`,
  `create table spent_tokens (
    token_digest text primary key,
    holder text not null,
    expires_at bigint not null
  )`,
  `create index spent_tokens_expiry on spent_tokens (expires_at)`,
  `create table policies (
    version integer primary key,
    digest text not null,
    source text not null,
    applied_by text not null,
    applied_at bigint not null
  )`,
  `create table secrets (
    name text primary key,
    version integer not null,
    sealed bytea not null,
    stored_by text not null,
    stored_at bigint not null
  )`,
  // Text in one byte order: chains and hashes are ASCII, and their order must not hang on a locale.
  `create table audit_records (
    chain text collate "C" not null,
    seq bigint not null,
    at bigint not null,
    monotonic_ms bigint not null,
    kind text collate "C" not null,
    body text collate "C" not null,
    previous text collate "C" not null,
    hash text collate "C" not null,
    principal text,
    resource text,
    session_id text,
    request_id text,
    review_id text,
    primary key (chain, seq)
  )`,
  `create index audit_records_time on audit_records (at, chain, seq)`,
  `create index audit_records_principal on audit_records (principal)
    where principal is not null`,
  `create index audit_records_resource on audit_records (resource) where resource is not null`,
  `create index audit_records_session on audit_records (session_id)
    where session_id is not null`,
  `create index audit_records_request on audit_records (request_id)
    where request_id is not null`,
  `create index audit_records_review on audit_records (review_id) where review_id is not null`,
  `create table audit_checkpoints (
    number bigint primary key,
    at bigint not null,
    previous text not null,
    heads text not null,
    key_id text not null,
    hash text not null,
    signature text not null
  )`,
  // How far each chain has been signed: only saves searching the checkpoints, proves nothing.
  `create table audit_signed (
    chain text collate "C" primary key,
    seq bigint not null
  )`,
  // Against slips, not against an owner of the database: the chain and its signatures are.
  `create function append_only() returns trigger language plpgsql as $$
    begin
      raise exception '% is append-only', tg_table_name using errcode = 'WD003';
    end $$`,
  `create trigger append_only before update or delete or truncate on audit_records
    for each statement execute function append_only()`,
  `create trigger append_only before update or delete or truncate on audit_checkpoints
    for each statement execute function append_only()`,
  `create trigger append_only before update or delete or truncate on policies
    for each statement execute function append_only()`,
]
