// Clients as people use them, unmodified: psql, node-postgres and psycopg, through the gateway.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import { systemProgram } from '../../setup/system-programs.js'

const run = promisify(execFile)
const psqlPath = systemProgram('psql')
/** Where the set-up has put psycopg; it says loudly when it could not. */
const psycopgPath = process.env['WARDER_TEST_PSYCOPG']

let world: PostgresWorld
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'warder-test-clients-'))
  world = await startPostgresWorld({
    schema: 'create table t (a int primary key, b text); create view v as select a from t',
  })
})

beforeEach(async () => {
  world.reviews.reset()
  await world.admin("truncate t; insert into t values (1, 'one')")
})

afterAll(async () => {
  await world.stop()
  await rm(folder, { recursive: true })
})

const urlOf = (role: string) => `postgres://${role}:good@127.0.0.1:${String(world.port)}/db`
const rows = async () => (await world.admin('select a from t order by a')).map((row) => row['a'])

/** What psql prints, without alignment; with its errors. */
async function psql(role: string, ...args: string[]): Promise<{ out: string; status: number }> {
  const base = ['-X', '-A', '-t', '-q', '-d', urlOf(role)]
  try {
    const { stdout, stderr } = await run(psqlPath ?? 'psql', [...base, ...args])
    return { out: stdout + stderr, status: 0 }
  } catch (failure) {
    const { stdout, stderr, code } = failure as { stdout: string; stderr: string; code: number }
    return { out: stdout + stderr, status: code }
  }
}

const withPsql = test.skipIf(psqlPath === undefined)
const withPsycopg = test.skipIf(psycopgPath === undefined)

withPsql.each([
  ['\\d', 't'],
  ['\\d t', 'integer'],
  ['\\d+ v', 'integer'],
  ['\\dt', 'public'],
  ['\\dv', 'public'],
  ['\\du', 'warder'],
  ['\\dn', 'public'],
  ['\\di', 't_pkey'],
  ['\\conninfo', 'connected'],
])('psql shows %s', async (command, part) => {
  const { out, status } = await psql('reader', '-c', command)
  expect([status, out]).toEqual([0, expect.stringContaining(part)])
})

withPsql('psql runs variables and several -c', async () => {
  const script = path.join(folder, 'variables.sql')
  await writeFile(script, "\\set n 7\nselect :n, :'n';\nselect a from t \\gset\n\\echo got :a\n")
  const { out } = await psql('reader', '-f', script)
  expect(out).toBe('7|7\ngot 1\n')
})

withPsql('psql copies in and out with \\copy', async () => {
  const file = path.join(folder, 'in.tsv')
  await writeFile(file, '2\ttwo\n3\tthree\n')
  expect((await psql('writer-strict', '-c', `\\copy t from '${file}'`)).status).toBe(0)
  expect(await rows()).toEqual([1, 2, 3])
  expect((await psql('reader', '-c', '\\copy t to stdout')).out).toBe('1\tone\n2\ttwo\n3\tthree\n')
})

withPsql('psql -1 keeps nothing of a script in which one statement is refused', async () => {
  const script = path.join(folder, 'one.sql')
  await writeFile(script, "insert into t values (8, 'x');\ngrant select on t to public;\n")
  const { out, status } = await psql('writer-strict', '-1', '-v', 'ON_ERROR_STOP=1', '-f', script)
  expect([status, out]).toEqual([3, expect.stringContaining('not allowed')])
  expect(await rows()).toEqual([1])
})

withPsql('psql shows message, detail and hint of a refusal, and goes on', async () => {
  const { out } = await psql('reader', '-c', 'drop table t', '-c', 'select 42')
  expect(out).toMatch(/ERROR:.*DROP TABLE is not allowed/)
  expect(out).toMatch(/DETAIL:.*COMMAND_BLOCKED, id ses_/)
  expect(out).toMatch(/HINT:.*session goes on/)
  expect(out).toContain('42\n')
})

withPsql('psql waits for a held statement, and shows the notice', async () => {
  world.reviews.hold()
  const output = psql('asker', '-c', "insert into t values (9, 'x') returning a")
  ;(await world.reviews.next()).approve()
  const { out, status } = await output
  expect([status, out]).toEqual([0, expect.stringMatching(/^9\n[^]*NOTICE:.*waits for approval/)])
})

test('node-postgres runs simple, parameterised, named and failing queries', async () => {
  const client = new pg.Client({ connectionString: urlOf('writer-strict') })
  await client.connect()
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await client.query('insert into t values ($1, $2)', [2, 'two'])
  for (const value of [1, 2]) {
    const named = { name: 'by-a', text: 'select b from t where a = $1', values: [value] }
    expect((await client.query(named)).rows).toHaveLength(1)
  }
  await expect(client.query('drop table t')).rejects.toMatchObject({ code: '42501' })
  await expect(client.query('select $1::int', ['x'])).rejects.toMatchObject({ code: '22P02' })
  const both = await Promise.all([
    client.query('select 3 as n'),
    client.query('select $1 as n', [4]),
  ])
  expect(both.map((result) => (result.rows as { n: unknown }[])[0]?.n)).toEqual([3, '4'])
  await client.end()
})

test('node-postgres keeps transactions, and learns that a session was revoked', async () => {
  const client = new pg.Client({ connectionString: urlOf('writer-strict') })
  // The client reports the error message and the end of the connection; the first one counts.
  const failed = new Promise<Error>((resolve) => client.on('error', resolve))
  await client.connect()
  await client.query('begin')
  await client.query("insert into t values (3, 'x')")
  await client.query('commit')
  expect(await rows()).toEqual([1, 3])
  const grant = [...world.grants.rows.values()].at(-1)
  if (grant === undefined) throw new Error('no grant')
  await world.revoke(grant.id)
  expect(await failed).toMatchObject({ code: '57P01' })
})

withPsycopg('psycopg runs queries, a pipeline, COPY and a server-side cursor', async () => {
  const script = path.join(folder, 'client.py')
  await writeFile(script, PSYCOPG)
  const { stdout } = await run('python3', [script, urlOf('writer-strict')], {
    env: { ...process.env, PYTHONPATH: psycopgPath },
  })
  expect(stdout).toBe('one\n1 2 3\nrefused 42501 True\ncopied 2\n[(1,), (2,)]\n')
})

const PSYCOPG = `
import sys, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as c:
    print(c.execute('select b from t where a = %s', (1,)).fetchone()[0])
    with c.pipeline():
        cursors = [c.execute('select %s::int', (n,)) for n in (1, 2, 3)]
        print(*[cursor.fetchone()[0] for cursor in cursors])
    try:
        with c.pipeline():
            c.execute('select 1')
            c.execute('grant select on t to public')
            c.execute('select 2')
    except psycopg.Error as e:
        print('refused', e.sqlstate, c.info.transaction_status == psycopg.pq.TransactionStatus.IDLE)
    with c.cursor() as cursor:
        with cursor.copy('copy t from stdin') as copy:
            copy.write_row((5, 'five'))
            copy.write_row((6, 'six'))
        print('copied', cursor.rowcount)
    with c.transaction():
        with c.cursor(name='named') as cursor:
            cursor.execute('select n from generate_series(1, 2) n')
            print(cursor.fetchall())
`
