// A database full of traps, on a real server: functions, operators, casts, checks, rules and views
// that leave a trace in a log when they run. The tests ask whether judged reads leave none.

import pg from 'pg'
import { judgeSql, type Judged } from '../../../../../proxy/postgres/sql/judge.js'
import { LOOKUP_SQL } from '../../../../../proxy/postgres/sql/lookup.js'
import type { SqlParser } from '../../../../../proxy/postgres/sql/parser.js'

/** Everything here is as a careless owner could have left it. */
export const TRAPS = `
create table log (what text);
create sequence numbers;
create table users (id int primary key, ssn text, nick varchar(20), size int);
insert into users select n, 'ssn' || n, 'nick' || n, n from generate_series(1, 5) n;
create table orders (id int primary key, user_id int references users, total numeric);
insert into orders select n, n, n * 10 from generate_series(1, 5) n;

create function noted(what text) returns void language plpgsql as
  $$ begin insert into public.log values (what); end $$;
create function lower(varchar) returns text language plpgsql as
  $$ begin perform public.noted('lower'); return 'x'; end $$;
create function f(users) returns int language plpgsql as
  $$ begin perform public.noted('f'); return 1; end $$;
create function g() returns int language plpgsql as
  $$ begin perform public.noted('g'); return 1; end $$;
create function any_row(record) returns int language plpgsql as
  $$ begin perform public.noted('any_row'); return 1; end $$;
create function plus(int, text) returns int language plpgsql as
  $$ begin perform public.noted('plus'); return 1; end $$;
create operator + (leftarg = int, rightarg = text, function = plus);
create function minus(int) returns int language plpgsql as
  $$ begin perform public.noted('minus'); return 1; end $$;
create operator @@- (rightarg = int, function = minus);
create function checked(text) returns bool language plpgsql as
  $$ begin perform public.noted('checked'); return true; end $$;
create domain checked_text as text check (checked(value));
create domain small as int check (value < 1000);
create type mood as enum ('good', 'bad');
create type pair as (a int, b checked_text);
create type boat as enum ('sail', 'row');
create function boat_number(boat) returns int language plpgsql as
  $$ begin perform public.noted('boat'); return 1; end $$;
create cast (boat as int) with function boat_number(boat);
create aggregate noisy (int) (sfunc = int4pl, stype = int, initcond = '0');

create table checks (id int, list checked_text[]);
create table pairs (id int, p pair);
create table moods (mood mood, smallish small);
create table boats (boat boat);
insert into checks values (1, null); insert into moods values ('good', 1);
insert into boats values ('sail');

create schema hidden;
create table parts (id int, v int) partition by range (id);
create table parts_1 partition of parts for values from (0) to (10);
create table hidden.parts_2 partition of parts for values from (10) to (20);
create table parent (a int);
create table hidden.child () inherits (parent);
create table ruled (a int);
create rule also as on insert to ruled do also insert into log values ('rule');

create view plain as select id, ssn from users;
create view plainer as select * from plain;
create view calls as select g() as g;
create view adds as select 1 + 'a'::text as s;
create view aggregates as select noisy(id) from users;
create view shadows as select usename from pg_shadow;
create view sleeps as select pg_sleep(0)::text as s;
create view counts as select nextval('numbers') as n;
create view casts as select 'x'::checked_text as t;
create view locks as select * from users for update;
create materialized view kept as select * from users;
create view builtin as select relname from pg_class;
`

/** A session on a real server, and a judge that looks names up in it. */
export interface Shop {
  readonly session: pg.Client
  judge(text: string): Promise<Judged>
  close(): Promise<void>
}

/** Opens a session. */
export async function openShop(url: string, parser: SqlParser): Promise<Shop> {
  const session = new pg.Client({ connectionString: url })
  session.on('error', () => undefined)
  await session.connect()
  return {
    session,
    judge: (text) =>
      judgeSql(text, {
        parser,
        lookup: async (parameters) => {
          const values = parameters.map((list) => [...list])
          const query = { name: 'lookup', text: LOOKUP_SQL, values, rowMode: 'array' as const }
          return (await session.query<(string | null)[]>(query)).rows
        },
      }),
    close: () => session.end(),
  }
}

/** `kind effect` of every part. */
export const said = (judged: Judged): string =>
  judged.outcome === 'invalid'
    ? `invalid ${judged.message}`
    : judged.command.parts.map(({ kind, effect }) => `${kind} ${effect}`).join(', ')

/** `r schema.name` and `w schema.name` of every part. */
export const touched = (judged: Judged): string[] =>
  judged.outcome === 'invalid'
    ? []
    : judged.command.parts.flatMap(({ relations }) =>
        relations.map(({ access, relation }) => `${access.charAt(0)} ${relation}`),
      )
