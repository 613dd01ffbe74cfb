// Where values come from and how they are used, on a real PostgreSQL 18: the rules of masking as a
// table of statements.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { judgeSql, type Judged } from '../../../../../proxy/postgres/sql/judge.js'
import type { ColumnSource, StatementLineage } from '../../../../../proxy/postgres/sql/lineage.js'
import { ParserPool } from '../../../../../proxy/postgres/sql/parser.js'
import { startPostgres, type PostgresCluster } from '../../../../postgres-cluster.js'
import { compiledWorkerUrl } from './compiled-worker.js'
import { openShop, type Shop } from './shop.js'

const SCHEMA = `
create table users (id int primary key, nick text, ssn text);
create table orders (id int primary key, user_id int, gone int, note text);
alter table orders drop column gone;
create table keys (ssn varchar(9), what text);
create table parent (id int, pin text);
create table child (extra text) inherits (parent);
create table parts (id int, pin text) partition by range (id);
create table part_b (pin text, id int);
alter table parts attach partition part_b default;
create table made (a text, b text generated always as (upper(a)) stored);
create type pair as (x int, y text);
create table pairs (id int, p pair);
create view plain (key, secret) as select id, ssn from users;
create view mixes as select id, upper(ssn) as up, count(*) as n from users where nick > 'a' group by id, 2;
create view over_plain as select secret, key from plain;
create view looped as with recursive r as (select ssn as s from users union all select s from r where false)
  select s from r;
create view system_names as select ssn as ctid, id as xmin from users;
create materialized view kept as select ssn as copy from users;
create function f(users) returns text language sql as 'select $1.ssn';
`

let parser: ParserPool
let cluster: PostgresCluster
let shop: Shop

beforeAll(async () => {
  parser = new ParserPool({ workerUrl: compiledWorkerUrl(), deadlineMs: 20_000 })
  cluster = await startPostgres()
  shop = await openShop(await cluster.createDatabase(), parser)
  await shop.session.query(SCHEMA)
}, 60_000)
afterAll(async () => {
  await shop.close()
  await parser.close()
  await cluster.stop()
})

const short = (relation: string) => relation.replace(/^public\./, '')

/** `users.ssn derived`, sorted. */
const usesOf = (judged: Judged): string[] =>
  judged.outcome === 'invalid'
    ? [`invalid ${judged.message}`]
    : (judged.command.columns ?? [])
        .map(({ relation, column, use }) => `${short(relation)}.${column} ${use}`)
        .toSorted()

/** `users.ssn` for what is exact, `~users.ssn` for what was changed on the way. */
const shown = (sources: readonly ColumnSource[]): string =>
  sources
    .map(({ relation, column, exact }) => `${exact ? '' : '~'}${short(relation)}.${column}`)
    .toSorted()
    .join(' ')

function statementsOf(judged: Judged): readonly StatementLineage[] {
  if (judged.outcome === 'invalid' || judged.lineage === undefined) expect.fail('no lineage')
  return judged.lineage.statements
}

const outputsOf = (judged: Judged): string[] | undefined =>
  statementsOf(judged)[0]?.outputs?.map(shown)

// Text, outputs, uses of users.ssn and of the other secrets (pin, y).
test.each<[string, string[] | undefined, string[]]>([
  // The origin is kept.
  ['select ssn from users', ['users.ssn'], ['users.ssn output']],
  ['select ssn as x, 1 from users u', ['users.ssn', ''], ['users.ssn output']],
  ['select * from users', ['users.id', 'users.nick', 'users.ssn'], ['users.ssn output']],
  ['table users', ['users.id', 'users.nick', 'users.ssn'], ['users.ssn output']],
  ['select u.* from users u', ['users.id', 'users.nick', 'users.ssn'], ['users.ssn output']],
  ['select (u).* from users u', ['users.id', 'users.nick', 'users.ssn'], ['users.ssn output']],
  ['select (u).ssn from users u', ['users.ssn'], ['users.ssn output']],
  ['select (u).nick from users u', ['users.nick'], []],
  ['select public.users.ssn from users', ['users.ssn'], ['users.ssn output']],
  ['select s from (select ssn as s from users) x', ['users.ssn'], ['users.ssn output']],
  ['select b from (select id, ssn from users) x (a, b)', ['users.ssn'], ['users.ssn output']],
  ['select b from users x (a, c, b)', ['users.ssn'], ['users.ssn output']],
  ['select nick from users x (a, ssn, nick)', ['users.ssn'], ['users.ssn output']],
  ['with w as materialized (select ssn from users) table w', ['users.ssn'], ['users.ssn output']],
  ['with w (z) as (select ssn from users) select z from w', ['users.ssn'], ['users.ssn output']],
  ['select l.* from users u, lateral (select u.ssn) l', ['users.ssn'], ['users.ssn output']],
  ['select note from orders', ['orders.note'], []],
  ['select * from orders', ['orders.id', 'orders.user_id', 'orders.note'], []],
  [
    'select j.* from (users join orders using (id)) j',
    ['orders.id users.id', 'users.nick', 'users.ssn', 'orders.user_id', 'orders.note'],
    ['users.ssn output'],
  ],
  ['select distinct ssn from users', ['users.ssn'], ['users.ssn condition', 'users.ssn output']],
  ['select ssn from users group by 1', ['users.ssn'], ['users.ssn condition', 'users.ssn output']],
  ['select secret from plain', ['users.ssn'], ['users.ssn output']],
  ['select * from over_plain', ['users.ssn', 'users.id'], ['users.ssn output']],
  ['select up, n from mixes', ['~users.ssn', ''], ['users.ssn output']],
  ['select * from looped', ['~users.ssn'], ['users.ssn output']],
  ['select copy from kept', ['users.ssn'], ['users.ssn output']],
  ['select ctid from system_names', ['users.ssn'], ['users.ssn output']],
  ['select x.ctid from (select ssn as ctid from users) x', ['users.ssn'], ['users.ssn output']],
  ['select ctid, tableoid from users', ['', ''], []],
  ['select pin from child', ['child.pin parent.pin'], ['child.pin output', 'parent.pin output']],
  ['select pin from parent', ['child.pin parent.pin'], ['child.pin output', 'parent.pin output']],
  ['select pin from only parent', ['parent.pin'], ['parent.pin output']],
  ['select pin from part_b', ['part_b.pin parts.pin'], ['part_b.pin output', 'parts.pin output']],
  ['update users set nick = $1 returning ssn', ['users.ssn'], ['users.ssn output']],
  ['delete from users returning *', ['users.id', 'users.nick', 'users.ssn'], ['users.ssn output']],
  ['update users set nick = $1 returning old.ssn', ['users.ssn'], ['users.ssn output']],
  // Lost on the way.
  ['select ssn::varchar from users', ['~users.ssn'], ['users.ssn derived']],
  ['select ssn collate "C" from users', ['~users.ssn'], ['users.ssn derived']],
  ["select 'a' || ssn from users", ['~users.ssn'], ['users.ssn derived']],
  ['select substring(ssn, 1, 3) from users', ['~users.ssn'], ['users.ssn derived']],
  ["select case when ssn like '1%' then 1 end from users", ['~users.ssn'], ['users.ssn derived']],
  ['select max(ssn), count(*) from users', ['~users.ssn', ''], ['users.ssn derived']],
  ['select lag(ssn) over () from users', ['~users.ssn'], ['users.ssn derived']],
  ['select (select ssn from users limit 1)', ['~users.ssn'], ['users.ssn derived']],
  ['select array(select ssn from users)', ['~users.ssn'], ['users.ssn derived']],
  ['select u from users u', ['~users.id ~users.nick ~users.ssn'], ['users.ssn derived']],
  ['select row(u.*) from users u', ['~users.id ~users.nick ~users.ssn'], ['users.ssn derived']],
  [
    'select row_to_json(u) from users u',
    ['~users.id ~users.nick ~users.ssn'],
    ['users.ssn derived'],
  ],
  ['select ssn(u) from users u', ['~users.id ~users.nick ~users.ssn'], ['users.ssn derived']],
  ['select to_json(x) from (select ssn from users) x', ['~users.ssn'], ['users.ssn derived']],
  ["select json_object('a': ssn) from users", ['~users.ssn'], ['users.ssn derived']],
  ['select json_array(select ssn from users)', ['~users.ssn'], ['users.ssn derived']],
  ['select xmlforest(ssn) from users', ['~users.ssn'], ['users.ssn derived']],
  [
    "select x.a from users, xmltable('/r' passing xmlparse(content ssn) columns a text) x",
    ['~users.ssn'],
    ['users.ssn derived'],
  ],
  ['select v from users, lateral (values (ssn)) x (v)', ['~users.ssn'], ['users.ssn derived']],
  [
    "select p from users, unnest(string_to_array(ssn, '')) p",
    ['~users.ssn'],
    ['users.ssn derived'],
  ],
  ['select p from users, lateral upper(ssn) p', ['~users.ssn'], ['users.ssn derived']],
  [
    'select nick from users union all select ssn from users',
    ['~users.nick ~users.ssn'],
    ['users.ssn derived'],
  ],
  [
    'select nick from users except select ssn from users',
    ['~users.nick ~users.ssn'],
    ['users.ssn condition', 'users.ssn derived'],
  ],
  [
    'with recursive r (n, s) as (select 1, ssn from users union all select n + 1, s from r) select n from r',
    [''],
    [],
  ],
  [
    'with recursive r (n, s) as (select nick, ssn from users union all select s, n from r) select n from r',
    ['~users.nick ~users.ssn'],
    ['users.ssn derived'],
  ],
  [
    'with recursive r as (select id, ssn from users union all select * from r) search depth first by id set o select o from r',
    ['~users.id ~users.ssn'],
    ['users.ssn condition', 'users.ssn derived'],
  ],
  [
    'select ssn from users full join keys using (ssn)',
    ['~keys.ssn ~users.ssn'],
    ['keys.ssn condition', 'keys.ssn derived', 'users.ssn condition', 'users.ssn derived'],
  ],
  ['select (p).y from pairs', ['~pairs.p'], []],
  // Conditions.
  ["select id from users where ssn like '1%'", ['users.id'], ['users.ssn condition']],
  ['select id from users order by ssn', ['users.id'], ['users.ssn condition']],
  ["select 'x' as ssn from users order by ssn", [''], []],
  [
    'select id, upper(ssn) from users order by 2',
    ['users.id', '~users.ssn'],
    ['users.ssn condition', 'users.ssn derived'],
  ],
  ['select count(*) from users group by ssn', [''], ['users.ssn condition']],
  ['select 1 from users having max(ssn) > $1', [''], ['users.ssn condition']],
  ['select distinct on (ssn) id from users', ['users.id'], ['users.ssn condition']],
  ['select count(*) filter (where ssn = $1) from users', [''], ['users.ssn condition']],
  ['select rank() over (order by ssn) from users', [''], ['users.ssn condition']],
  ['select rank() over w from users window w as (order by ssn)', [''], ['users.ssn condition']],
  ['select string_agg(nick, $1 order by ssn) from users', ['~users.nick'], ['users.ssn condition']],
  [
    'select percentile_disc(0.5) within group (order by ssn) from users',
    ['~users.ssn'],
    ['users.ssn derived'],
  ],
  [
    'select o.id from orders o join users u on u.ssn = o.note',
    ['orders.id'],
    ['users.ssn condition'],
  ],
  [
    'select what from keys natural join users',
    ['keys.what'],
    ['keys.ssn condition', 'users.ssn condition'],
  ],
  ['select 1 limit (select length(ssn) from users limit 1)', [''], ['users.ssn condition']],
  [
    'select id from orders where note in (select ssn from users)',
    ['orders.id'],
    ['users.ssn condition'],
  ],
  [
    'select note in (select ssn from users) from orders',
    ['~orders.note ~users.ssn'],
    ['users.ssn derived'],
  ],
  ['delete from users where ssn = $1', [], ['users.ssn condition']],
  ['insert into keys values ($1) on conflict (ssn) do nothing', [], ['keys.ssn condition']],
  [
    'insert into users (id, ssn) values (1, $1) on conflict do nothing',
    [],
    ['users.ssn condition'],
  ],
  // Not consumed, but an error or a number of rows would tell.
  ['select 1 from (select ssn::int from users offset 0) x', [''], ['users.ssn condition']],
  ["select 1 from users, unnest(string_to_array(ssn, '')) p", [''], ['users.ssn condition']],
  ['select exists (select 1 / ssn::int from users offset 0)', [''], ['users.ssn condition']],
  // No use at all.
  ['select count(*) from users', [''], []],
  ['select exists (select ssn from users)', [''], []],
  ['select x.id from (select * from users) x', ['users.id'], []],
  ['with w as (select * from users) select id from w', ['users.id'], []],
  ['select key from plain', ['users.id'], []],
  ['update users set ssn = $1 where id = 1', [], []],
  ['insert into users values (1, $1, $2)', [], []],
  ['explain select ssn from users', [''], ['users.ssn output']],
  // Scopes.
  ['select (select x.ssn from (select 1 as ssn) x) from users', [''], []],
  ['select (select ssn from orders limit 1) from users', ['~users.ssn'], ['users.ssn derived']],
  [
    'select id from orders where exists (select from users where ssn = note)',
    ['orders.id'],
    ['users.ssn condition'],
  ],
  ['with users as (select note as ssn from orders) select ssn from users', ['orders.note'], []],
  [
    'with users as (select * from users) select ssn from users',
    ['users.ssn'],
    ['users.ssn output'],
  ],
  ['select ssn from users, generate_series(1, 2) ssn_of', ['users.ssn'], ['users.ssn output']],
  // Written.
  ['insert into orders (note) select ssn from users', [], ['users.ssn derived']],
  ['update orders set note = ssn from users', [], ['users.ssn derived']],
  ['select ssn into other from users', [], ['users.ssn derived']],
  ['create table other as select * from users', [], ['users.ssn derived']],
  ['create view other as select ssn from users', [], ['users.ssn derived']],
  [
    'insert into orders (note) select ssn from users returning note',
    ['orders.note ~users.ssn'],
    ['users.ssn derived', 'users.ssn output'],
  ],
  [
    'merge into orders o using users u on o.id = u.id when matched and u.ssn > $1 then update set note = u.nick',
    [],
    ['users.ssn condition'],
  ],
  // DDL.
  ['alter table users rename ssn to other', [], ['users.ssn derived']],
  ['alter table users rename nick to other', [], []],
  ['alter table users rename to others', [], ['users.ssn derived']],
  ['alter table users set schema other', [], ['users.ssn derived']],
  [
    'alter table users add x text generated always as (reverse(ssn)) stored',
    [],
    ['users.ssn derived'],
  ],
  ['alter table users alter nick type text using ssn', [], ['users.ssn derived']],
  ['alter table users add y int, add check (y > 0)', [], []],
  ['create index on users (upper(ssn))', [], ['users.ssn condition']],
  ['alter table child no inherit parent', [], ['child.pin derived', 'parent.pin derived']],
  ['create table copy (like users)', [], []],
  ['vacuum users', [], []],
])('%s', async (text, outputs, uses) => {
  const judged = await shop.judge(text)
  expect(outputsOf(judged)).toEqual(outputs)
  expect(usesOf(judged).filter((use) => /ssn|pin|\*/.test(use))).toEqual(uses)
})

// What nobody can follow uses everything that is touched.
test.each([
  ['select f(u) from users u', undefined],
  ['select u.f from users u', undefined],
  ['select nowhere from users', undefined],
  ['select x.nick from users', undefined],
  ['select * from users natural join generate_series(1, 2)', undefined],
  ['select nick from users where (select missing) > 1', undefined],
  ['create view other as select missing from users', []],
])('%s uses all of users', async (text, outputs) => {
  const judged = await shop.judge(text)
  expect(statementsOf(judged)[0]?.outputs).toEqual(outputs)
  expect(usesOf(judged)).toContain('users.* derived')
})

test.each([
  ['declare c cursor for select ssn from users', { declares: 'c', outputs: ['users.ssn'] }],
  ['fetch 3 from c', { fetches: 'c', outputs: undefined }],
  ['move 3 from c', { outputs: [] }],
  ['show work_mem', { outputs: [''] }],
  ['show all', { outputs: ['', '', ''] }],
  ['execute p', { outputs: undefined }],
  ['do $$ begin end $$', { outputs: undefined }],
  ['copy users to stdout', { copyForm: 'text', outputs: ['users.id', 'users.nick', 'users.ssn'] }],
  ['copy users (ssn, id) to stdout', { copyForm: 'text', outputs: ['users.ssn', 'users.id'] }],
  [
    'copy orders to stdout csv header',
    { copyForm: 'csv', outputs: ['orders.id', 'orders.user_id', 'orders.note'] },
  ],
  [
    'copy (select upper(ssn) from users) to stdout (format csv)',
    { copyForm: 'csv', outputs: ['~users.ssn'] },
  ],
  ['copy users (ssn) to stdout binary', { copyForm: 'other', outputs: ['users.ssn'] }],
  ["copy users (ssn) to stdout (delimiter ';')", { copyForm: 'other', outputs: ['users.ssn'] }],
  // Row-level security would send the generated column too.
  ['copy made to stdout', { copyForm: 'text', outputs: undefined }],
  ['copy made (a, b) to stdout', { copyForm: 'text', outputs: ['made.a', 'made.b ~made.a'] }],
  ["copy users to '/tmp/x'", { outputs: [] }],
  ['copy users from stdin', { outputs: [] }],
  ['select * from made, json_populate_record(null::made, $1)', { outputs: undefined }],
  ["select * from jsonb_each('{}')", { outputs: ['', ''] }],
  ['select * from unnest($1::int[], $2::text[]) with ordinality', { outputs: ['', '', ''] }],
  ['select * from unnest(array(select u from users u))', { outputs: undefined }],
  ["select * from json_to_record('{}') as x (a int, b text)", { outputs: ['', ''] }],
])('%s gives %j', async (text, expected) => {
  const [statement] = statementsOf(await shop.judge(text))
  expect({ ...statement, outputs: statement?.outputs?.map(shown) }).toEqual(expected)
})

test('COPY that is not rewritten row by row derives its columns', async () => {
  expect(usesOf(await shop.judge('copy users (ssn) to stdout binary'))).toContain(
    'users.ssn derived',
  )
  expect(usesOf(await shop.judge('copy users (ssn) to stdout'))).toEqual(['users.ssn output'])
  expect(usesOf(await shop.judge("copy users (ssn) to program 'x'"))).toEqual(['users.ssn derived'])
})

test('a statement after DDL of the same text is not followed', async () => {
  const judged = await shop.judge('alter table users add z int; select nick from users')
  expect(statementsOf(judged).map(({ outputs }) => outputs)).toEqual([[], undefined])
  expect(usesOf(judged)).toEqual(['users.* derived'])
})

test('statements of one text have a lineage each', async () => {
  const judged = await shop.judge('begin; select ssn from users; select id from orders')
  const all = statementsOf(judged).map(({ outputs }) => outputs?.map(shown))
  expect(all).toEqual([[], ['users.ssn'], ['orders.id']])
})

test('origins tell what each column of a relation holds, by number', async () => {
  const { rows } = await shop.session.query<{ name: string; oid: number }>(
    `select relname as name, oid::int as oid from pg_class where relname in ('orders', 'mixes', 'part_b', 'pg_class')`,
  )
  const judged = await shop.judge('select 1 from orders, mixes, part_b, pg_class')
  const origins = judged.outcome === 'command' ? judged.lineage?.origins : undefined
  const of = (name: string) => {
    const oid = rows.find((row) => row.name === name)?.oid ?? 0
    const origin = origins?.get(oid)
    const user = [...(origin?.columns ?? [])].filter(([number]) => number > 0)
    return user.map(([number, sources]) => `${String(number)} ${shown(sources)}`)
  }
  // Number 3 was dropped.
  expect(of('orders')).toEqual(['1 orders.id', '2 orders.user_id', '4 orders.note'])
  expect(of('mixes')).toEqual(['1 users.id', '2 ~users.ssn', '3 '])
  expect(of('part_b')).toEqual(['1 part_b.pin parts.pin', '2 part_b.id parts.id'])
  expect(of('pg_class')).toContain('2 pg_catalog.pg_class.relname')
  expect(usesOf(await shop.judge('select relname from pg_class'))).toEqual([])
})

test('a temporary table shadows the real one, with its own columns', async () => {
  await shop.session.query('create temp table users (ssn int, nick text)')
  const judged = await shop.judge('select nick, ssn from users')
  expect(outputsOf(judged)).toEqual(['pg_temp.users.nick', 'pg_temp.users.ssn'])
  await shop.session.query('drop table pg_temp.users')
})

test('very many uses are told once for each relation and kind', async () => {
  const wide = Array.from({ length: 1500 }, (_, at) => `c${String(at)} int`).join(', ')
  await shop.session.query(`create table wide (${wide}); create table wider () inherits (wide)`)
  const judged = await shop.judge('select * from wide where c7 = 1')
  expect(usesOf(judged)).toEqual([
    'wide.* output',
    'wide.c7 condition',
    'wider.* output',
    'wider.c7 condition',
  ])
  await shop.session.query('drop table wider, wide')
})

test('queries within each other without end are not followed, and end', async () => {
  const deep = `${'select * from ('.repeat(200)}select ssn from users${') x'.repeat(200)}`
  const judged = await shop.judge(deep)
  expect(usesOf(judged)).toEqual(['users.* derived'])
  const ctes = Array.from(
    { length: 300 },
    (_, at) => `w${String(at)} as (select * from w${String(at + 1)})`,
  )
  const chain = await shop.judge(
    `with recursive ${ctes.join(', ')}, w300 as (select ssn from users) table w0`,
  )
  expect(usesOf(chain)).toEqual(['users.* derived'])
})

test('without the columns of a relation nothing of it is followed', async () => {
  const judged = await judgeSql('select ssn from users', {
    parser,
    lookup: () =>
      Promise.resolve([
        ['session', '0', 'public', 'UTF8', null, null, null, null, null],
        ['relation', '1', '16384', 'r', 'public', 'users', 'true', 'false', null],
      ]),
  })
  expect(usesOf(judged)).toEqual(['users.* derived'])
})

test.each(['{}', '[1]', '[[1, 2, "a", false]]', 'not JSON'])(
  'columns told as %s are not taken',
  async (columns) => {
    const judged = await judgeSql('select ssn from users', {
      parser,
      lookup: () =>
        Promise.resolve([
          ['session', '0', 'public', 'UTF8', null, null, null, null, null],
          ['columns', '1', '16384', columns, 'public', 'users', 'false', null, null],
        ]),
    })
    expect(judged).toHaveProperty('command.effect', 'unknown')
  },
)
