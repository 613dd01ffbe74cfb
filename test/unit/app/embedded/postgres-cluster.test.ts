import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PostgresCluster } from '../../../../app/embedded/postgres-cluster.js'
import type { ClusterOptions } from '../../../../app/embedded/postgres-cluster.js'
import { processIdentity } from '../../../../app/embedded/process-identity.js'

let dataDirectory: string
let running: PostgresCluster[]
let told: string[]
beforeEach(() => {
  const parent = mkdtempSync(join(tmpdir(), 'warder-cluster-'))
  chmodSync(parent, 0o755)
  dataDirectory = join(parent, 'data')
  running = []
  told = []
})
afterEach(async () => {
  for (const cluster of running) await cluster.stop()
  rmSync(join(dataDirectory, '..'), { recursive: true, force: true })
})

async function start(more: Partial<ClusterOptions> = {}): Promise<PostgresCluster> {
  const cluster = await PostgresCluster.start({
    dataDirectory,
    name: 'store',
    progress: (line) => told.push(line),
    onGivenUp: (failure) => told.push(failure.message),
    ...more,
  })
  running.push(cluster)
  return cluster
}

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ answer: unknown }>(sql)
    return rows[0]?.answer
  } finally {
    await client.end()
  }
}

const inCluster = (name: string) => join(dataDirectory, 'postgres/store', name)

test('a second start of the same cluster is refused while the first runs', async () => {
  await start()
  await expect(start()).rejects.toThrow(/is being run by process \d+.*WARDER_DATA/)
})

test('a given port that is taken is refused by number', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await expect(start({ port })).rejects.toThrow(`port ${port} on 127.0.0.1 is taken`)
  taken.close()
})

test('data of another major version is refused and left alone', async () => {
  mkdirSync(inCluster('data'), { recursive: true })
  chmodSync(dataDirectory, 0o711)
  for (const part of ['postgres', 'postgres/store']) chmodSync(join(dataDirectory, part), 0o711)
  writeFileSync(inCluster('data/PG_VERSION'), '17\n')
  await expect(start()).rejects.toThrow(/belongs to PostgreSQL 17/)
})

test('a data directory that others may write to is refused', async () => {
  mkdirSync(dataDirectory)
  chmodSync(dataDirectory, 0o777)
  await expect(start()).rejects.toThrow(/others on this machine may write/)
})

test('a setting that the server rejects ends with what its log says', async () => {
  await expect(start({ settings: { max_connections: 'many' } })).rejects.toThrow(
    /ended at start[^]*max_connections/,
  )
})

test.skipIf(process.getuid?.() !== 0)(
  'as root, a data directory that the server could not enter is refused by name',
  async () => {
    mkdirSync(dataDirectory)
    chmodSync(dataDirectory, 0o700)
    await expect(start()).rejects.toThrow(`can't enter ${dataDirectory}`)
  },
)

test('without the password, and from a socket file, nobody comes in', async () => {
  const cluster = await start()
  const wrong = cluster.url().replace(cluster.password, 'wrong')
  await expect(ask(wrong, 'SELECT 1')).rejects.toThrow(/password authentication failed/)
  const sql = "SELECT current_setting('unix_socket_directories') AS answer"
  expect(await ask(cluster.url(), sql)).toBe('')
})

test('it keeps data, port and password over a stop and a start, and the server is gone between', async () => {
  const first = await start()
  await first.ensureDatabase('a "quoted" name')
  await first.ensureDatabase('kept')
  const pid = first.pid ?? 0
  await ask(first.url('kept'), 'CREATE TABLE t AS SELECT 7 AS answer')
  await first.stop()
  expect(processIdentity(pid)).toBeUndefined()
  const second = await start()
  expect([second.port, second.password]).toEqual([first.port, first.password])
  expect(await ask(second.url('kept'), 'SELECT answer FROM t')).toBe(7)
})

test('only the owner can read the password, and the server does not run as root', async () => {
  const cluster = await start()
  expect(statSync(inCluster('password')).mode & 0o777).toBe(0o600)
  expect(readFileSync(inCluster('password'), 'utf8').trim()).toBe(cluster.password)
  expect(statSync(inCluster('data')).uid).not.toBe(0)
})

test('a server that is killed comes back on the same port', async () => {
  const cluster = await start()
  const before = cluster.pid ?? 0
  process.kill(before, 'SIGKILL')
  await expect.poll(() => ask(cluster.url(), 'SELECT 1 AS answer').catch(String), WITHIN).toBe(1)
  expect(cluster.pid).not.toBe(before)
  expect(told.join('\n')).toContain('ended (SIGKILL); starting it again')
})

test('what a killed start left running is stopped by the next one', async () => {
  const cluster = await start()
  await cluster.stop()
  const orphan = spawnOrphan(cluster.port)
  await expect.poll(() => ask(cluster.url(), 'SELECT 1 AS answer').catch(String), WITHIN).toBe(1)
  const next = await start()
  expect(processIdentity(orphan)).toBeUndefined()
  expect(told.join('\n')).toContain(`left behind by an earlier start (process ${orphan})`)
  expect(await ask(next.url(), 'SELECT 2 AS answer')).toBe(2)
})

const WITHIN = { timeout: 15_000 }

/** A server on this data whose owner is gone, as after a kill -9 of the owner. */
function spawnOrphan(port: number): number {
  const data = inCluster('data')
  const { uid, gid } = statSync(data)
  const postgres = readFileSync(join(data, 'postmaster.opts'), 'utf8').split(' ', 1).join('')
  const args = ['-D', data, '-c', `port=${port}`, '-c', 'unix_socket_directories=']
  const as = process.getuid?.() === 0 ? { uid, gid } : {}
  const child = spawn(postgres, args, { stdio: 'ignore', detached: true, cwd: '/', ...as })
  child.unref()
  return child.pid ?? 0
}
