import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { refused } from '../../../core/errors.js'
import type { AccessItem } from '../../../core/inbox.js'
import { Terminal, type RunOptions } from './run.js'

let terminal: Terminal
let folder: string

beforeEach(async () => {
  terminal = new Terminal()
  await terminal.start()
  folder = mkdtempSync(join(tmpdir(), 'warder-exec-'))
})
afterEach(async () => {
  await terminal.stop()
  rmSync(folder, { recursive: true })
  expect(terminal.listenerCount).toBe(0)
})

const WISH = ['exec', '--resource', 'orders-db', '--role', 'migrator', '--reason', 'release 42']

const exec = (script: string, options: RunOptions = {}) =>
  terminal.run([...WISH, '--', 'sh', '-c', script, 'sh', folder], options)

/** The request goes to people; at its second look the item is what they made of it. */
function decideAs(changes: Partial<AccessItem>): void {
  const { warder } = terminal
  warder.open = (question, onPending) => {
    const id = question.requestId
    const item = warder.request('job')
    warder.items.delete(item.id)
    warder.items.set(id, { ...item, id, question })
    let looks = 0
    warder.onLook = () => {
      looks += 1
      if (looks === 2) warder.change(id, changes)
    }
    onPending({ requestId: id, approval: { approvers: 'db-owners', quorum: 1, timeoutMs: 1 } })
    return new Promise(() => undefined)
  }
}

/** The request is active at once. */
function grantAtOnce(): void {
  const { warder } = terminal
  const { open } = warder
  warder.open = (question, onPending) => {
    const item = warder.request('job', { state: 'active' })
    warder.items.delete(item.id)
    warder.items.set(question.requestId, { ...item, id: question.requestId, question })
    return open(question, onPending)
  }
}

const callNames = (): string[] => terminal.warder.calls.map(([name]) => name)

test('the command gets the window in its environment, the token in no argument', async () => {
  grantAtOnce()
  const { code } = await exec(
    'env > "$1/env"; cat "$PGSSLROOTCERT" > "$1/ca"; ps -o args= > "$1/ps"',
    {
      env: { PGSERVICE: 'elsewhere', PGHOSTADDR: '10.0.0.1', KEPT: 'yes' },
    },
  )
  expect(code).toBe(0)
  const env = readFileSync(join(folder, 'env'), 'utf8').split('\n')
  expect(env).toEqual(
    expect.arrayContaining([
      'PGHOST=127.0.0.1',
      'PGPORT=5432',
      'PGUSER=migrator/req_new00001',
      'PGDATABASE=orders-db',
      'PGPASSWORD=job',
      'PGSSLMODE=verify-full',
      'KEPT=yes',
    ]),
  )
  expect(env.some((line) => line.startsWith('PGSERVICE') || line.startsWith('PGHOSTADDR'))).toBe(
    false,
  )
  expect(readFileSync(join(folder, 'ca'), 'utf8')).toBe('PEM')
  const authority = env.find((line) => line.startsWith('PGSSLROOTCERT='))?.slice(14) ?? ''
  expect(existsSync(authority)).toBe(false)
})

test('the grant is given back when the command ends, whatever its code', async () => {
  grantAtOnce()
  expect((await exec('exit 0')).code).toBe(0)
  expect((await exec('exit 3')).code).toBe(3)
  expect((await exec('kill -9 $$')).code).toBe(137)
  expect(callNames().filter((name) => name === 'complete')).toHaveLength(3)
})

test('a command that does not exist is 127, one that can not be run 126; the grant ends', async () => {
  grantAtOnce()
  expect((await terminal.run([...WISH, '--', join(folder, 'no')])).code).toBe(127)
  expect((await terminal.run([...WISH, '--', folder])).code).toBe(126)
  expect(callNames().filter((name) => name === 'complete')).toHaveLength(2)
})

test('while people decide, a line says who is asked and how long', async () => {
  decideAs({ state: 'active' })
  const { code, err } = await exec('exit 0')
  expect(code).toBe(0)
  expect(err).toContain('warder: waiting for db-owners (req_new00001), 15m left\n')
})

test.each([
  ['denied', { state: 'denied' }, 77],
  ['refused by policy', { state: 'refused' }, 77],
  ['withdrawn', { state: 'withdrawn' }, 77],
  ['over before it began', { state: 'ended' }, 77],
  ['decided by nobody', { state: 'expired' }, 75],
] as const)('a request that is %s runs nothing', async (_, changes, exitCode) => {
  decideAs(changes)
  const { code, err } = await exec('touch "$1/ran"')
  expect(code).toBe(exitCode)
  expect(err).toContain('do: ')
  expect(err).toContain('id: req_new00001')
  expect(existsSync(join(folder, 'ran'))).toBe(false)
  expect(callNames()).toEqual(['open'])
})

test('a denial says who denied and why', async () => {
  const denial = {
    answer: 'deny',
    by: 'okta/dana',
    reason: 'freeze',
    channel: 'cli',
    at: 1,
  } as const
  decideAs({ state: 'denied', decisions: [denial] })
  const { err } = await exec('true')
  expect(err).toContain('denied: by okta/dana, who says: freeze')
})

test.each([
  ['FORBIDDEN', 77],
  ['CONTROL_PLANE_UNAVAILABLE', 69],
] as const)('a request that %s ends at once runs nothing', async (code, exitCode) => {
  terminal.warder.open = () => Promise.resolve(refused(code))
  const ran = await exec('touch "$1/ran"')
  expect(ran.code).toBe(exitCode)
  expect(existsSync(join(folder, 'ran'))).toBe(false)
})

test('a server that is away runs nothing', async () => {
  const ran = await exec('touch "$1/ran"', { env: { WARDER_SERVER: 'http://127.0.0.1:1' } })
  expect(ran.code).toBe(69)
  expect(existsSync(join(folder, 'ran'))).toBe(false)
})

test('a signal while people decide withdraws the request and runs nothing', async () => {
  decideAs({})
  const { onLook } = terminal.warder
  let looks = 0
  const running = exec('touch "$1/ran"')
  await vi.waitFor(() => {
    expect(callNames()).toContain('open')
  })
  terminal.warder.onLook = () => {
    onLook()
    looks += 1
    if (looks === 1) terminal.signal('SIGTERM')
  }
  const { code } = await running
  expect(code).toBe(130)
  expect(callNames()).toContain('withdraw')
  expect(existsSync(join(folder, 'ran'))).toBe(false)
})

const TRAPPING = `trap 'exit 42' TERM; trap 'exit 43' INT; touch "$1/ready"; while :; do sleep 0.05; done`

test.each([
  ['SIGTERM', 42],
  ['SIGINT', 43],
] as const)(
  '%s reaches the command, whose code is returned; the grant ends',
  async (signal, exit) => {
    grantAtOnce()
    const running = exec(TRAPPING)
    await vi.waitFor(() => {
      expect(existsSync(join(folder, 'ready'))).toBe(true)
    })
    terminal.signal(signal)
    expect((await running).code).toBe(exit)
    expect(callNames()).toEqual(['open', 'complete'])
  },
)

test('Ctrl-C in a terminal is not sent twice', async () => {
  grantAtOnce()
  const running = exec(TRAPPING, { isTerminal: true })
  await vi.waitFor(() => {
    expect(existsSync(join(folder, 'ready'))).toBe(true)
  })
  terminal.signal('SIGINT')
  terminal.signal('SIGTERM')
  expect((await running).code).toBe(42)
})

test('a grant that can not be given back is said, and the code stays', async () => {
  grantAtOnce()
  const running = exec(TRAPPING)
  await vi.waitFor(() => {
    expect(existsSync(join(folder, 'ready'))).toBe(true)
  })
  terminal.warder.items.clear()
  terminal.signal('SIGTERM')
  const { code, err } = await running
  expect(code).toBe(42)
  expect(err).toContain('could not be given back')
})

test('request waits in the same way and says until when', async () => {
  decideAs({ state: 'active' })
  const { code, out } = await terminal.run(['request', ...WISH.slice(1), '--for', '30m'])
  expect(code).toBe(0)
  expect(out).toBe('req_new00001 is open\n')
  expect(terminal.warder.calls[0]?.[1]).toMatchObject({ origin: 'request', durationMs: 1_800_000 })
})
