// A target's password is gone once the handshake is over: it is in no string on the heap, whether the
// target took it or not, and in nothing that the process says of itself.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { PostgresCluster } from '../../../app/embedded/postgres-cluster.js'
import type { Resource } from '../../../core/resource.js'
import { newGrant } from '../../unit/store/fixtures.js'

const DIST = new URL('../../../dist/', import.meta.url)

/** A process of its own, on what was built: the one that runs the test knows the password itself. */
const PROGRAM = `
import { readFileSync } from 'node:fs'
import { writeHeapSnapshot } from 'node:v8'
const { Credentials } = await import('${new URL('app/credentials.js', DIST).href}')
const { Permit } = await import('${new URL('proxy/permit.js', DIST).href}')
const { openTarget } = await import('${new URL('proxy/postgres/login.js', DIST).href}')
const { resource, grant, snapshot } = JSON.parse(readFileSync(process.argv[1], 'utf8'))
const permit = await Permit.issue(grant, resource, 0)
const outcome = await openTarget(permit, new Credentials({ variables: {} }), new Map()).then(
  () => 'in',
  (failure) => String(failure),
)
// Writing a snapshot collects garbage first: what it holds is what somebody still refers to.
writeHeapSnapshot(snapshot)
process.stdout.write(outcome + '\\n')
process.exit(0)
`

const run = promisify(execFile)

let directory: string
let cluster: PostgresCluster

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'warder-memory-'))
  chmodSync(directory, 0o711)
  cluster = await PostgresCluster.start({
    ...{ dataDirectory: directory, name: 'target', progress: () => undefined },
    settings: { fsync: 'off' },
    onGivenUp: () => undefined,
  })
}, 120_000)

afterAll(async () => {
  await cluster.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** What the process said, and its heap as text. */
async function heapAfterLogin(password: string): Promise<{ said: string; heap: string }> {
  const file = join(directory, 'password')
  writeFileSync(file, `${password}\n`, { mode: 0o600 })
  const resource: Resource = {
    ...{ name: 'shop', protocol: 'postgres', host: '127.0.0.1', port: cluster.port, labels: {} },
    ...{ database: 'postgres', tls: 'off' },
    credential: { user: cluster.user, password: { file } },
  }
  const snapshot = join(directory, 'heap.json')
  const task = { resource, grant: newGrant({ resource: 'shop' }), snapshot }
  const taskFile = join(directory, 'task.json')
  writeFileSync(taskFile, JSON.stringify(task))
  const { stdout, stderr } = await run(process.execPath, [
    ...['--input-type=module', '--eval', PROGRAM],
    taskFile,
  ])
  return { said: `${stdout}${stderr}`, heap: readFileSync(snapshot, 'utf8') }
}

test('after a login the password is in no string of the heap', async () => {
  const { said, heap } = await heapAfterLogin(cluster.password)
  expect(said).toBe('in\n')
  // What must be there shows that the snapshot would have shown it.
  expect(heap).toContain('standard_conforming_strings')
  expect(heap.includes(cluster.password)).toBe(false)
})

test('after a refused login it is in no string of the heap and in no error', async () => {
  const wrong = randomBytes(24).toString('base64url')
  const { said, heap } = await heapAfterLogin(wrong)
  expect(said).toContain('SQLSTATE 28P01')
  expect(said).not.toContain(wrong)
  expect(heap.includes(wrong)).toBe(false)
})
