import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { refused } from '../../../core/errors.js'
import { Terminal } from './run.js'

let terminal: Terminal
let folder: string

beforeEach(async () => {
  terminal = new Terminal()
  await terminal.start()
  folder = mkdtempSync(join(tmpdir(), 'warder-cli-'))
})
afterEach(async () => {
  await terminal.stop()
  rmSync(folder, { recursive: true })
})

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test.each([
  ['no command at all', []],
  ['an unknown command', ['aprove']],
  ['an unknown option', ['pending', '--nope']],
  ['a missing argument', ['show']],
  ['a missing option', ['exec', '--resource', 'a', '--', 'true']],
  ['a duration without a unit', ['extend', 'req_fake0001', '--by', '30']],
  ['a time that is none', ['audit', 'query', '--from', 'yesterday']],
  ['nothing to revoke', ['revoke', '--reason', 'x']],
  ['two things to revoke', ['revoke', 'req_fake0001', '--resource', 'a', '--reason', 'x']],
  ['no command after --', ['exec', '--resource', 'a', '--role', 'b', '--']],
])('%s is a usage error', async (_, argv) => {
  const { code, err } = await terminal.run(argv)
  expect(code).toBe(64)
  expect(err).not.toBe('')
  expect(terminal.warder.calls).toEqual([])
})

test('a mistyped command names the nearest', async () => {
  expect((await terminal.run(['aprove'])).err).toContain('Did you mean approve?')
})

test.each(
  [
    'up check apply policy request exec pending show approve deny extend revoke replay whoami version'.split(
      ' ',
    ),
    ['audit verify', 'audit query', 'audit export', 'audit anchor', 'secret put'],
  ].flat(),
)('%s has a help of its own', async (command) => {
  const { code, out } = await terminal.run([...command.split(' '), '--help'])
  expect(code).toBe(0)
  expect(out).toContain(`Usage: warder ${command}`)
})

test('the help of the program teaches by example and names the exit codes', async () => {
  const { out } = await terminal.run(['--help'])
  expect(out).toContain('$ warder exec --resource orders-db')
  expect(out).toContain('77 denied')
})

test.each([
  ['no server', { WARDER_SERVER: undefined }, 'No server is given'],
  ['a server that is no URL', { WARDER_SERVER: 'warder' }, 'is not a URL'],
  ['a server in the clear', { WARDER_SERVER: 'http://warder.test' }, 'only sent over TLS'],
  ['no token', { WARDER_TOKEN: undefined }, 'No token is given'],
  ['a token of two lines', { WARDER_TOKEN: 'a\nb' }, 'holds blanks'],
  ['a token file that is not there', { WARDER_TOKEN: undefined, WARDER_TOKEN_FILE: '/no' }, '/no'],
  ['an authority that is not there', { WARDER_CA: '/no' }, "can't be read"],
])('%s is a usage error before anything is sent', async (_, env, text) => {
  const { code, err } = await terminal.run(['whoami'], { env })
  expect(code).toBe(64)
  expect(err).toContain(text)
  expect(err).toContain('do: ')
})

test('a token file given on the command line comes first', async () => {
  const tokenFile = file('token', 'dana\n')
  const { out } = await terminal.run(['whoami', '--token-file', tokenFile])
  expect(out).toContain('okta/dana')
  expect(out).toContain('db-owners')
})

test('a server that does not answer is 69', async () => {
  const { code, err } = await terminal.run(['whoami', '--server', 'http://127.0.0.1:1'])
  expect(code).toBe(69)
  expect(err).toContain("can't be reached")
})

test('a server that speaks something else is 70', async () => {
  const server = createServer((socket) => {
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { code } = await terminal.run(['whoami', '--server', `http://127.0.0.1:${String(port)}`])
  server.close()
  expect(code).toBe(70)
})

test('a token that is not accepted is 77, with why and what to do', async () => {
  const { code, err } = await terminal.run(['whoami'], { as: 'nobody' })
  expect(code).toBe(77)
  expect(err).toContain('expired 12 s ago')
  expect(err).toContain('do: Present a fresh token')
  expect(err).toContain('id: api_')
})

test('check names every mistake with its line, and the nearest key', async () => {
  const policy = file('policy.yaml', 'resorces: []\n')
  const { code, err } = await terminal.run(['check', policy])
  expect(code).toBe(65)
  expect(err).toContain('line 1')
  expect(err).toContain('resources')
})

test('check accepts a policy and prints its digest', async () => {
  const policy = file('policy.yaml', 'resources: []\n')
  const { code, out } = await terminal.run(['check', policy], { env: { WARDER_SERVER: undefined } })
  expect(code).toBe(0)
  expect(out).toMatch(/is valid \(digest [0-9a-f]{64}\)/)
})

test('apply sends nothing that check refuses', async () => {
  const policy = file('policy.yaml', 'resorces: []\n')
  expect((await terminal.run(['apply', policy], { as: 'otto' })).code).toBe(65)
  expect(terminal.warder.calls).toEqual([])
})

test('apply shows the changes, and that a dry run applied nothing', async () => {
  const policy = file('policy.yaml', 'resources: []\n')
  const { out } = await terminal.run(['apply', policy, '--dry-run'], { as: 'otto' })
  expect(out).toContain('adds role x')
  expect(out).toContain('not applied')
  expect((await terminal.run(['apply', policy], { as: 'otto' })).out).toContain('version 2')
})

test('apply is refused to whoever lacks the duty', async () => {
  const policy = file('policy.yaml', 'resources: []\n')
  expect((await terminal.run(['apply', policy], { as: 'dana' })).code).toBe(77)
})

test('up is what app passes in', async () => {
  const up = (options: { readonly policyFile?: string | undefined }) =>
    Promise.resolve(options.policyFile === 'p.yaml' ? 3 : 4)
  expect((await terminal.run(['up', '--policy', 'p.yaml'], { up })).code).toBe(3)
})

test('version prints the version', async () => {
  expect((await terminal.run(['version'])).out).toBe('warder 1.2.3\n')
})

test('a secret comes from standard input and loses only its last line feed', async () => {
  const { code } = await terminal.run(['secret', 'put', 'orders'], { as: 'otto', stdin: 'a b\n\n' })
  expect(code).toBe(0)
  expect(terminal.warder.calls).toEqual([['put', 'orders', 'a b\n', 'okta/otto']])
})

test.each([
  ['empty', ''],
  ['longer than 32 KiB', 'x'.repeat(40_000)],
])('a secret that is %s is refused', async (_, stdin) => {
  const { code } = await terminal.run(['secret', 'put', 'orders'], { as: 'otto', stdin })
  expect(code).toBe(64)
  expect(terminal.warder.calls).toEqual([])
})

test.each([
  ['SELF_APPROVAL', 77],
  ['NOT_ENTITLED', 77],
  ['ALREADY_DECIDED', 77],
  ['CONTROL_PLANE_UNAVAILABLE', 69],
] as const)('an approval refused with %s exits with %i', async (code, exitCode) => {
  const { id } = terminal.warder.request('job')
  terminal.warder.decideAnswer = refused(code)
  expect((await terminal.run(['approve', id], { as: 'dana' })).code).toBe(exitCode)
})
