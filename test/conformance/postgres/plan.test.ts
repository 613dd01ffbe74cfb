// An approved plan, run by real clients: each of its statements that policy asks about passes once, in
// the order of the plan; everything else asks, or is refused, as ever.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { grantIdOf, type GrantId } from '../../../core/ids.js'
import { SqlPlanReader } from '../../../proxy/postgres/plan-reader.js'
import { ParserPool } from '../../../proxy/postgres/sql/parser.js'
import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import { systemProgram } from '../../setup/system-programs.js'
import { compiledWorkerUrl } from '../../unit/proxy/postgres/sql/compiled-worker.js'
import { sqlstateOf, tagsOf, WireClient } from './wire-client.js'

const run = promisify(execFile)
const psqlPath = systemProgram('psql')
const withPsql = test.skipIf(psqlPath === undefined)

const PLANNER = {
  name: 'planner',
  rules:
    'allow: [{ effects: [read, write], relations: [public.notes] }], ask: [{ effects: [ddl, privilege, dangerous, unknown], approvers: db-owners }], otherwise: ask, approvers: db-owners, block: [{ statements: [truncate] }], plans: { approvers: db-owners }',
}

let world: PostgresWorld
let parser: ParserPool
let folder: string
let client: WireClient

beforeAll(async () => {
  parser = new ParserPool({ workerUrl: compiledWorkerUrl(), workerCount: 1, deadlineMs: 10_000 })
  world = await startPostgresWorld({ policy: { roles: [PLANNER] } })
  folder = await mkdtemp(path.join(tmpdir(), 'warder-plan-'))
}, 120_000)

beforeEach(async () => {
  await world.admin('drop schema public cascade; create schema public; create table notes (a int)')
  world.setPolicy({ roles: [PLANNER] })
  world.reviews.reset()
  world.releases.plans.clear()
  world.access.questions.length = 0
  client = await WireClient.login({ port: world.port, role: 'planner' })
})

afterEach(() => client.close())
afterAll(async () => {
  await world.stop()
  await parser.close()
  await rm(folder, { recursive: true })
})

const requestId = () => {
  const [question] = world.access.questions
  if (question === undefined) throw new Error('nobody has connected')
  return question.requestId
}
const grantId = (): GrantId => grantIdOf(requestId())

/** Approves a plan for the grant of `client`, under the policy in force or another one. */
async function approve(text: string, policyDigest = world.policyDigest()): Promise<void> {
  const plan = await new SqlPlanReader(parser).read(text)
  if (!plan.ok) throw new Error(JSON.stringify(plan.refusal))
  const ids = { grantId: grantId(), requestId: requestId() }
  await world.releases.keepPlan({ ...ids, ...plan.value, policyDigest })
}

const next = () => world.releases.plans.get(grantId())?.next

/** What psql prints when it runs the text as a file under the grant of `client`. */
async function psql(text: string, ...args: string[]): Promise<string> {
  const file = path.join(folder, 'plan.sql')
  await writeFile(file, text)
  const where = `host=127.0.0.1 port=${String(world.port)} dbname=db user=planner/${requestId()} sslmode=disable gssencmode=disable`
  const env = { ...process.env, PGPASSWORD: 'good' }
  const all = ['-X', where, ...args, '-f', file]
  const { stdout, stderr } = await run(psqlPath ?? 'psql', all, { env }).catch(
    (failure: unknown) => failure as { stdout: string; stderr: string },
  )
  return stdout + stderr
}

/** Everything in a file that could make a client send something else than what stands there. */
const MIGRATION = `\uFEFF-- Release 42
/* moves the orders
   to their new table */
BEGIN;
CREATE TABLE orders_v2 (id int PRIMARY KEY, note text DEFAULT 'a;b'); -- trailing

  -- indented comment
INSERT INTO notes VALUES (1) ; INSERT INTO notes
  VALUES (2);
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql
  BEGIN ATOMIC SELECT count(*) FROM orders_v2; SELECT 1::bigint; END;
DO $body$
BEGIN
  EXECUTE 'create table made_by_do (a int); -- inside';
END
$body$;;
;
COMMENT ON TABLE orders_v2 IS $$it's; here$$ /* kept */ ;
\tCREATE INDEX orders_note ON orders_v2 -- inner
  (note);\r
COMMIT;
SELECT count(*) FROM notes;
DROP TABLE made_by_do`

withPsql('psql -f runs an approved migration from end to end, and asks nobody', async () => {
  await approve(MIGRATION)
  const out = await psql(MIGRATION, '-v', 'ON_ERROR_STOP=1')
  expect(out).not.toContain('ERROR')
  expect(out).toContain('DROP TABLE')
  expect(world.reviews.questions).toEqual([])
  const tables = await world.admin(`select relname from pg_class where relname like 'orders%'`)
  expect(tables).toHaveLength(3)
  expect(await world.admin('select a from notes')).toHaveLength(2)
})

withPsql('psql -1 -f does, too', async () => {
  const text = 'create table a (x int);\n-- why\ncreate table b (x int);\n'
  await approve(text)
  expect(await psql(text, '-1')).not.toContain('ERROR')
  expect(
    await world.admin(`select relname from pg_class where relname in ('a', 'b')`),
  ).toHaveLength(2)
})

withPsql('a second run is asked about: every step is used up', async () => {
  const text = 'create table if not exists a (x int)'
  await approve(text)
  expect(await psql(text)).not.toContain('ERROR')
  expect(await psql(text)).toContain('was denied')
  expect(world.reviews.questions).toHaveLength(1)
})

withPsql('a file that was changed after the approval is asked about where it was', async () => {
  await approve('create table a (x int); create table b (x int); create table c (x int);')
  const out = await psql(
    'create table a (x int); create table b (x bigint); create table c (x int);',
  )
  expect(out.match(/was denied/g)).toHaveLength(2)
  expect(
    await world.admin(`select relname from pg_class where relname in ('a', 'b', 'c')`),
  ).toEqual([{ relname: 'a' }])
})

const plan =
  'create table a (x int); create table b (x int); insert into notes values (1); drop table a'

test.each([
  ['the second step before the first', ['create table b (x int)']],
  ['a step that is not next', ['create table a (x int)', 'drop table a']],
  ['one step twice', ['create table a (x int)', 'drop table if exists a']],
  ['two steps in one message', ['create table a (x int); create table b (x int)']],
  ['a step with something behind it', ['create table a (x int); drop table notes']],
  ['a step in other letters', ['CREATE TABLE a (x int)']],
  ['a step with another blank', ['create  table a (x int)']],
  ['a step with a comment within', ['create /* */ table a (x int)']],
  ['what is in no plan', ['drop table notes']],
])('%s is asked about', async (_, statements) => {
  await approve(plan)
  let answer = ''
  for (const sql of statements) answer = sqlstateOf(await client.query(sql)) ?? 'done'
  expect(answer).toBe('42501')
  expect(world.reviews.questions).toHaveLength(1)
})

test('what policy allows is passed over, whether it was sent or not', async () => {
  await approve(plan)
  expect(tagsOf(await client.query('create table a (x int)'))).toEqual(['CREATE TABLE'])
  expect(tagsOf(await client.query('create table b (x int)'))).toEqual(['CREATE TABLE'])
  expect(next()).toBe(2)
  expect(tagsOf(await client.query('select * from notes'))).toEqual(['SELECT 0'])
  expect(tagsOf(await client.query('insert into notes values (7)'))).toEqual(['INSERT 0 1'])
  expect(next()).toBe(2)
  expect(tagsOf(await client.query('drop table a'))).toEqual(['DROP TABLE'])
  expect(next()).toBe(4)
})

test('a step that failed at the target is used up', async () => {
  await approve('drop table missing; create table a (x int)')
  await world.admin('create table missing (a int)')
  const blocker = 'create view uses_it as select * from missing'
  await world.admin(blocker)
  expect(sqlstateOf(await client.query('drop table missing'))).toBe('2BP01')
  expect(sqlstateOf(await client.query('drop table missing'))).toBe('42501')
  expect(tagsOf(await client.query('create table a (x int)'))).toEqual(['CREATE TABLE'])
})

test('a step may come as an extended query, but not with parameters', async () => {
  await world.admin('create table t (a text)')
  await approve('create table a (x int); insert into t values (null)')
  expect(tagsOf(await client.extended('create table a (x int)'))).toEqual(['CREATE TABLE'])
  expect(sqlstateOf(await client.extended('insert into t values ($1)', [null]))).toBe('42501')
  expect(next()).toBe(1)
})

test('a prepared statement passes for one Bind, not for a second', async () => {
  await approve('create table if not exists a (x int)')
  expect(tagsOf(await client.extended('create table if not exists a (x int)'))).toEqual([
    'CREATE TABLE',
  ])
  expect(sqlstateOf(await client.extended('create table if not exists a (x int)'))).toBe('42501')
})

test('what the policy blocks stays blocked, in a plan or not', async () => {
  await approve('truncate notes')
  expect(sqlstateOf(await client.query('truncate notes'))).toBe('42501')
  expect(world.reviews.questions).toEqual([])
  expect(next()).toBe(0)
})

test('under another policy than the plan was approved under, people are asked', async () => {
  await approve('create table a (x int)')
  world.setPolicy({ roles: [PLANNER, { name: 'new', rules: 'allow: [{ effects: [read] }]' }] })
  expect(sqlstateOf(await client.query('create table a (x int)'))).toBe('42501')
  expect(world.reviews.questions).toHaveLength(1)
  expect(next()).toBe(0)
})

test('a plan of another grant releases nothing', async () => {
  await approve('create table a (x int)')
  const other = await WireClient.login({ port: world.port, role: 'planner', token: 'good-2' })
  expect(sqlstateOf(await other.query('create table a (x int)'))).toBe('42501')
  await other.close()
})

test('of two sessions at once, one gets a step', async () => {
  await approve('create table if not exists a (x int)')
  const role = `planner/${requestId()}`
  const other = await WireClient.login({ port: world.port, role })
  const sql = 'create table if not exists a (x int)'
  const answers = await Promise.all([client.query(sql), other.query(sql)])
  expect(answers.map((answer) => sqlstateOf(answer) ?? 'done').toSorted()).toEqual([
    '42501',
    'done',
  ])
  await other.close()
})

test('when the store does not answer, the step is refused and the session goes on', async () => {
  const { WarderError } = await import('../../../core/errors.js')
  const read = world.releases.plan.bind(world.releases)
  world.releases.plan = () => Promise.reject(new WarderError('CONTROL_PLANE_UNAVAILABLE'))
  expect(sqlstateOf(await client.query('create table a (x int)'))).toBe('57P03')
  world.releases.plan = read
  expect(tagsOf(await client.query('select 1'))).toEqual(['SELECT 1'])
})

test('the record says which step let a command through, and that it is used up', async () => {
  await approve('select 1; create table a (x int)')
  const from = world.audit.events.length
  await client.query('create table a (x int)')
  const release = `plan step 2 of ${requestId()}`
  const used = await world.audit.until('release.used', from)
  expect(used.fields).toMatchObject({ release, step: 2, command: 1 })
  const intended = await world.audit.until('command.intended', from)
  expect(intended.fields).toMatchObject({ release })
  expect(intended.fields).not.toHaveProperty('reviewId')
})
