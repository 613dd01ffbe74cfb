import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  asIdentity,
  isRunning,
  ownIdentity,
  parseIdentity,
  processIdentity,
} from '../../../../app/embedded/process-identity.js'
import type { ProcessIdentity } from '../../../../app/embedded/process-identity.js'
import { SupervisedChild, clearOrphan } from '../../../../app/embedded/supervised-child.js'
import type { ChildSpec } from '../../../../app/embedded/supervised-child.js'

const STEPS = [
  { signal: 'SIGTERM', waitMs: 200 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const

let directory: string
let told: string[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warder-child-'))
  told = []
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

const say = (line: string) => {
  told.push(line)
}

const spec = (shell: string, more: Partial<ChildSpec> = {}): ChildSpec => ({
  title: 'Thing',
  command: '/bin/sh',
  arguments: ['-c', shell],
  environment: { PATH: '/usr/bin:/bin' },
  logFile: join(directory, 'log'),
  recordFile: join(directory, 'record'),
  isReady: () => Promise.resolve(true),
  startMsMax: 5_000,
  stopSteps: STEPS,
  ...more,
})

/** A process that outlives whoever started it, and ignores a polite request. */
async function orphan(): Promise<ProcessIdentity> {
  const child = spawn('/bin/sh', ['-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(child.stdout, 'data')
  const identity = processIdentity(child.pid ?? 0)
  if (identity === undefined) throw new Error('the orphan did not start')
  return identity
}

test('a child that ends before it is ready is a failure with the end of its log', async () => {
  const dying = spec('echo no such luck; exit 3', { isReady: () => Promise.resolve(false) })
  await expect(SupervisedChild.start(dying, say, say as never)).rejects.toThrow(
    /ended at start \(code 3\)[^]*no such luck/,
  )
  expect(existsSync(join(directory, 'record'))).toBe(false)
})

test('a child that never gets ready is stopped and is a failure', async () => {
  const never = spec('exec sleep 60', { isReady: () => Promise.resolve(false), startMsMax: 100 })
  await expect(SupervisedChild.start(never, say, say as never)).rejects.toThrow(/not ready after/)
})

test('a program that is not there is a failure', async () => {
  const missing = spec('', { command: join(directory, 'none') })
  await expect(SupervisedChild.start(missing, say, say as never)).rejects.toThrow(/ENOENT/)
})

test('a record whose owner runs is respected', async () => {
  const file = join(directory, 'record')
  const other = spawn('sleep', ['60'])
  const owner = processIdentity(other.pid ?? 0)
  writeFileSync(file, JSON.stringify({ owner }))
  await expect(clearOrphan('Thing', file, STEPS, say)).rejects.toThrow(`process ${other.pid ?? ''}`)
  other.kill('SIGKILL')
})

test('what a dead owner left running is stopped, hard in the end', async () => {
  const child = await orphan()
  const file = join(directory, 'record')
  const owner = { ...ownIdentity(), startedAt: 'another boot 1' }
  writeFileSync(file, JSON.stringify({ owner, child }))
  await clearOrphan('Thing', file, STEPS, say)
  expect(isRunning(child)).toBe(false)
  expect(existsSync(file)).toBe(false)
})

test('a later process with the same number as the one recorded is left alone', async () => {
  const child = await orphan()
  const file = join(directory, 'record')
  writeFileSync(file, JSON.stringify({ child: { ...child, startedAt: 'another boot 1' } }))
  await clearOrphan('Thing', file, STEPS, say)
  expect(isRunning(child)).toBe(true)
  process.kill(child.pid, 'SIGKILL')
})

test.each(['', '{', 'null', '7', '{"pid":"1","startedAt":"x"}', '{"pid":1}'])(
  'a record that holds %j names nobody',
  async (text) => {
    const file = join(directory, 'record')
    writeFileSync(file, text)
    await clearOrphan('Thing', file, STEPS, say)
    expect(parseIdentity(text)).toBeUndefined()
    expect(asIdentity(text)).toBeUndefined()
  },
)

test('a child that keeps dying is given up, once', async () => {
  const failure = new Promise<Error>((resolve) => {
    void SupervisedChild.start(spec('sleep 0.05; exit 1'), say, resolve)
  })
  expect((await failure).message).toMatch(/died \d+ times in a row/)
}, 30_000)

test('a child that dies is started again, and stopping ends it and its record', async () => {
  const child = await SupervisedChild.start(spec('exec sleep 60'), say, say as never)
  const first = child.pid ?? 0
  process.kill(first, 'SIGKILL')
  await expect.poll(() => child.pid, { timeout: 5_000 }).not.toBe(first)
  const second = processIdentity(child.pid ?? 0)
  expect(readFileSync(join(directory, 'record'), 'utf8')).toContain(`"pid":${child.pid ?? ''}`)
  await child.stop()
  await child.stop()
  expect(second && isRunning(second)).toBe(false)
  expect(existsSync(join(directory, 'record'))).toBe(false)
})
