// Names become objects on a real PostgreSQL 18: what each of them leads to decides.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LookupParameters } from '../../../../../proxy/postgres/sql/lookup.js'
import { judgeSql } from '../../../../../proxy/postgres/sql/judge.js'
import { ParserPool } from '../../../../../proxy/postgres/sql/parser.js'
import { startPostgres, type PostgresCluster } from '../../../../postgres-cluster.js'
import { compiledWorkerUrl } from './compiled-worker.js'
import { TRAPS, openShop, said, touched, type Shop } from './shop.js'

let parser: ParserPool
let cluster: PostgresCluster
let shop: Shop
let url: string

beforeAll(async () => {
  parser = new ParserPool({ workerUrl: compiledWorkerUrl() })
  cluster = await startPostgres()
  url = await cluster.createDatabase()
  shop = await openShop(url, parser)
  await shop.session.query(TRAPS)
}, 60_000)
afterAll(async () => {
  await shop.close()
  await parser.close()
  await cluster.stop()
})

test.each([
  // Functions
  ['a function of pg_catalog', 'select upper(nick) from users', 'select read'],
  ['one that a user overloads', 'select lower(nick) from users', 'select unknown'],
  ['one that a user overloads, whatever the argument', "select lower('a'::text)", 'select unknown'],
  ['the same by its full name', "select pg_catalog.lower('a')", 'select read'],
  ['a user function', 'select g()', 'select unknown'],
  ['a user function in FROM', 'select * from g()', 'select unknown'],
  ['a user aggregate', 'select noisy(id) from users', 'select unknown'],
  ['a function that is not there', 'select nowhere(1, 2)', 'select read'],
  ['PG-11', 'select U&"\\0070g_sleep"(1)', 'select dangerous'],
  ['PG-12', "select pg_catalog/**/./**/pg_read_file/**/('x')", 'select dangerous'],
  ['PG-41', 'select pg_terminate_backend(1)', 'select dangerous'],
  ['PG-42', "select lo_from_bytea(0, 'x')", 'select dangerous'],
  ['PG-44', "select nextval('numbers')", 'select write'],
  ['PG-44', "select setval('numbers', 1)", 'select dangerous'],
  ['PG-44', "select set_config('role', 'x', false)", 'select dangerous'],
  ['PG-45 that is not installed', "select dblink('a', 'b')", 'select dangerous'],
  ['PG-46', "select query_to_xml('select 1', true, true, '')", 'select dangerous'],
  ['PG-46', "select * from ts_stat('select 1')", 'select dangerous'],
  ['PG-46', "select json_populate_record(null::users, '{}')", 'select unknown'],
  ['PG-47', 'select pg_advisory_lock(1)', 'select dangerous'],
  ['PG-48', 'select pg_reload_conf()', 'select dangerous'],
  ['PG-39', "select pg_notify('a', ssn) from users", 'select dangerous'],
  ['PG-65', "select current_setting('x.y')", 'select session-control'],
  ['a built-in on no list', 'select pg_tablespace_location(1)', 'select unknown'],
  ['a type given by name', "select pg_input_is_valid('a', 'checked_text')", 'select dangerous'],
  // Column notation
  ['PG-49', 'select u.f from users u', 'select unknown'],
  ['PG-49 with schema', 'select public.users.f from public.users', 'select unknown'],
  ['PG-49 in parentheses', 'select (u).f from users u', 'select unknown'],
  ['PG-49 of a subquery', 'select (select u from users u limit 1).f', 'select unknown'],
  ['PG-49 of any row', 'select u.any_row from users u', 'select unknown'],
  ['PG-49 in WHERE', 'select 1 from users u where u.f = 1', 'select unknown'],
  ['PG-50', 'select ssn(u) from users u', 'select read'],
  ['a column', 'select u.ssn from users u', 'select read'],
  ['a column named like a scalar function', 'select u.size from users u', 'select read'],
  // Operators
  ['PG-51', 'select 1 operator(public.+) 2', 'select unknown'],
  ['an operator that a user overloads', "select 1 + 'a'", 'select unknown'],
  ['the same by its full name', 'select 1 operator(pg_catalog.+) 2', 'select read'],
  ['a prefix operator of a user', 'select @@- 1', 'select unknown'],
  ['an operator that nobody overloads', 'select 2 - 1, - 1', 'select read'],
  // Types
  ['a domain', "select 'a'::checked_text", 'select unknown'],
  ['a domain, spelt as a call', "select checked_text('a')", 'select unknown'],
  ['a domain, spelt as a literal', "select checked_text 'a'", 'select unknown'],
  ['a domain over harmless checks', "select '1'::small", 'select unknown'],
  ['an array of a domain', "select '{a}'::checked_text[]", 'select unknown'],
  ['an array of a domain by its own name', "select '{a}'::_checked_text", 'select unknown'],
  ['a composite type', "select '(1,a)'::pair", 'select unknown'],
  ['a row type', "select '(1,a)'::users", 'select unknown'],
  ['an enum', "select 'good'::mood, '{good}'::mood[]", 'select read'],
  ['an enum with a cast of a user', "select 'sail'::boat", 'select unknown'],
  [
    'a domain in a column definition',
    "select * from json_to_record('{}') as x(a checked_text)",
    'select unknown',
  ],
  ['built-in types in one', "select * from json_to_record('{}') as x(a int)", 'select read'],
  ['a pseudo-type', 'select null::record', 'select unknown'],
  [
    'a literal for an array of a domain',
    "select 1 from checks where list = '{a}'",
    'select unknown',
  ],
  ['a column whose type holds a domain', 'select id from pairs', 'select unknown'],
  ['a column whose type a user casts', 'select to_json(boats) from boats', 'select unknown'],
  ['columns of an enum and a harmless domain', 'select * from moods', 'select read'],
  ['a write to such a table', "insert into checks values (1, '{a}')", 'insert write'],
  // Views
  ['a view over a function', 'select * from calls', 'select unknown'],
  ['a view over an operator', 'select * from adds', 'select unknown'],
  ['a view over an aggregate', 'select * from aggregates', 'select unknown'],
  ['a view over a dangerous relation', 'select * from shadows', 'select dangerous'],
  ['a view over a dangerous function', 'select * from sleeps', 'select dangerous'],
  ['a view over nextval', 'select * from counts', 'select write'],
  ['a view over a domain', 'select * from casts', 'select unknown'],
  ['a view that locks', 'select * from locks', 'select write'],
  ['a view over views', 'select * from plainer', 'select read'],
  ['a view over the catalog', 'select * from builtin', 'select read'],
  // The server's own relations
  ['PG-89', 'select * from pg_stats', 'select dangerous'],
  ['PG-89', 'select * from pg_catalog.pg_statistic', 'select dangerous'],
  ['PG-90', 'select query from pg_stat_activity', 'select dangerous'],
  ['PG-90', 'select * from pg_prepared_statements', 'select dangerous'],
  ['PG-90', 'select * from pg_authid', 'select dangerous'],
  ['PG-90', 'select * from pg_user_mappings', 'select dangerous'],
  ['PG-61', "update pg_settings set setting = 'x'", 'update dangerous'],
  ['a write to the catalog', 'delete from pg_class', 'delete dangerous'],
  ['the catalog in a subquery', 'select (select count(*) from pg_largeobject)', 'select dangerous'],
  ['definitions', 'select relname from pg_class, information_schema.tables', 'select read'],
  ['secrets', 'select * from information_schema.user_mapping_options', 'select dangerous'],
  ['a TOAST table', 'select * from pg_toast.pg_toast_1255', 'select dangerous'],
  // Writes
  ['a table with a rule', 'insert into ruled values (1)', 'insert unknown'],
  ['its definition', 'alter table ruled add b int', 'alter-table ddl'],
  ['DDL over a function', 'create view x as select g()', 'create-view unknown'],
  ['a default of a user', 'alter table users add x int default g()', 'alter-table unknown'],
  ['EXPLAIN over a function', 'explain select g()', 'explain unknown'],
  ['EXPLAIN of a write', 'explain delete from users', 'explain read'],
  ['COPY of a view', 'copy calls to stdout', 'copy-to-stdout unknown'],
  ['a database in a name', 'select * from elsewhere.public.users', 'select unknown'],
  // Grammar that older servers read as calls
  ['SQL/JSON', "select json_value('{}', '$'), json_object('a': 1)", 'select read'],
  ['TABLESAMPLE', 'select * from users tablesample bernoulli (1)', 'select read'],
])('%s: %s is %s', async (_, text, expected) => {
  expect(said(await shop.judge(text))).toBe(expected)
})

test.each([
  ['select * from plain', ['r public.plain', 'r public.users']],
  ['select * from plainer', ['r public.plain', 'r public.plainer', 'r public.users']],
  ['select * from kept', ['r public.kept', 'r public.users']],
  ['insert into plain values (9)', ['r public.users', 'w public.plain', 'w public.users']],
  ['select * from parts', ['r hidden.parts_2', 'r public.parts', 'r public.parts_1']],
  ['insert into parts values (1)', ['w hidden.parts_2', 'w public.parts', 'w public.parts_1']],
  ['select * from only parent', ['r public.parent']],
  ['select * from parent', ['r hidden.child', 'r public.parent']],
  ['select * from "USERS"', ['r USERS']],
  ['select * from USERS', ['r public.users']],
  ['select * from hidden.nowhere', ['r hidden.nowhere']],
  ['select * from pg_class', []],
  ['create table fresh (a int)', ['w public.fresh']],
  ['create temp table fresh (a int)', ['w pg_temp.fresh']],
  ['refresh materialized view kept', ['r public.users', 'w public.kept']],
])('%s touches %j', async (text, expected) => {
  expect(touched(await shop.judge(text))).toEqual(expected)
})

test.each([
  [
    'begin; select * from users; commit',
    'begin session-control, select read, commit session-control',
  ],
  ['rollback; select * from users', 'rollback session-control, select unknown'],
  ['rollback to a; select * from users', 'rollback-to-savepoint session-control, select unknown'],
  ['commit; select 1', 'commit session-control, select read'],
  ['discard temp; select * from users', 'discard session-control, select unknown'],
  ['set search_path = hidden; select * from users', 'set privilege, select unknown'],
  ['drop table users; select * from users', 'drop-table ddl, select unknown'],
  ['alter table users rename to x; select * from orders', 'rename ddl, select unknown'],
  ["create type t as enum ('a'); select 'a'::t", 'create-type ddl, select unknown'],
  ['create table q (a int); insert into q values (1)', 'create-table ddl, insert write'],
  ['do $$ begin end $$; select * from users', 'do unknown, select unknown'],
  [';;', 'empty session-control'],
])('%s is judged whole: %s', async (text, expected) => {
  expect(said(await shop.judge(text))).toBe(expected)
})

test('a table made by the same text is touched under the name it will have', async () => {
  const judged = await shop.judge('drop table if exists q; create table q (a int); table q')
  expect(touched(judged)).toEqual(['w q', 'w public.q', 'r public.q', 'r q'])
})

test('a temporary table shadows the real one, and a full name does not fall for it', async () => {
  const own = await openShop(url, parser)
  await own.session.query('create temp table users (a int)')
  expect(touched(await own.judge('select * from users'))).toEqual(['r pg_temp.users'])
  expect(touched(await own.judge('select * from public.users'))).toEqual(['r public.users'])
  expect(touched(await own.judge('select * from pg_temp.users'))).toEqual(['r pg_temp.users'])
  expect(said(await own.judge('drop table pg_temp.users; table users'))).toMatch(/unknown$/)
  expect(touched(await own.judge('select * from plain'))).toEqual([
    'r public.plain',
    'r public.users',
  ])
  await own.close()
})

test('an evil search path changes what names mean, and nothing of the lookup itself', async () => {
  const own = await openShop(url, parser)
  await own.session.query(`create schema evil;
    create function evil.always(text, text) returns bool language sql as 'select true';
    create operator evil.= (leftarg = text, rightarg = text, function = evil.always);
    create function evil.unnest(text[]) returns setof text language sql as 'select null::text';
    create table evil.pg_class (a int); create domain evil.text as pg_catalog.text;
    create table evil.users (a int); set search_path = evil, pg_catalog, public`)
  expect(touched(await own.judge('table users'))).toEqual(['r evil.users'])
  expect(touched(await own.judge('table pg_class'))).toEqual(['r evil.pg_class'])
  expect(said(await own.judge("select 'a' = 'b'"))).toBe('select unknown')
  expect(said(await own.judge("select 'a'::text"))).toBe('select unknown')
  expect(said(await own.judge('select upper(nick) from public.users'))).toBe('select read')
  await own.session.query('drop schema evil cascade')
  await own.close()
})

test('a look-alike in pg_catalog is not taken for the real thing', async () => {
  const own = await openShop(url, parser)
  await own.session.query(`set allow_system_table_mods = on;
    create function pg_catalog.upper(int) returns int language sql as 'select 1';
    create view pg_catalog.pg_nice as select * from pg_authid`)
  expect(said(await own.judge('select upper(1)'))).toBe('select unknown')
  expect(said(await own.judge('select * from pg_nice'))).toBe('select dangerous')
  await own.session.query(`drop function pg_catalog.upper(int); drop view pg_catalog.pg_nice`)
  await own.close()
})

test('a user function named like newer syntax is not taken for the syntax', async () => {
  const own = await openShop(url, parser)
  await own.session.query(
    `create function "json_scalar"(int, int) returns int language sql as 'select 1'`,
  )
  expect(said(await own.judge('select json_scalar(1)'))).toBe('select unknown')
  await own.session.query('drop function "json_scalar"(int, int)')
  await own.close()
})

test('views nested too deeply, or too many of them, are unknown', async () => {
  const own = await openShop(url, parser)
  await own.session.query('create view deep_0 as select 1 as a')
  for (let level = 1; level <= 10; level += 1)
    await own.session.query(`create view deep_${level} as select * from deep_${level - 1}`)
  expect(said(await own.judge('table deep_10'))).toBe('unknown unknown')
  expect(said(await own.judge('table deep_5'))).toBe('select read')
  const names = Array.from({ length: 70 }, (_, at) => `wide_${at}`)
  for (const name of names) await own.session.query(`create view ${name} as select 1 as a`)
  expect(said(await own.judge(`select 1 from ${names.join(', ')}`))).toBe('unknown unknown')
  await own.session.query(`drop view deep_0, ${names.join(', ')} cascade`)
  await own.close()
})

test('names beyond ASCII are unknown where the database folds their case otherwise', async () => {
  const rows = (encoding: string) => [
    ['session', '0', 'public', encoding, null, null, null, null, null],
  ]
  const judged = (text: string, encoding: string) =>
    judgeSql(text, { parser, lookup: () => Promise.resolve(rows(encoding)) })
  expect(said(await judged('select * from Ärzte', 'LATIN1'))).toBe('select unknown')
  expect(said(await judged('select * from Ärzte', 'UTF8'))).toBe('select read')
  expect(said(await judged('select * from doctors', 'LATIN1'))).toBe('select read')
})

test.each([
  ['nothing', []],
  [
    'two sessions',
    [
      ['session', '0', '', '', ''],
      ['session', '0', '', '', ''],
    ],
  ],
  [
    'an unasked name',
    [
      ['session', '0', '', '', ''],
      ['relation', '9', '1', 'r', 'a', 'b', 'true'],
    ],
  ],
  [
    'another kind',
    [
      ['session', '0', '', '', ''],
      ['type', '1', 'a', 'true', 'b', null, '0', 'x'],
    ],
  ],
  [
    'too little',
    [
      ['session', '0', '', '', ''],
      ['relation', '1', null],
    ],
  ],
  ['too much', Array.from({ length: 5001 }, () => ['session', '0', '', '', ''])],
])('a catalog that answers %s makes the statement unknown', async (_, rows) => {
  const judged = await judgeSql('table t', { parser, lookup: () => Promise.resolve(rows) })
  expect(said(judged)).toBe('unknown unknown')
})

test('a lookup that fails makes the statement unknown', async () => {
  const lookup = () => Promise.reject(new Error('gone'))
  expect(said(await judgeSql('table t', { parser, lookup }))).toBe('unknown unknown')
})

test('a statement without names asks the catalog nothing', async () => {
  const asked: LookupParameters[] = []
  const lookup = (parameters: LookupParameters) => {
    asked.push(parameters)
    return Promise.resolve([])
  }
  for (const text of ['select 1', 'begin', 'commit', 'set application_name = x', ''])
    await judgeSql(text, { parser, lookup })
  expect(asked).toEqual([])
})

test('what the grammar refuses is not judged at all', async () => {
  expect(await shop.judge('selekt')).toMatchObject({ outcome: 'invalid', position: 1 })
})

test('the reasons name what was not known', async () => {
  const judged = await shop.judge('select g(), u.f from users u')
  expect(judged).toHaveProperty('command.parts.0.because', [
    'function public.g is not known',
    'function public.f is not known',
  ])
})
