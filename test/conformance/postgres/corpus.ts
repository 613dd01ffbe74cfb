// The statements of the policy-evasion corpus that need no masking: exact bytes, what they do, and
// what becomes of them for R and W. Data. Expectations come from the threat model, never from us.

import type { Effect } from '../../../core/command.js'
import type { TestRole } from '../../postgres-world.js'

/** Allowed, put to a person, denied. */
export type Decision = 'A' | 'P' | 'D'

/** One statement of the corpus. */
export interface CorpusCase {
  readonly id: string
  readonly sql: string | Buffer
  readonly effect: Effect
  readonly reader: Decision
  readonly writer: Decision
  /** Only as a simple Query; why. */
  readonly simpleOnly?: string
  /** Never put to people, in no profile: nobody can see what would run. */
  readonly never?: true
  /** Where Warder refuses or asks although the threat model allows, and why. */
  readonly stricter?: {
    readonly reader?: Decision
    readonly writer?: Decision
    readonly why: string
  }
}

/** The definitions that the statements are about. */
export const CORPUS_SCHEMA = `
  create table t (a int primary key, x text);
  insert into t values (1, 'one'), (2, 'two');
  create table users (id int primary key, name text);
  insert into users values (1, 'ann');
  create table "Users" (id int primary key);
  create sequence seq;
  create materialized view mv as select 1 as one;
  create function f() returns int language sql immutable as 'select 1';
  create function g(users) returns text language sql as $$select 'ran'$$;
  create function plus(int, int) returns int language sql as 'select 3';
  create operator public.<+> (leftarg = int, rightarg = int, function = plus);
  create domain checked as int check (f() = 1);
  create aggregate public.total(int) (sfunc = plus, stype = int);
  create function smp(internal) returns tsm_handler language internal as 'tsm_bernoulli_handler';
  create procedure pr() language sql as 'select 1';
  create role somebody;
  create publication pub;
`

type More = Partial<CorpusCase>

const of =
  (effect: Effect, reader: Decision, writer: Decision) =>
  (id: string, sql: string | Buffer, more: More = {}): CorpusCase => ({
    ...{ id, sql, effect, reader, writer },
    ...more,
  })

const read = of('read', 'A', 'A')
const write = of('write', 'D', 'A')
const whole = of('write', 'D', 'P')
const ddl = of('ddl', 'D', 'P')
const control = of('session-control', 'A', 'A')
const privilege = of('privilege', 'D', 'D')
const dangerous = of('dangerous', 'D', 'D')
const askable = of('dangerous', 'D', 'P')
const unknown = of('unknown', 'D', 'D')
const invalid = (id: string, sql: string | Buffer) => unknown(id, sql, { never: true })

/** Functions of extensions: the target refuses to parse them before anybody could be asked. */
const NOT_THERE: More = { simpleOnly: 'the target has no such function' }

const LEXICAL = [
  read('PG-01 comment for a space', 'SELECT/**/1'),
  read('PG-01 line comment for a space', 'SELECT--\n1'),
  write('PG-02 nested comment', '/* a /* b */ SELECT 1 */ DELETE FROM t WHERE a = 0'),
  write('PG-03 CR ends a comment', '-- x\rDELETE FROM t WHERE a = 0'),
  read('PG-04 U+2028 does not', 'SELECT 1 --\u2028DELETE FROM t'),
  read('PG-05 dollar quotes', 'SELECT $$; DROP TABLE t; $$'),
  ddl('PG-06 tagged dollar quotes', 'SELECT $a$ $$ ; $a$; DROP TABLE t', {
    simpleOnly: 'two statements',
  }),
  read('PG-07 escape string', "SELECT E'\\'; DROP TABLE t; --'"),
  ddl('PG-08 standard string', "SELECT '\\'; DROP TABLE t; --'", { simpleOnly: 'two statements' }),
  dangerous('PG-09 strings redefined', 'SET standard_conforming_strings=off'),
  dangerous('PG-10 client_encoding', "SET client_encoding='SJIS'"),
  dangerous('PG-10 SET NAMES', "SET NAMES 'SJIS'"),
  askable('PG-11 Unicode identifier', 'SELECT U&"\\0070g_sleep"(0)'),
  askable('PG-11 with UESCAPE', `SELECT U&"!0070g_sleep" UESCAPE '!' (0)`),
  dangerous('PG-12 comments in a name', "SELECT pg_catalog/**/./**/pg_read_file/**/('x')"),
  dangerous('PG-12 quoted name', `SELECT "pg_catalog"."pg_read_file"('x')`),
  write('PG-13 form feed', 'DELETE\fFROM t WHERE a = 0'),
  write('PG-13 vertical tab', 'DELETE\vFROM t WHERE a = 0'),
  invalid('PG-14 full-width letters', 'ＤＥＬＥＴＥ FROM t'),
  invalid('PG-14 NBSP', 'DELETE\u00a0FROM t'),
  invalid('PG-14 zero-width space', 'DELETE\u200bFROM t'),
  read('PG-15 quoted case', 'SELECT * FROM "Users"'),
  read('PG-15 folded case', 'SELECT * FROM USERS'),
  invalid('PG-16 invalid UTF-8', Buffer.from([...Buffer.from("SELECT '"), 0xc3, 0x28, 0x27])),
  unknown('PG-16 over the cap', `SELECT '${'x'.repeat(300_000)}'`, { never: true }),
  write('PG-17 second statement', 'SELECT 1; DELETE FROM t WHERE a = 0', {
    simpleOnly: 'two statements',
  }),
  control('PG-18 nothing but semicolons', ';;', { simpleOnly: 'Parse takes no semicolons alone' }),
  control('PG-18 nothing but a comment', '/* nothing */'),
  invalid('PG-19 open quote', "SELECT 'x"),
  invalid('PG-19 open comment', '/* SELECT 1'),
  invalid('PG-19 open dollar quote', 'SELECT $a$ x'),
  invalid('PG-19 psql command', '\\copy t from x'),
  invalid('PG-19 psql variable', 'SELECT :x'),
  unknown('PG-20 ten thousand terms', `SELECT ${'1+'.repeat(9_999)}1`),
]

const HIDDEN = [
  write('PG-21 CTE', 'WITH d AS (DELETE FROM t WHERE a = 0 RETURNING *) SELECT * FROM d'),
  ddl('PG-22 SELECT INTO', 'SELECT a INTO made FROM t'),
  ddl('PG-22 CREATE TABLE AS', 'CREATE TABLE made AS SELECT a FROM t'),
  unknown('PG-22 CREATE TABLE AS EXECUTE', 'CREATE TABLE made AS EXECUTE p'),
  ddl('PG-22 matview', 'CREATE MATERIALIZED VIEW made AS SELECT a FROM t'),
  write('PG-23 FOR UPDATE', 'SELECT a FROM t FOR UPDATE'),
  write('PG-23 FOR KEY SHARE', 'SELECT a FROM t FOR KEY SHARE'),
  read('PG-24 TABLE', 'TABLE t'),
  unknown('PG-24 VALUES of a function', 'VALUES (f())'),
  write('PG-25 EXPLAIN ANALYZE', 'EXPLAIN ANALYZE DELETE FROM t WHERE a = 0'),
  write('PG-25 quoted option', 'EXPLAIN ("analyze") DELETE FROM t WHERE a = 0'),
  write('PG-25 last wins', 'EXPLAIN (ANALYZE false, ANALYZE true) DELETE FROM t WHERE a = 0'),
  read('PG-25 last wins the other way', 'EXPLAIN (ANALYZE true, ANALYZE off) DELETE FROM t'),
  write('PG-25 number', 'EXPLAIN (ANALYZE 1) DELETE FROM t WHERE a = 0'),
  write('PG-25 word', 'EXPLAIN (ANALYZE on) DELETE FROM t WHERE a = 0'),
  read('PG-26 plain EXPLAIN', 'EXPLAIN SELECT * FROM t WHERE a = 1'),
  unknown('PG-26 functions run when planned', 'EXPLAIN SELECT * FROM t WHERE a = f()'),
  unknown('PG-27 EXPLAIN EXECUTE', 'EXPLAIN EXECUTE p'),
  unknown('PG-28 PREPARE', 'PREPARE p AS DELETE FROM t'),
  unknown('PG-28 EXECUTE', 'EXECUTE p'),
  unknown('PG-28 DEALLOCATE', 'DEALLOCATE ALL'),
  unknown('PG-29 DO', "DO $$ BEGIN EXECUTE 'dr'||'op table t'; END $$"),
  unknown('PG-29 DO in Python', 'DO LANGUAGE plpython3u $$ import os $$'),
  of('unknown', 'D', 'P')('PG-30 CALL', 'CALL pr()'),
  write(
    'PG-31 MERGE',
    'MERGE INTO t USING users u ON t.a = u.id AND t.a = 0 WHEN MATCHED THEN DELETE',
  ),
  write(
    'PG-32 ON CONFLICT',
    "INSERT INTO t VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET x = 'one'",
  ),
  write('PG-32 INSERT SELECT', 'INSERT INTO t SELECT id + 900, name FROM users WHERE id = 0'),
  whole('PG-33 DELETE of the whole', 'DELETE FROM t'),
  whole('PG-33 UPDATE of the whole', "UPDATE t SET x = 'y'"),
  whole('PG-33 WHERE true', 'DELETE FROM t WHERE true'),
  whole('PG-33 WHERE 1=1', 'DELETE FROM t WHERE 1=1'),
  ddl('PG-34 TRUNCATE', 'TRUNCATE t'),
  ddl('PG-34 DROP', 'DROP TABLE t'),
  of('unknown', 'D', 'P')('PG-34 DEFAULT f()', 'ALTER TABLE t ADD COLUMN made int DEFAULT f()'),
  ddl('PG-34 DEFAULT of a constant', 'ALTER TABLE t ADD COLUMN made int DEFAULT 1'),
  ddl('PG-35 REFRESH', 'REFRESH MATERIALIZED VIEW mv'),
  askable('PG-35 VACUUM FULL', 'VACUUM FULL t'),
  ddl('PG-35 CLUSTER', 'CLUSTER t USING t_pkey'),
  ddl('PG-35 REINDEX', 'REINDEX TABLE t'),
  ddl('PG-35 ANALYZE', 'ANALYZE t'),
  askable('PG-35 CHECKPOINT', 'CHECKPOINT'),
  read('PG-36 DECLARE', 'DECLARE c CURSOR FOR SELECT a FROM t'),
  unknown('PG-36 DECLARE of a function', 'DECLARE c CURSOR FOR SELECT f()'),
  write('PG-36 WITH HOLD', 'DECLARE c CURSOR WITH HOLD FOR SELECT a FROM t'),
  read('PG-36 FETCH', 'FETCH ALL FROM c'),
  read('PG-36 MOVE', 'MOVE 1 FROM c'),
  askable('PG-37 LOCK', 'LOCK TABLE t'),
  dangerous('PG-38 PREPARE TRANSACTION', "PREPARE TRANSACTION 'g'"),
  dangerous('PG-38 COMMIT PREPARED', "COMMIT PREPARED 'g'"),
  of('session-control', 'D', 'P')('PG-39 LISTEN', 'LISTEN ch'),
  of('session-control', 'D', 'P')('PG-39 NOTIFY', "NOTIFY ch, 'x'"),
  of('session-control', 'D', 'P')('PG-39 UNLISTEN', 'UNLISTEN ch'),
  askable('PG-39 pg_notify', "SELECT pg_notify('ch', x) FROM t"),
  ddl('PG-40 COMMENT', "COMMENT ON TABLE t IS 'x'"),
  ddl('PG-40 SECURITY LABEL', "SECURITY LABEL ON TABLE t IS 'x'"),
]

const FUNCTIONS = [
  dangerous('PG-41 terminate', 'SELECT pg_terminate_backend(1)'),
  dangerous('PG-41 cancel', 'SELECT pg_cancel_backend(1)'),
  ...['lo_import(1::text)', "lo_export(1, '/x')", "lo_from_bytea(0, '')", 'lo_unlink(1)'].map(
    (call) => dangerous(`PG-42 ${call}`, `SELECT ${call}`),
  ),
  dangerous('PG-42 lo_put', "SELECT lo_put(1, 0, 'x')"),
  dangerous('PG-42 pg_largeobject', 'SELECT * FROM pg_largeobject'),
  ...[
    "pg_read_file('x')",
    "pg_read_binary_file('x')",
    "pg_ls_dir('.')",
    "pg_stat_file('x')",
    'pg_hba_file_rules()',
    'pg_current_logfile()',
  ].map((call) => dangerous(`PG-43 ${call}`, `SELECT ${call}`)),
  write('PG-44 nextval', "SELECT nextval('seq')"),
  dangerous('PG-44 setval', "SELECT setval('seq', 1)"),
  dangerous('PG-44 set_config', "SELECT set_config('x.y', 'z', false)"),
  dangerous('PG-45 dblink', "SELECT * FROM dblink('', 'select 1') AS d(a int)", NOT_THERE),
  dangerous('PG-45 CREATE SERVER', 'CREATE SERVER s FOREIGN DATA WRAPPER w'),
  dangerous('PG-45 CREATE USER MAPPING', 'CREATE USER MAPPING FOR somebody SERVER s'),
  dangerous('PG-45 CREATE FOREIGN TABLE', 'CREATE FOREIGN TABLE ft (a int) SERVER s'),
  dangerous('PG-45 CREATE SUBSCRIPTION', "CREATE SUBSCRIPTION z CONNECTION '' PUBLICATION p"),
  dangerous('PG-45 IMPORT FOREIGN SCHEMA', 'IMPORT FOREIGN SCHEMA x FROM SERVER s INTO public'),
  ...[
    "query_to_xml('select 1', true, true, '')",
    "table_to_xml('t', true, true, '')",
    "database_to_xml(true, true, '')",
    "cursor_to_xml('c', 1, true, true, '')",
    "ts_stat('select to_tsvector(x) from t')",
    "ts_rewrite('a'::tsquery, 'select a from t')",
  ].map((call) => dangerous(`PG-46 ${call.split('(')[0] ?? ''}`, `SELECT ${call}`)),
  dangerous('PG-46 crosstab', "SELECT crosstab('select 1')", NOT_THERE),
  dangerous('PG-46 xpath_table', "SELECT xpath_table('a', 'b', 'c', 'd', 'e')", NOT_THERE),
  dangerous('PG-47 pg_sleep', 'SELECT pg_sleep(0)'),
  dangerous('PG-47 pg_sleep_for', "SELECT pg_sleep_for('0')"),
  dangerous('PG-47 advisory lock', 'SELECT pg_advisory_lock(1)'),
  ...[
    'pg_reload_conf()',
    'pg_rotate_logfile()',
    'pg_switch_wal()',
    "pg_create_restore_point('x')",
    "pg_create_physical_replication_slot('x')",
    "pg_drop_replication_slot('x')",
    'pg_promote()',
    "pg_logical_emit_message(true, 'a', 'b')",
    'pg_stat_reset()',
  ].map((call) => dangerous(`PG-48 ${call.split('(')[0] ?? ''}`, `SELECT ${call}`)),
  unknown('PG-49 a column that is a function', 'SELECT u.g FROM users u'),
  read('PG-49 a column that is one', 'SELECT u.name FROM users u'),
  unknown('PG-51 operator', 'SELECT 1 OPERATOR(public.<+>) 2'),
  unknown('PG-51 domain', 'SELECT 1::checked'),
  unknown('PG-51 TABLESAMPLE', 'SELECT * FROM t TABLESAMPLE smp(1)'),
  unknown('PG-51 aggregate', 'SELECT total(a) FROM t'),
  unknown('PG-51 FILTER', 'SELECT count(*) FILTER (WHERE f() = 1) FROM t'),
  unknown('PG-51 ORDER BY in an aggregate', 'SELECT array_agg(a ORDER BY f()) FROM t'),
  unknown('PG-51 OVER', 'SELECT count(*) OVER (ORDER BY f()) FROM t'),
  dangerous('PG-52 LOAD', "LOAD 'x'"),
  dangerous('PG-52 CREATE EXTENSION', 'CREATE EXTENSION hstore'),
  dangerous('PG-52 CREATE FUNCTION', "CREATE FUNCTION h() RETURNS int LANGUAGE sql AS 'select 1'"),
  dangerous('PG-52 CREATE CAST', 'CREATE CAST (int AS text) WITH INOUT'),
  dangerous('PG-52 CREATE OPERATOR', 'CREATE OPERATOR ## (leftarg = int, function = plus)'),
  dangerous('PG-52 CREATE AGGREGATE', 'CREATE AGGREGATE h(int) (sfunc = plus, stype = int)'),
  dangerous('PG-52 CREATE RULE', 'CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING'),
  dangerous(
    'PG-52 CREATE TRIGGER',
    'CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()',
  ),
  dangerous(
    'PG-52 CREATE EVENT TRIGGER',
    'CREATE EVENT TRIGGER r ON ddl_command_end EXECUTE FUNCTION f()',
  ),
  dangerous('PG-52 CREATE POLICY', 'CREATE POLICY r ON t'),
  dangerous('PG-53 TO PROGRAM', "COPY t TO PROGRAM 'x'"),
  dangerous('PG-53 FROM PROGRAM', "COPY t FROM PROGRAM 'x'"),
  dangerous('PG-53 TO a file', "COPY t TO '/f'"),
  dangerous('PG-53 FROM a file', "COPY t FROM '/f'"),
  read('PG-54 COPY TO STDOUT', 'COPY t TO STDOUT'),
  read('PG-54 COPY of a query', 'COPY (SELECT a FROM t) TO STDOUT'),
  read('PG-54 COPY BINARY', 'COPY t TO STDOUT (FORMAT binary)'),
  write('PG-55 COPY of a DELETE', 'COPY (DELETE FROM t WHERE a = 0 RETURNING *) TO STDOUT'),
  write('PG-56 COPY FROM STDIN', 'COPY t FROM STDIN'),
]

const SESSION = [
  privilege('PG-57 SET ROLE', 'SET ROLE somebody'),
  privilege('PG-57 SET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION somebody'),
  privilege('PG-57 SET "role"', 'SET "role" TO somebody'),
  privilege('PG-57 SET LOCAL ROLE', 'SET LOCAL ROLE somebody'),
  privilege('PG-57 RESET ROLE', 'RESET ROLE'),
  privilege('PG-57 SET ROLE NONE', 'SET ROLE NONE'),
  dangerous('PG-57 set_config', "SELECT set_config('role', 'somebody', false)"),
  privilege('PG-59 search_path', 'SET search_path TO x'),
  privilege('PG-59 SET SCHEMA', "SET SCHEMA 'x'"),
  privilege('PG-59 ALTER ROLE SET', 'ALTER ROLE CURRENT_USER SET search_path TO x'),
  privilege('PG-59 ALTER DATABASE SET', 'ALTER DATABASE x SET search_path TO x'),
  ...[
    'SET TRANSACTION READ WRITE',
    'BEGIN READ WRITE',
    'START TRANSACTION READ WRITE',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE',
    'SET default_transaction_read_only TO off',
    'COMMIT AND CHAIN',
  ].map((sql) => of('session-control', 'D', 'A')(`PG-60 ${sql}`, sql)),
  ...[
    'SET statement_timeout=0',
    'SET lock_timeout=0',
    'SET idle_in_transaction_session_timeout=0',
    'SET row_security=off',
    'SET session_replication_role=replica',
    'SET log_statement=none',
    'RESET ALL',
    'DISCARD ALL',
    "UPDATE pg_settings SET setting='0' WHERE name='statement_timeout'",
  ].map((sql) => dangerous(`PG-61 ${sql}`, sql)),
  control('PG-61 a benign name', "SET application_name TO 'x'"),
  control('PG-61 a zone', "SET TIME ZONE 'UTC'"),
  ...[
    'GRANT SELECT ON t TO somebody',
    'REVOKE SELECT ON t FROM somebody',
    'GRANT somebody TO warder',
    'CREATE ROLE x',
    "ALTER USER somebody PASSWORD 'x'",
    'REASSIGN OWNED BY somebody TO warder',
    'DROP OWNED BY somebody',
    'ALTER TABLE t OWNER TO somebody',
    'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO somebody',
    'ALTER TABLE t DISABLE ROW LEVEL SECURITY',
  ].map((sql) => privilege(`PG-62 ${sql}`, sql)),
  dangerous('PG-63 ALTER SYSTEM', 'ALTER SYSTEM SET log_statement=none'),
  dangerous('PG-63 DROP DATABASE', 'DROP DATABASE x'),
  dangerous('PG-63 CREATE TABLESPACE', "CREATE TABLESPACE x LOCATION '/x'"),
  ddl('PG-64 temporary table', 'CREATE TEMP TABLE users (ssn text)'),
  ddl('PG-64 temporary view', 'CREATE TEMP VIEW users AS SELECT 1 AS ssn'),
  read('PG-65 SHOW', 'SHOW server_version'),
  control('PG-65 SHOW ALL', 'SHOW ALL'),
  control('PG-65 current_setting', "SELECT current_setting('server_version')"),
  dangerous('PG-65 stash', "SELECT set_config('x.y', x, false) FROM t"),
  dangerous('PG-90 pg_stat_activity', 'SELECT query FROM pg_stat_activity'),
  dangerous('PG-90 pg_authid', 'SELECT * FROM pg_authid'),
  dangerous('PG-90 pg_shadow', 'SELECT * FROM pg_shadow'),
  dangerous('PG-90 pg_prepared_statements', 'SELECT * FROM pg_prepared_statements'),
  dangerous('PG-90 pg_cursors', 'SELECT * FROM pg_cursors'),
  dangerous('PG-90 pg_user_mappings', 'SELECT * FROM pg_user_mappings'),
  dangerous('PG-89 pg_stats', 'SELECT * FROM pg_stats'),
  dangerous('PG-89 pg_statistic', 'SELECT * FROM pg_statistic'),
]

/** The corpus. */
export const CORPUS: readonly CorpusCase[] = [...LEXICAL, ...HIDDEN, ...FUNCTIONS, ...SESSION]

/**
 * What a role gets. The matrix leaves W a choice (D or P) for what is dangerous or unknown: *strict*
 * denies it, *standard* asks, unless people could not see what would run.
 */
export function expectedOf(one: CorpusCase, role: TestRole): Decision {
  if (role === 'reader') return one.stricter?.reader ?? one.reader
  const decision = one.stricter?.writer ?? one.writer
  const isOpen = one.effect === 'dangerous' || one.effect === 'unknown'
  if (!isOpen) return decision
  if (one.never === true) return 'D'
  return role === 'writer-strict' ? 'D' : 'P'
}
