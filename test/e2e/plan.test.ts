// A migration that is approved once and run by psql, and a command that is refused, approved and run
// again: real processes, a real psql, a real Temporal.

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemProgram } from '../setup/system-programs.js'
import { CommandLine } from './command-line.js'
import { Stage } from './stage.js'

const ASKED =
  '      - { effects: [ddl], statements: [create-table], approvers: db-owners, timeout: 10m }\n'
const PLANS = '    plans: { approvers: db-owners }\n'
const RETRY = ASKED.replace('timeout: 10m', 'timeout: 10m, wait: retry').replace(
  'create-table',
  'create-view',
)

const withPsql = test.skipIf(systemProgram('psql') === undefined)

let stage: Stage
let cli: CommandLine

beforeAll(async () => {
  stage = await Stage.open({
    policy: (policy) =>
      policy.replace(ASKED, `${ASKED}${RETRY}`).replace('    block:\n', `${PLANS}    block:\n`),
  })
  await stage.start()
  cli = new CommandLine(stage)
})
afterAll(async () => {
  cli.close()
  await stage.close()
})

const MIGRATION = `-- release 42
BEGIN;
CREATE TABLE public.notes_v2 (id int PRIMARY KEY); -- the new one
SELECT count(*) FROM public.notes_v2;
CREATE TABLE public.notes_v3 (id int PRIMARY KEY)
;
COMMIT;
`

const exec = (plan: string, ...command: readonly string[]) => [
  ...['exec', '--resource', 'orders-db', '--role', 'migrator', '--reason', 'release 42'],
  ...['--plan', plan, '--', ...command],
]
const psql = (...args: readonly string[]) => ['psql', '-X', '-v', 'ON_ERROR_STOP=1', ...args]

withPsql('a migration is approved once, in full view, and runs from end to end', async () => {
  const file = cli.file('migration.sql', MIGRATION)
  const job = cli.start('migrate-job', exec(file, ...psql('-f', file)))
  const id = await job.said(/waiting for db-owners \((req_\w+)\)/)
  const shown = await cli.run('ana', ['show', id])
  expect(shown.out).toContain('plan of 5 statements')
  expect(shown.out).toContain(createHash('sha256').update(MIGRATION).digest('hex'))
  expect(shown.out).toMatch(/step 2: create-table \(ddl\)\n {2}\| CREATE TABLE public\.notes_v2/)
  expect((await cli.run('ana', ['pending'])).out).toContain('access and 5 statements: release 42')
  expect((await cli.run('maria', ['approve', id])).code).toBe(77)
  expect((await cli.run('ana', ['approve', id, '--reason', 'reviewed'])).code).toBe(0)
  const { code, err } = await job.ended
  expect(err).not.toContain('ERROR')
  expect(code).toBe(0)
  const log = await cli.run('ana', ['audit', 'query', '--kind', 'release.used', '--json'])
  expect(log.out).toContain(`plan step 2 of ${id}`)
  expect(log.out).toContain(`plan step 4 of ${id}`)
})

withPsql('what is not in the plan is asked about, although the plan was approved', async () => {
  const file = cli.file('small.sql', 'create table public.planned (a int);')
  const other = 'create table public.not_planned (a int)'
  const job = cli.start('migrate-job', exec(file, ...psql('-c', other)))
  const request = await job.said(/waiting for db-owners \((req_\w+)\)/)
  await cli.run('ana', ['approve', request])
  const review = await job.said(/waits for approval by db-owners \((cmd_\w+)\)/)
  await cli.run('ana', ['deny', review, '--reason', 'not in the plan'])
  const { code, err } = await job.ended
  expect(code).not.toBe(0)
  expect(err).toContain('not in the plan')
})

test.each([
  ['holds what the policy blocks', 'drop table public.orders', 77, 'plan step 1'],
  ['can’t be parsed', 'create tabel x', 77, "can't be parsed"],
])('a plan that %s is refused, and nobody is asked', async (_, text, code, why) => {
  const file = cli.file('bad.sql', text)
  const ended = await cli.run('migrate-job', exec(file, 'true'))
  expect([ended.code, ended.err]).toEqual([code, expect.stringContaining(why)])
})

test('a role without plans takes none', async () => {
  const file = cli.file('any.sql', 'select 1')
  const args = ['exec', '--resource', 'orders-db', '--role', 'reader', '--plan', file, '--', 'true']
  const { code, err } = await cli.run('guest-job', args)
  expect(code).toBe(77)
  expect(err).toContain('takes no plans')
})

test('a plan that can’t be read is wrong usage', async () => {
  const { code, err } = await cli.run('migrate-job', exec('/nowhere.sql', 'true'))
  expect(code).toBe(64)
  expect(err).toContain('/nowhere.sql')
})

withPsql('a command in retry mode passes when it comes again after approval', async () => {
  const loop =
    'until psql -X -c "create view public.again as select 1 as a" 2>errors; do cat errors >&2; grep -q 55W01 errors || grep -q REVIEW_PENDING errors || exit 9; sleep 0.3; done'
  const job = cli.start('migrate-job', [
    ...['exec', '--resource', 'orders-db', '--role', 'migrator', '--', 'sh', '-c'],
    `cd "$(mktemp -d)" && ${loop}`,
  ])
  const review = await job.said(/REVIEW_PENDING, id (cmd_\w+)/)
  expect((await cli.run('ana', ['approve', review])).code).toBe(0)
  const { code, out, err } = await job.ended
  expect(out).toContain('CREATE VIEW')
  expect(code).toBe(0)
  expect(new Set([...err.matchAll(/id (cmd_\w+)/g)].map(([, id]) => id)).size).toBe(1)
})
