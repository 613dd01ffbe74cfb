// The demo, as somebody sees it who has just cloned the repository: it plays to its end, the README
// shows what it prints, what it says to type works, and Ctrl-C leaves nothing behind.

import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { accepts } from '../../app/embedded/loopback-port.js'
import { readmeBlock, withBlock } from '../../scripts/demo/transcript.js'
import { until, within } from './until.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DEMO_MS_MAX = 90_000
const END_MS_MAX = 20_000

const run = promisify(execFile)
const hasPsql = !inject('missingPrograms').includes('psql')

let data: string
let demo: ChildProcess
let output = ''
let ended: Promise<number | null>

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'warder-demo-'))
  // As root the servers run as another user, who has to get in.
  chmodSync(data, 0o711)
  demo = spawn(process.execPath, ['dist/scripts/demo/main.js'], {
    cwd: ROOT,
    env: { ...process.env, WARDER_DATA: data },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const take = (text: string) => (output += text)
  demo.stdout?.setEncoding('utf8').on('data', take)
  demo.stderr?.setEncoding('utf8').on('data', take)
  ended = new Promise((resolve) => demo.once('close', resolve))
  await until('the demo is over', DEMO_MS_MAX, () => {
    if (demo.exitCode !== null) throw new Error(output)
    return output.includes('The API:')
  })
}, DEMO_MS_MAX + 10_000)

afterAll(() => {
  if (demo.exitCode === null) demo.kill('SIGKILL')
  rmSync(data, { recursive: true, force: true, maxRetries: 5 })
})

/** A line of what it says to type, by how it begins. */
function toType(beginning: string): string {
  const line = output.split('\n').find((text) => text.startsWith(`  ${beginning}`))
  if (line === undefined) throw new Error(`nothing to type begins with ${beginning}`)
  return line
}

const shell = (lines: readonly string[]) =>
  run('/bin/sh', ['-e', '-c', lines.join('\n')], { cwd: ROOT, env: process.env })

test('every step does what it says', () => {
  expect(output.split('\n').filter((line) => line.includes('✗'))).toEqual([])
  for (const said of [
    '[redacted] | ****9999 | ****1111',
    'paid by ****4444',
    'Ada Byron\t[redacted]\t****9999',
    'computing with, or copying, public.customers.ssn is blocked; select the column as it is',
    'sorting by public.customers.ssn is blocked; filter by another column',
    'ERROR:  DROP TABLE is not allowed',
    'NOTICE:  CREATE TABLE waits for approval by db-owners',
    'Nobody decides about his own request',
    'canceling statement due to user request; it was not run',
    '1 session cut in',
    'intact: ',
    'Ada Byron     [redacted]  ****9999  ****1111',
  ]) {
    expect(output).toContain(said)
  }
  expect(output.match(/^ {3}✓ /gm)?.length).toBeGreaterThan(14)
})

test('only the role that may see a masked value saw one, once', () => {
  const clear = output.split('\n').filter((line) => /219-09-|ada\.byron@|41111/.test(line))
  expect(clear).toEqual([
    expect.stringContaining('Ada Byron | ada.byron@example.com | 219-09-9999'),
  ])
})

test('no line is longer than a screen is wide, and nothing of the machine is in the README', () => {
  const lines = output.split('\n')
  expect(lines.filter((line) => line.length > 150)).toEqual([])
  expect(readmeBlock(output)).not.toContain(data)
})

test.skipIf(!hasPsql)('the README shows what the demo prints', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  expect(
    readme,
    'The demo prints something else now: look at it, then `npm run demo -- --once --update-readme`.',
  ).toBe(withBlock(readme, readmeBlock(output)))
})

test.skipIf(!hasPsql)('the psql line that it prints works as it stands', async () => {
  const psql = `${toType('psql ')} -X -A -t -c 'SELECT count(*) FROM customers'`
  const exports = [toType('export WARDER_DATA='), toType('export PGPASSWORD=')]
  expect((await shell([...exports, psql])).stdout).toBe('5\n')
})

test('the approver’s lines that it prints work as they stand', async () => {
  const exports = ['WARDER_DATA=', 'WARDER_SERVER=', 'WARDER_TOKEN='].map((name) =>
    toType(`export ${name}`),
  )
  const { stdout } = await shell([...exports, 'node dist/app/main.js pending'])
  expect(stdout).toBe('nothing is pending\n')
})

test('a second demo on the same data directory is refused, and does not disturb the first', async () => {
  const second = run(process.execPath, ['dist/scripts/demo/main.js', '--once'], {
    cwd: ROOT,
    env: { ...process.env, WARDER_DATA: data },
  })
  await expect(second).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('is being run by process') as unknown,
  })
  expect(demo.exitCode).toBeNull()
})

test('Ctrl-C ends it with 0 and leaves no process and no open port', async () => {
  const ports = [
    ...toType('psql ').matchAll(/port=(\d+)/g),
    ...output.matchAll(/127\.0\.0\.1:(\d+)/g),
  ]
  demo.kill('SIGINT')
  expect(await within('the demo ends', END_MS_MAX, ended)).toBe(0)
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,args='])
  expect(stdout.split('\n').filter((line) => line.includes(data))).toEqual([])
  for (const [, port] of ports) expect(await accepts(Number(port))).toBe(false)
})
