import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StatementFacts } from '../../../../../proxy/postgres/sql/facts.js'
import { ParserPool } from '../../../../../proxy/postgres/sql/parser.js'
import { compiledWorkerUrl } from './compiled-worker.js'

let parser: ParserPool

beforeAll(async () => {
  parser = new ParserPool({ workerUrl: compiledWorkerUrl() })
  await parser.ready()
})
afterAll(() => parser.close())

async function factsOf(text: string): Promise<readonly StatementFacts[]> {
  const facts = await parser.facts(text)
  if (facts.outcome !== 'facts') expect.fail(`${text}: ${JSON.stringify(facts)}`)
  return facts.statements
}

async function onlyFactsOf(text: string): Promise<StatementFacts> {
  const [only, ...others] = await factsOf(text)
  if (only === undefined || others.length > 0) expect.fail(`${text} is not one statement`)
  return only
}

const relations = (facts: StatementFacts) =>
  facts.relations.map(({ schema, name, access }) =>
    [access, schema === undefined ? name : `${schema}.${name}`].join(' '),
  )

const said = async (text: string) =>
  (await factsOf(text)).map(({ kind, effect }) => `${kind} ${effect}`).join(', ')

// The corpus of evasions, as far as a statement's own shape decides.
test.each([
  ['PG-01 comment for space', 'SELECT/**/1', 'select read'],
  ['PG-01 line comment', 'SELECT--\n1', 'select read'],
  ['PG-02 nested comment', '/* a /* b */ SELECT 1 */ DELETE FROM t', 'delete write'],
  ['PG-03 CR ends a comment', '-- x\rDELETE FROM t', 'delete write'],
  ['PG-04 U+2028 does not', 'SELECT 1 --\u2028DELETE FROM t', 'select read'],
  ['PG-05 dollar quote', 'SELECT $$; DROP TABLE t; $$', 'select read'],
  ['PG-06 tagged quote', 'SELECT $a$ $$ ; $a$; DROP TABLE t', 'select read, drop-table ddl'],
  ['PG-07 E string', "SELECT E'\\'; DROP TABLE t; --'", 'select read'],
  ['PG-08 plain string', "SELECT '\\'; DROP TABLE t; --'", 'select read, drop-table ddl'],
  ['PG-09', 'SET standard_conforming_strings=off', 'set dangerous'],
  ['PG-10', "SET client_encoding='SJIS'", 'set dangerous'],
  ['PG-10', "SET NAMES 'LATIN1'", 'set dangerous'],
  ['PG-13 form feed', 'DELETE\fFROM t', 'delete write'],
  ['PG-17 two statements', 'SELECT 1; DELETE FROM t', 'select read, delete write'],
  ['PG-21 CTE', 'WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d', 'select write'],
  ['PG-22', 'SELECT a INTO x FROM t', 'select-into ddl'],
  ['PG-22 union', 'SELECT a INTO x FROM t UNION SELECT 1', 'select-into ddl'],
  ['PG-22', 'CREATE TABLE x AS SELECT 1', 'create-table-as ddl'],
  ['PG-22', 'CREATE TABLE x AS EXECUTE p', 'create-table-as unknown'],
  ['PG-22', 'CREATE MATERIALIZED VIEW x AS SELECT 1', 'create-materialized-view ddl'],
  ['PG-23', 'SELECT * FROM t FOR UPDATE', 'select write'],
  ['PG-23', 'SELECT * FROM (SELECT * FROM t FOR KEY SHARE) s', 'select write'],
  ['PG-24', 'TABLE t', 'select read'],
  ['PG-24', 'VALUES (f())', 'select read'],
  ['PG-25', 'EXPLAIN ANALYZE DELETE FROM t', 'explain-analyze write'],
  ['PG-25', 'EXPLAIN ("analyze") DELETE FROM t', 'explain-analyze write'],
  ['PG-25', 'EXPLAIN (ANALYZE false, ANALYZE true) DELETE FROM t', 'explain-analyze write'],
  ['PG-25', 'EXPLAIN (ANALYZE true, ANALYZE false) DELETE FROM t', 'explain read'],
  ['PG-25', 'EXPLAIN (ANALYZE 1) DELETE FROM t', 'explain-analyze write'],
  ['PG-25', 'EXPLAIN (ANALYZE ON) DELETE FROM t', 'explain-analyze write'],
  ['PG-25', 'EXPLAIN (ANALYZE maybe) DELETE FROM t', 'explain unknown'],
  ['PG-25', 'EXPLAIN (ANALYZE 0) DELETE FROM t', 'explain read'],
  ['PG-26', 'EXPLAIN (VERBOSE, FORMAT json) SELECT 1', 'explain read'],
  ['PG-26 option not known', 'EXPLAIN (NEWOPTION) SELECT 1', 'explain unknown'],
  ['PG-27', 'EXPLAIN EXECUTE p', 'explain unknown'],
  ['PG-28', 'PREPARE p AS DELETE FROM t', 'prepare unknown'],
  ['PG-28', 'EXECUTE p', 'execute unknown'],
  ['PG-28', 'DEALLOCATE p', 'deallocate unknown'],
  ['PG-29', "DO $$ begin execute 'dr'||'op table t'; end $$", 'do unknown'],
  ['PG-30', 'CALL p()', 'call unknown'],
  ['PG-31', 'MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE', 'merge write'],
  ['PG-32', 'INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2', 'insert write'],
  ['PG-34', 'TRUNCATE t', 'truncate ddl'],
  ['PG-34', 'ALTER TABLE t ADD COLUMN a int DEFAULT f()', 'alter-table ddl'],
  ['PG-35', 'REFRESH MATERIALIZED VIEW m', 'refresh-materialized-view ddl'],
  ['PG-35', 'VACUUM FULL t', 'vacuum-full dangerous'],
  ['PG-35', 'VACUUM t', 'vacuum ddl'],
  ['PG-35', 'ANALYZE t', 'analyze ddl'],
  ['PG-35', 'CLUSTER t', 'cluster ddl'],
  ['PG-35', 'REINDEX TABLE t', 'reindex ddl'],
  ['PG-35', 'REINDEX DATABASE d', 'reindex dangerous'],
  ['PG-35', 'CHECKPOINT', 'checkpoint dangerous'],
  ['PG-36', 'DECLARE c CURSOR FOR SELECT 1', 'declare-cursor read'],
  ['PG-36', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'declare-cursor write'],
  ['PG-36', 'FETCH ALL FROM c', 'fetch read'],
  ['PG-36', 'MOVE c', 'move-cursor read'],
  ['PG-36', 'CLOSE c', 'close-cursor session-control'],
  ['PG-37', 'LOCK TABLE t', 'lock-table dangerous'],
  ['PG-38', "PREPARE TRANSACTION 'g'", 'prepare-transaction dangerous'],
  ['PG-38', "COMMIT PREPARED 'g'", 'commit-prepared dangerous'],
  ['PG-39', 'LISTEN a', 'listen session-control'],
  ['PG-39', "NOTIFY a, 'ssn'", 'notify session-control'],
  ['PG-40', "COMMENT ON TABLE t IS 'x'", 'comment ddl'],
  ['PG-40', "SECURITY LABEL ON TABLE t IS 'x'", 'security-label ddl'],
  ['PG-45', 'CREATE SERVER s FOREIGN DATA WRAPPER f', 'create-server dangerous'],
  ['PG-45', 'CREATE USER MAPPING FOR u SERVER s', 'create-user-mapping dangerous'],
  ['PG-45', 'CREATE FOREIGN TABLE t (a int) SERVER s', 'create-foreign-table dangerous'],
  ['PG-45', "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", 'create-subscription dangerous'],
  ['PG-45', 'IMPORT FOREIGN SCHEMA a FROM SERVER s INTO b', 'import-foreign-schema dangerous'],
  ['PG-52', "LOAD 'x'", 'load dangerous'],
  ['PG-52', 'CREATE EXTENSION dblink', 'create-extension dangerous'],
  [
    'PG-52',
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'",
    'create-function dangerous',
  ],
  ['PG-52', 'CREATE CAST (a AS b) WITHOUT FUNCTION', 'create-cast dangerous'],
  ['PG-52', 'CREATE OPERATOR + (leftarg = a, rightarg = a, function = f)', 'define dangerous'],
  ['PG-52', 'CREATE RULE r AS ON INSERT TO t DO NOTHING', 'create-rule dangerous'],
  ['PG-52', 'CREATE TRIGGER r BEFORE INSERT ON t EXECUTE FUNCTION f()', 'create-trigger dangerous'],
  ['PG-52', 'CREATE POLICY p ON t', 'create-policy dangerous'],
  ['PG-53', "COPY t TO PROGRAM 'x'", 'copy-to-program dangerous'],
  ['PG-53', "COPY t FROM PROGRAM 'x'", 'copy-from-program dangerous'],
  ['PG-53', "COPY t TO '/f'", 'copy-file dangerous'],
  ['PG-53', "COPY t FROM '/f'", 'copy-file dangerous'],
  ['PG-54', 'COPY t TO STDOUT', 'copy-to-stdout read'],
  ['PG-54', 'COPY t TO STDOUT (FORMAT binary)', 'copy-to-stdout read'],
  ['PG-54 other encoding', "COPY t TO STDOUT (ENCODING 'SJIS')", 'copy-to-stdout unknown'],
  ['PG-55', 'COPY (DELETE FROM t RETURNING *) TO STDOUT', 'copy-to-stdout write'],
  ['PG-56', 'COPY t FROM STDIN', 'copy-from-stdin write'],
  ['PG-57', 'SET ROLE x', 'set privilege'],
  ['PG-57', 'SET ROLE NONE', 'set privilege'],
  ['PG-57', 'SET LOCAL ROLE x', 'set privilege'],
  ['PG-57', 'SET "role" TO x', 'set privilege'],
  ['PG-57', 'SET "ROLE" TO x', 'set privilege'],
  ['PG-57', 'RESET ROLE', 'reset privilege'],
  ['PG-57', 'SET SESSION AUTHORIZATION x', 'set privilege'],
  ['PG-57', 'RESET SESSION AUTHORIZATION', 'reset privilege'],
  ['PG-59', 'SET search_path = evil', 'set privilege'],
  ['PG-59', "SET SCHEMA 'evil'", 'set privilege'],
  ['PG-59', 'ALTER ROLE CURRENT_USER SET search_path = evil', 'alter-role privilege'],
  ['PG-59', 'ALTER DATABASE d SET search_path = evil', 'alter-database-set privilege'],
  ['PG-60', 'BEGIN READ WRITE', 'set-transaction-read-write session-control'],
  ['PG-60', 'START TRANSACTION READ WRITE', 'set-transaction-read-write session-control'],
  ['PG-60', 'SET TRANSACTION READ WRITE', 'set-transaction-read-write session-control'],
  [
    'PG-60',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE',
    'set-transaction-read-write session-control',
  ],
  [
    'PG-60',
    'SET default_transaction_read_only = off',
    'set-transaction-read-write session-control',
  ],
  ['PG-60', 'RESET default_transaction_read_only', 'set-transaction-read-write session-control'],
  ['PG-60', 'SET transaction_read_only = 0', 'set-transaction-read-write session-control'],
  ['PG-60', 'SET default_transaction_read_only = on', 'set session-control'],
  ['PG-60', 'COMMIT AND CHAIN', 'commit-and-chain session-control'],
  ['PG-60', 'BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY', 'begin session-control'],
  ['PG-61', 'SET statement_timeout = 0', 'set dangerous'],
  ['PG-61', 'SET row_security = off', 'set dangerous'],
  ['PG-61', 'SET session_replication_role = replica', 'set dangerous'],
  ['PG-61', "SET my.stash = 'x'", 'set dangerous'],
  ['PG-61', 'RESET ALL', 'reset-all dangerous'],
  ['PG-61', 'DISCARD ALL', 'discard-all dangerous'],
  ['PG-61 snapshot', "SET TRANSACTION SNAPSHOT 'x'", 'set-transaction dangerous'],
  ['PG-61 benign', "SET application_name = 'x'", 'set session-control'],
  ['PG-61 benign', "SET TIME ZONE INTERVAL '2' HOUR", 'set session-control'],
  ['PG-61 benign', 'SET TIME ZONE -3', 'set session-control'],
  ['PG-61 benign', 'SET DateStyle = ISO, MDY', 'set session-control'],
  ['PG-61 benign', "SET client_encoding = 'UTF8'", 'set session-control'],
  ['PG-61 pinned', 'RESET client_encoding', 'reset dangerous'],
  ['PG-61 pinned', 'SET standard_conforming_strings = on', 'set session-control'],
  ['PG-61 pinned', 'SET standard_conforming_strings TO DEFAULT', 'reset dangerous'],
  ['PG-62', 'GRANT SELECT ON t TO u', 'grant privilege'],
  ['PG-62', 'REVOKE SELECT ON t FROM u', 'revoke privilege'],
  ['PG-62', 'GRANT a TO b', 'grant-role privilege'],
  ['PG-62', 'CREATE ROLE r', 'create-role privilege'],
  ['PG-62', "ALTER USER u PASSWORD 'x'", 'alter-role privilege'],
  ['PG-62', 'REASSIGN OWNED BY a TO b', 'reassign-owned privilege'],
  ['PG-62', 'DROP OWNED BY a', 'drop-owned privilege'],
  ['PG-62', 'ALTER TABLE t OWNER TO x', 'alter-table privilege'],
  ['PG-62', 'ALTER SCHEMA s OWNER TO x', 'alter-owner privilege'],
  [
    'PG-62',
    'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO u',
    'alter-default-privileges privilege',
  ],
  ['PG-62', 'ALTER TABLE t DISABLE ROW LEVEL SECURITY', 'alter-table privilege'],
  ['PG-62', 'ALTER TABLE t DISABLE TRIGGER ALL', 'alter-table dangerous'],
  ['PG-62', 'DROP POLICY p ON t', 'drop-policy privilege'],
  ['PG-62', 'ALTER ROLE a RENAME TO b', 'rename privilege'],
  ['PG-63', 'ALTER SYSTEM SET a = 1', 'alter-system dangerous'],
  ['PG-63', 'DROP DATABASE d', 'drop-database dangerous'],
  ['PG-63', "CREATE TABLESPACE t LOCATION '/x'", 'create-tablespace dangerous'],
  ['PG-64', 'CREATE TEMP TABLE users (a int)', 'create-table ddl'],
  ['PG-64', 'CREATE TEMP VIEW users AS SELECT 1', 'create-view ddl'],
  ['PG-65', 'SHOW ALL', 'show session-control'],
  ['PG-65', 'SHOW x.y', 'show session-control'],
  ['PG-65', 'SHOW server_version', 'show read'],
])('%s: %s is %s', async (_, text, expected) => {
  expect(await said(text)).toBe(expected)
})

test.each([
  ['DROP FUNCTION f', 'drop-function dangerous'],
  ['DROP TRIGGER a ON t', 'drop-trigger dangerous'],
  ['DROP SCHEMA s CASCADE', 'drop-schema ddl'],
  ['DROP VIEW v', 'drop-view ddl'],
  ['CREATE AGGREGATE a (int) (sfunc = f, stype = int)', 'define dangerous'],
  ['CREATE COLLATION c FROM "C"', 'create-collation ddl'],
  ['CREATE SCHEMA s CREATE TABLE t (a int)', 'create-schema ddl'],
  ['CREATE SCHEMA s AUTHORIZATION x', 'create-schema privilege'],
  ['CREATE INDEX ON t (a)', 'create-index ddl'],
  ['CREATE SEQUENCE s', 'create-sequence ddl'],
  ["CREATE TYPE e AS ENUM ('a')", 'create-type ddl'],
  ['CREATE DOMAIN d AS int CHECK (value > 0)', 'create-domain ddl'],
  ['CREATE TYPE r AS RANGE (subtype = int)', 'create-range-type dangerous'],
  ['ALTER TABLE a RENAME TO b', 'rename ddl'],
  ['ALTER TABLE a SET SCHEMA b', 'set-schema ddl'],
  ['ALTER FUNCTION f() RENAME TO g', 'rename dangerous'],
  ['ALTER FUNCTION f() SECURITY DEFINER', 'alter-function dangerous'],
  ['ALTER EXTENSION e UPDATE', 'alter-extension dangerous'],
  ['SET CONSTRAINTS ALL DEFERRED', 'set-constraints session-control'],
  ['SAVEPOINT a', 'savepoint session-control'],
  ['ROLLBACK TO a', 'rollback-to-savepoint session-control'],
  ['DISCARD TEMP', 'discard session-control'],
])('%s is %s', async (text, expected) => {
  expect(await said(text)).toBe(expected)
})

test.each([
  ['DELETE FROM t', true],
  ['DELETE FROM t WHERE true', true],
  ['DELETE FROM t WHERE 1 = 1', true],
  ['DELETE FROM t WHERE a = a', true],
  ['DELETE FROM t WHERE a = 1 OR true', true],
  ['DELETE FROM t WHERE NOT false', true],
  ['DELETE FROM t WHERE $1', true],
  ['UPDATE t SET a = 1', true],
  ['WITH d AS (DELETE FROM t) SELECT 1', true],
  ['DELETE FROM t WHERE a = 1', false],
  ['DELETE FROM t WHERE a = $1 AND true', false],
  ['DELETE FROM t WHERE CURRENT OF c', false],
  ['DELETE FROM t USING u WHERE t.a = u.a', false],
])('%s is without a WHERE that holds: %s', async (text, expected) => {
  expect((await onlyFactsOf(text)).traits.includes('without-where')).toBe(expected)
})

// Bare nodes, which walkers that look for a RangeVar key miss.
test.each([
  ['INSERT INTO a.t SELECT * FROM u', ['write a.t', 'read u']],
  ['UPDATE t SET x = (SELECT 1 FROM u)', ['write t', 'read u']],
  ['DELETE FROM t USING u WHERE t.a = u.a', ['write t', 'read u']],
  ['MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE', ['write t', 'read u']],
  ['COPY t FROM STDIN', ['write t']],
  ['COPY (SELECT * FROM t) TO STDOUT', ['read t']],
  ['CREATE TABLE x (LIKE t)', ['create x', 'read t']],
  ['CREATE TABLE x PARTITION OF t DEFAULT', ['create x', 'write t']],
  ['CREATE TABLE x (a int REFERENCES t)', ['create x', 'read t']],
  ['CREATE VIEW v AS SELECT * FROM t', ['create v', 'read t']],
  ['CREATE INDEX i ON t (a)', ['write t']],
  ['ALTER TABLE p ATTACH PARTITION t DEFAULT', ['write p', 'write t', 'read t']],
  ['ALTER TABLE t INHERIT p', ['write t', 'write p', 'read p']],
  ['TRUNCATE a, b', ['write a', 'write b']],
  ['DROP TABLE a, s.b', ['write a', 'write s.b']],
  ['LOCK a, b', ['write a', 'write b']],
  ['VACUUM a', ['write a']],
  ['GRANT SELECT ON a TO b', ['write a']],
  ['CREATE TRIGGER x BEFORE INSERT ON t EXECUTE FUNCTION f()', ['write t']],
  [
    'SELECT 1 FROM a, LATERAL (SELECT 1 FROM b) s JOIN c ON EXISTS (SELECT 1 FROM d)',
    ['read a', 'read b', 'read c', 'read d'],
  ],
  ['SELECT 1 FROM a TABLESAMPLE system (1)', ['read a']],
  ['SELECT * FROM a FOR UPDATE OF a', ['read a']],
  [
    'SELECT ARRAY(SELECT 1 FROM a), (SELECT 1 FROM b) UNION SELECT 1 FROM c',
    ['read a', 'read b', 'read c'],
  ],
  ['SELECT JSON_ARRAY(SELECT 1 FROM a)', ['read a']],
  ['CREATE TEMP TABLE x (a int)', ['create pg_temp.x']],
])('%s touches %j', async (text, expected) => {
  expect(relations(await onlyFactsOf(text)).toSorted()).toEqual(expected.toSorted())
})

test.each([
  ['WITH t AS (SELECT 1) SELECT * FROM t', []],
  ['WITH t AS (SELECT * FROM t) SELECT * FROM t', ['read t']],
  ['WITH RECURSIVE t AS (SELECT * FROM t) SELECT * FROM t', []],
  ['WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a', ['read b']],
  ['WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a', []],
  ['WITH t AS (SELECT 1) SELECT * FROM public.t', ['read public.t']],
  ['WITH t AS (SELECT 1) SELECT * FROM (SELECT * FROM t) s', []],
  ['SELECT * FROM (WITH t AS (SELECT 1) SELECT * FROM t) s, t', ['read t']],
  ['WITH t AS (SELECT 1) DELETE FROM t USING t AS u WHERE true', ['write t']],
  ['WITH t AS (SELECT 1) INSERT INTO t SELECT * FROM t', ['write t']],
  ['WITH t AS (SELECT 1) UPDATE t SET a = 1', ['write t']],
  ['WITH t AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM t', ['write t']],
  ['(WITH t AS (SELECT 1) SELECT * FROM t) UNION SELECT * FROM t', ['read t']],
  ['WITH t AS (SELECT 1) SELECT * FROM t UNION SELECT * FROM t', []],
  ['WITH t AS (SELECT 1) SELECT * FROM "T"', ['read T']],
])('%s leaves %j after its CTEs', async (text, expected) => {
  expect(relations(await onlyFactsOf(text))).toEqual(expected)
})

const functions = (facts: StatementFacts) =>
  facts.functions.map(
    ({ schema, name, argumentCount }) =>
      `${schema === undefined ? '' : `${schema}.`}${name}/${argumentCount}`,
  )

test.each([
  ['SELECT U&"\\0070g_sleep"(1)', ['pg_sleep/1']],
  ['SELECT U&"!0070g_sleep" UESCAPE \'!\' (1)', ['pg_sleep/1']],
  ["SELECT pg_catalog/**/./**/pg_read_file/**/('x')", ['pg_catalog.pg_read_file/1']],
  ['SELECT * FROM f(1), ROWS FROM (g(), h(2) AS (a int))', ['f/1', 'g/0', 'h/1']],
  ['SELECT 1 ORDER BY f(1)', ['f/1']],
  ['SELECT 1 LIMIT f()', ['f/0']],
  ['SELECT 1 OFFSET f()', ['f/0']],
  ['SELECT DISTINCT ON (f(1)) 1', ['f/1']],
  ['SELECT 1 GROUP BY ROLLUP (f(1))', ['f/1']],
  ['SELECT 1 HAVING f()', ['f/0']],
  [
    'SELECT max(a ORDER BY f(a)) FILTER (WHERE g(a)) OVER (PARTITION BY h(a))',
    ['max/1', 'f/1', 'g/1', 'h/1'],
  ],
  ['SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY f(a))', ['sum/1', 'f/1']],
  ['SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a)', ['percentile_cont/2']],
  ['SELECT f(VARIADIC ARRAY[g(1)])', ['f/1', 'g/1']],
  ['SELECT f(a => g(1))', ['f/1', 'g/1']],
  ['SELECT CASE WHEN f() THEN g() ELSE h() END', ['f/0', 'g/0', 'h/0']],
  ['SELECT COALESCE(f()), GREATEST(g()), NULLIF(h(), 1)', ['f/0', 'g/0', 'h/0']],
  ['SELECT (f()).a, (g())[h()]', ['f/0', 'g/0', 'h/0']],
  ['SELECT f() COLLATE "C", g()::text', ['f/0', 'g/0']],
  [
    'SELECT XMLELEMENT(NAME a, XMLATTRIBUTES(f() AS b), g()), XMLFOREST(h())',
    ['f/0', 'g/0', 'h/0'],
  ],
  ["SELECT * FROM XMLTABLE('x' PASSING f() COLUMNS a int DEFAULT g())", ['f/0', 'g/0']],
  [
    "SELECT JSON_VALUE(f(), '$' PASSING g() AS x DEFAULT h() ON EMPTY)",
    ['json_value/-1', 'f/0', 'g/0', 'h/0'],
  ],
  [
    'SELECT JSON_OBJECT(f(): g()), JSON_ARRAY(h())',
    ['json_object/-1', 'f/0', 'g/0', 'json_array/-1', 'h/0'],
  ],
  [
    'SELECT JSON_OBJECTAGG(f(): g()), JSON_ARRAYAGG(h() ORDER BY i())',
    ['json_objectagg/-1', 'f/0', 'g/0', 'json_arrayagg/-1', 'h/0', 'i/0'],
  ],
  [
    "SELECT * FROM JSON_TABLE(f(), '$' COLUMNS (a int PATH '$' DEFAULT g() ON EMPTY))",
    ['json_table/-1', 'f/0', 'g/0'],
  ],
  [
    'SELECT JSON(f()), JSON_SCALAR(g()), JSON_SERIALIZE(h())',
    ['json/-1', 'f/0', 'json_scalar/-1', 'g/0', 'json_serialize/-1', 'h/0'],
  ],
  ['SELECT f() IS JSON', ['f/0']],
  [
    'MERGE INTO t USING u ON f() WHEN MATCHED AND g() THEN UPDATE SET a = h() RETURNING merge_action()',
    ['f/0', 'g/0', 'h/0', 'merge_action/-1'],
  ],
  [
    'INSERT INTO t VALUES (f()) ON CONFLICT (g(a)) WHERE h() DO UPDATE SET a = i() WHERE j() RETURNING k()',
    ['f/0', 'g/1', 'h/0', 'i/0', 'j/0', 'k/0'],
  ],
  ['UPDATE t SET (a, b[f()]) = ROW(g(), h())', ['f/0', 'g/0', 'h/0']],
  ['SELECT 1 FROM t TABLESAMPLE public.m (f()) REPEATABLE (g())', ['public.m/1', 'f/0', 'g/0']],
  ['COPY t FROM STDIN WHERE f()', ['f/0']],
  [
    'CREATE TABLE t (a int DEFAULT f() CHECK (g(a)) GENERATED ALWAYS AS (h()) STORED)',
    ['f/0', 'g/1', 'h/0'],
  ],
  ['CREATE TABLE t (a int) PARTITION BY RANGE (f(a))', ['f/1']],
  ['CREATE INDEX ON t (f(a)) WHERE g(a)', ['f/1', 'g/1']],
  [
    'ALTER TABLE t ALTER a TYPE int USING f(a), ADD CHECK (g(a)), ALTER b SET DEFAULT h()',
    ['f/1', 'g/1', 'h/0'],
  ],
  ['CREATE DOMAIN d AS int CHECK (f(value))', ['f/1']],
  ['EXPLAIN SELECT f()', ['f/0']],
  ['DECLARE c CURSOR FOR SELECT f()', ['f/0']],
])('%s calls %j', async (text, expected) => {
  expect(functions(await onlyFactsOf(text)).toSorted()).toEqual(expected.toSorted())
})

test.each([
  ['SELECT 1 + 2', ['+/2']],
  ['SELECT - a', ['-/1']],
  ['SELECT 1 OPERATOR(public.+) 2', ['public.+/2']],
  ['SELECT a BETWEEN 1 AND 2', ['>=/2', '<=/2']],
  ['SELECT a NOT BETWEEN 1 AND 2', ['</2', '>/2']],
  ['SELECT a IN (1, 2), a = ANY (b)', ['=/2']],
  ['SELECT a IN (SELECT 1)', ['=/2']],
  ['SELECT a < ALL (SELECT 1)', ['</2']],
  ['SELECT a IS DISTINCT FROM b, NULLIF(a, b)', ['=/2']],
  ['SELECT CASE a WHEN 1 THEN 2 END', ['=/2']],
  ['SELECT 1 FROM a JOIN b USING (c)', ['=/2']],
  ['SELECT 1 FROM a NATURAL JOIN b', ['=/2']],
  ['SELECT a LIKE b, a ILIKE b, a SIMILAR TO b', ['~~/2', '~~*/2', '~/2']],
  ['SELECT a FROM t ORDER BY a USING OPERATOR(public.<)', ['public.</2']],
  ['CREATE TABLE t (EXCLUDE USING gist (a WITH public.&&))', ['public.&&/2']],
])('%s uses %j', async (text, expected) => {
  const { operators } = await onlyFactsOf(text)
  const names = operators.map(
    ({ schema, name, arity }) => `${schema === undefined ? '' : `${schema}.`}${name}/${arity}`,
  )
  expect(names.toSorted()).toEqual(expected.toSorted())
})

test.each([
  ["SELECT 'a'::public.d", 'public.d'],
  ["SELECT CAST('a' AS d)", 'd'],
  ["SELECT d 'a'", 'd'],
  ["SELECT '{}'::d[]", 'd'],
  ['SELECT * FROM f() AS (a d)', 'd'],
  ["SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a d PATH '$'))", 'd'],
  ["SELECT JSON_VALUE('{}', '$' RETURNING d)", 'd'],
  ["SELECT * FROM XMLTABLE('x' PASSING y COLUMNS a d)", 'd'],
  ['SELECT XMLSERIALIZE(CONTENT a AS d)', 'd'],
  ['CREATE TABLE t (a d)', 'd'],
  ['ALTER TABLE t ALTER a TYPE d', 'd'],
])('%s names the type %s', async (text, expected) => {
  const { types } = await onlyFactsOf(text)
  const casts = types
    .filter(({ from }) => from === 'cast')
    .map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`))
  expect(casts).toContain(expected)
})

test('a call of one argument may be a cast to a type of that name', async () => {
  expect((await onlyFactsOf("SELECT d('x')")).types).toEqual([{ name: 'd', from: 'call' }])
  expect((await onlyFactsOf('SELECT d(1, 2)')).types).toEqual([])
})

test.each([
  ['SELECT u.f FROM users u', ['f']],
  ['SELECT public.users.f FROM users', ['users', 'f']],
  ['SELECT (u).f FROM users u', ['f']],
  ['SELECT (g(1)).f', ['f']],
  ['SELECT (a).b.c', ['b', 'c']],
  ['SELECT u.*, f FROM users u', []],
  ['UPDATE t SET a = u.f FROM u', ['f']],
])('%s could call %j in column notation', async (text, expected) => {
  expect((await onlyFactsOf(text)).columns).toEqual(expected)
})

test('a statement that names too much is unknown, and its facts stay small', async () => {
  const list = Array.from({ length: 3000 }, (_, at) => `f${at}()`).join(',')
  const facts = await onlyFactsOf(`SELECT ${list}`)
  expect(facts.effect).toBe('unknown')
  expect(facts.functions.length).toBeLessThanOrEqual(2000)
})

test('more statements than people can read are unknown', async () => {
  expect(await parser.facts('select 1;'.repeat(1001))).toHaveProperty('outcome', 'unknown')
})
