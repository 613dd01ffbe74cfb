// The life of a policy through the real process and the real command line: applied, expected, taken
// back, confirmed by a second person, in force in sessions that are open.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { CommandLine } from './command-line.js'
import { codeOf, Stage } from './stage.js'
import { until } from './until.js'

let stage: Stage
let cli: CommandLine

beforeAll(async () => {
  stage = await Stage.open()
  await stage.start()
  cli = new CommandLine(stage)
})
afterAll(async () => {
  cli.close()
  await stage.close()
})

const narrower = () => stage.policy().replace('[drop-table]', '[drop-table, insert]')
const twoPeople = (policy: string) =>
  policy.replace('  audit: [db-owners]', '  audit: [db-owners]\n  secondPerson: true')

test('a policy is compared, applied, in force in an open session, and taken back', async () => {
  const { client } = await stage.connect()
  const insert = (id: number) => codeOf(client.query(`INSERT INTO orders VALUES (${id}, 'x')`))
  expect(await insert(1)).toBe('it ran')
  const file = cli.file('narrower.yaml', narrower())

  const dry = await cli.run('ana', ['apply', file, '--dry-run'])
  expect(dry.code).toBe(0)
  expect(dry.out).toContain('Narrows rights:\n  - role migrator on orders-db: insert on public.*')
  expect(await insert(2)).toBe('it ran')

  const early = await cli.run('ana', ['apply', file, '--expect', '7'])
  expect([early.code, early.err]).toEqual([77, expect.stringContaining('version 1 is in force')])

  const applied = await cli.run('ana', ['apply', file, '--expect', '1', '--reason', 'ticket 1'])
  expect({ code: applied.code, err: applied.err }).toEqual({
    ...{ code: 0, err: expect.stringContaining('is valid') as unknown },
  })
  expect(applied.out).toMatch(/in force: version 2 .*\nin force on (\d+) of \1 processes\n$/)
  expect(await insert(3)).toBe('42501')

  const back = await cli.run('maria', ['policy', 'rollback', '1', '--reason', 'incident 12'])
  expect(back.code).toBe(0)
  expect(back.out).toContain('Widens rights:\n  + role migrator on orders-db: insert')
  expect(await insert(4)).toBe('it ran')
  await client.end()

  const { out } = await cli.run('ana', ['policy', 'list'])
  expect(out).toMatch(/\n3 .*test\/maria .*incident 12\n2 .*test\/ana .*ticket 1\n1 /)
  const diff = await cli.run('ana', ['policy', 'diff', '1', '3'])
  expect(diff.out).toBe('nothing changes\n')
})

test('where two people are needed nobody drops that demand alone, and no file does', async () => {
  const file = cli.file('two.yaml', twoPeople(stage.policy()))
  expect((await cli.run('ana', ['apply', file])).code).toBe(0)

  const wish = await cli.run('ana', ['apply', cli.file('one.yaml', stage.policy())])
  expect(wish.code).toBe(0)
  expect(wish.out).toContain('+ a policy is applied by one person alone (was: by two)')
  const id = /(pol_\w+)/.exec(wish.out)?.[1] ?? ''
  const own = await cli.run('ana', ['policy', 'confirm', id])
  expect([own.code, own.err]).toEqual([77, expect.stringContaining('Nobody decides')])
  const job = await cli.run('migrate-job', ['policy', 'confirm', id])
  expect(job.code).toBe(77)

  stage.writePolicy(narrower())
  await until('the file is refused', 15_000, () =>
    stage.warder.output.includes('the policy in force asks for two people'),
  )
  expect((await cli.run('maria', ['policy', 'confirm', id, '--reason', 'read it'])).out).toMatch(
    /^pol_\w+ is version 5; in force on (\d+) of \1 processes\n$/,
  )
  expect((await cli.run('maria', ['policy', 'confirm', id])).code).toBe(77)
})

test('a restart with another file goes on with the stored policy, and says so', async () => {
  const file = cli.file('two.yaml', twoPeople(stage.policy()))
  expect((await cli.run('ana', ['apply', file])).code).toBe(0)
  await stage.warder.stop()
  const run = await stage.start()
  expect(run.output).toContain('WARNING')
  const { client } = await stage.connect()
  expect(await codeOf(client.query(`INSERT INTO orders VALUES (50, 'x')`))).toBe('it ran')
  await client.end()
  const kinds = ['policy.applied', 'policy.proposed'] as const
  for (const kind of kinds) expect((await stage.log(kind)).length).toBeGreaterThan(0)
  expect(await stage.logProblems()).toEqual([])
  expect(stage.secretsFound()).toEqual([])
})
