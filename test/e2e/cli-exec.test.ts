// `warder exec` as a pipeline uses it: what it runs, what it returns, and what becomes of the grant.

import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CommandLine } from './command-line.js'
import { Stage } from './stage.js'

let stage: Stage
let cli: CommandLine

const HASTY = `  - who: { issuer: test, subject: guest-job }
    role: migrator
    for: 30m
    approval: { approvers: db-owners, timeout: 2s }
approvers:
`

beforeAll(async () => {
  stage = await Stage.open({ policy: (policy) => policy.replace(/^approvers:\n/m, HASTY) })
  await stage.start()
  cli = new CommandLine(stage)
})
afterAll(async () => {
  cli.close()
  await stage.close()
})

const exec = (role: string, ...command: readonly string[]): string[] => [
  ...['exec', '--resource', 'orders-db', '--role', role, '--reason', 'release 42'],
  ...(command.length === 0 ? [] : ['--', ...command]),
]

const shell = (script: string): readonly string[] => ['sh', '-c', script]

/** What Warder says, once the request is over. */
const stateOf = async (id: string): Promise<string> => (await stage.item(id)).state

test('without a command it is wrong usage', async () => {
  const { code, err } = await cli.run('migrate-job', exec('migrator'))
  expect(code).toBe(64)
  expect(err).toContain('command')
})

test('an option that is mistyped is wrong usage and names the nearest', async () => {
  const { code, err } = await cli.run('migrate-job', ['exec', '--resurce', 'orders-db'])
  expect(code).toBe(64)
  expect(err).toContain('--resource')
})

test('a duration that is none is wrong usage', async () => {
  const { code, err } = await cli.run('migrate-job', [...exec('migrator'), '--for', 'soon'])
  expect(code).toBe(64)
  expect(err).toContain('30s, 15m or 2h')
})

test('a server that does not answer is unreachable, and the command is not run', async () => {
  const probe = createServer()
  const port = await new Promise<number>((resolve) => {
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  await new Promise((resolve) => probe.close(resolve))
  const { code, out, err } = await cli.run('migrate-job', exec('migrator', 'echo', 'ran'), {
    WARDER_SERVER: `https://127.0.0.1:${port}`,
  })
  expect(code).toBe(69)
  expect(out).toBe('')
  expect(err).toContain("can't be reached")
  expect(err).toContain('do: ')
})

test('an authority that did not sign the server’s certificate is refused', async () => {
  const { code, err } = await cli.run('migrate-job', exec('migrator', 'echo', 'ran'), {
    WARDER_CA: '',
  })
  expect(code).not.toBe(0)
  expect(err).toContain('warder: ')
})

test('a token that is none is not authenticated', async () => {
  const { code, err } = await cli.run('migrate-job', exec('migrator', 'echo', 'ran'), {
    WARDER_TOKEN: 'not-a-token',
  })
  expect(code).toBe(77)
  expect(err).toContain('do: Present a fresh token')
})

test('a role that nobody gave is forbidden, and says what to do and which id to quote', async () => {
  const { code, out, err } = await cli.run('ana', exec('migrator', 'echo', 'ran'))
  expect(code).toBe(77)
  expect(out).toBe('')
  expect(err).toMatch(/\n {2}do: .+\n {2}id: \S+\n/)
})

test('denied: the command is not run, and who denied it stands there', async () => {
  const run = cli.start('guest-job', exec('reader', 'echo', 'ran'))
  const id = await run.said(/waiting for db-owners \((req_\w+)\)/)
  const denied = await cli.run('ana', ['deny', id, '--reason', 'not today'])
  expect(denied.code).toBe(0)
  const { code, out, err } = await run.ended
  expect(code).toBe(77)
  expect(out).toBe('')
  expect(err).toContain('by test/ana, who says: not today')
  expect(err).toContain(`id: ${id}`)
})

test('nobody decides in time: the command is not run', async () => {
  const { code, out, err } = await cli.run('guest-job', exec('migrator', 'echo', 'ran'))
  expect(code).toBe(75)
  expect(out).toBe('')
  expect(err).toContain('Nobody decided')
})

test('a signal while it waits withdraws the request', async () => {
  const run = cli.start('guest-job', exec('reader', 'echo', 'ran'))
  const id = await run.said(/waiting for db-owners \((req_\w+)\)/)
  run.kill('SIGTERM')
  const { code, out } = await run.ended
  expect(code).toBe(130)
  expect(out).toBe('')
  expect(await stateOf(id)).toBe('withdrawn')
})

test('the exit code of the command is passed on, and the grant ends with it', async () => {
  const script = 'echo "$PGUSER"; exit 7'
  const { code, out } = await cli.run('migrate-job', exec('migrator', ...shell(script)))
  expect(code).toBe(7)
  expect(out).toMatch(/^migrator\/req_\w+\n$/)
  expect(await stateOf(out.trim().slice('migrator/'.length))).toBe('ended')
})

test('approved: the command runs, and reaches the target with its own driver', async () => {
  const script =
    "import('pg').then(async ({ default: { Client } }) => {" +
    "const { readFileSync } = await import('node:fs');" +
    'const client = new Client({ ssl: { ca: readFileSync(process.env.PGSSLROOTCERT) } });' +
    "await client.connect(); const { rows } = await client.query('SELECT count(*) FROM orders');" +
    'console.log(rows[0].count); await client.end() })'
  const run = cli.start('guest-job', exec('reader', process.execPath, '-e', script))
  const id = await run.said(/waiting for db-owners \((req_\w+)\)/)
  expect((await cli.run('ana', ['approve', id])).code).toBe(0)
  const { code, out, err } = await run.ended
  expect(err).not.toContain('Error')
  expect({ code, out }).toEqual({ code: 0, out: '0\n' })
  expect(await stateOf(id)).toBe('ended')
})

test('a command that a signal ends gives 128 and its number', async () => {
  const { code } = await cli.run('migrate-job', exec('migrator', ...shell('kill -TERM $$')))
  expect(code).toBe(143)
})

test('a signal while the command runs is passed on to it, and the grant ends', async () => {
  const script = 'echo "$PGUSER"; trap "exit 9" TERM; while :; do :; done'
  const run = cli.start('migrate-job', exec('migrator', ...shell(script)))
  const id = await run.said(/migrator\/(req_\w+)/)
  run.kill('SIGTERM')
  expect((await run.ended).code).toBe(9)
  expect(await stateOf(id)).toBe('ended')
})

test('a command that does not exist gives 127, and the grant ends', async () => {
  const { code, err } = await cli.run('migrate-job', exec('migrator', '/no/such/command'))
  expect(code).toBe(127)
  expect(err).toContain("/no/such/command can't be run")
  expect((await stage.inbox('active')).length).toBe(0)
})
