// A PostgreSQL cluster as Warder's child, on a data directory of its own: the store when no
// DATABASE_URL is given, and the demo's target. Listens on loopback only, never on a socket file.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { WarderError } from '../../core/errors.js'
import { openPassablePart } from '../data-directory.js'
import { createOnce } from '../private-file.js'
import type { Progress } from './executable.js'
import { choosePort } from './loopback-port.js'
import { POSTGRES_MAJOR, blockedAt, postgresRuntime } from './postgres-runtime.js'
import type { PostgresRuntime, RunAs } from './postgres-runtime.js'
import { commandLine, processIdentity } from './process-identity.js'
import { SupervisedChild, clearOrphan, stopOrphan } from './supervised-child.js'
import type { ChildSpec, StopStep } from './supervised-child.js'

const USER = 'postgres'
/** Recovery after a power cut can take as long as the last checkpoint is away. */
const START_MS_MAX = 60_000
const INITDB_MS_MAX = 60_000
/** Who may connect: kept beside the data, where the server's own user can't write. */
const HBA = 'pg_hba.conf'
const PASSWORD_BYTES = 24
/** Fast shutdown, then immediate, then the end (PostgreSQL manual, "Shutting Down the Server"). */
const STOP_STEPS: readonly StopStep[] = [
  { signal: 'SIGINT', waitMs: 10_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
]
/** Nothing of Warder's own environment (PGDATA, PGPORT …) reaches the server. */
const CLEAN_ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const run = promisify(execFile)

/** Which cluster, and where it listens. */
export interface ClusterOptions {
  readonly dataDirectory: string
  /** Tells the clusters of one data directory apart, kebab-case: `store`. */
  readonly name: string
  /** Any free one, the same at each start, when absent. */
  readonly port?: number
  /** Server parameters on top of the defaults, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  readonly progress: Progress
  /** Called once when the server can't be kept running any longer. */
  readonly onGivenUp: (failure: Error) => void
}

/** A cluster that is started again, on the same port and data, whenever it dies. */
export class PostgresCluster {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly user = USER
  /** Random, made with the data directory; only this process's user can read the file it is in. */
  readonly password: string
  readonly #child: SupervisedChild

  private constructor(port: number, password: string, child: SupervisedChild) {
    this.port = port
    this.password = password
    this.#child = child
  }

  /**
   * Starts the cluster, making it first if it is not there, and resolves when it accepts
   * connections. What an earlier, killed start left behind is stopped.
   *
   * @throws WarderError `RECORD_UNAVAILABLE` saying why and what to do.
   */
  static async start(options: ClusterOptions): Promise<PostgresCluster> {
    const title = `PostgreSQL (${options.name})`
    try {
      return await PostgresCluster.#start(title, options)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new WarderError('RECORD_UNAVAILABLE', { what: title, why }, { cause: error })
    }
  }

  static async #start(title: string, options: ClusterOptions): Promise<PostgresCluster> {
    const { progress, onGivenUp } = options
    const runtime = await postgresRuntime(options.dataDirectory, progress)
    const directory = openPassablePart(options.dataDirectory, 'postgres', options.name)
    refuseUnreachable(directory, runtime.runAs)
    const recordFile = join(directory, 'process.json')
    await clearOrphan(title, recordFile, STOP_STEPS, progress)
    const data = join(directory, 'data')
    await clearPostmaster(title, data, progress)
    const password = readPassword(join(directory, 'password'))
    if (!existsSync(data)) {
      progress(`Making ${title} in ${directory} …`)
      await makeData(runtime, directory, data, password)
    }
    refuseOtherMajor(data)
    writeFileSync(join(directory, HBA), 'host all all 127.0.0.1/32 scram-sha-256\n', {
      mode: 0o644,
    })
    const port = await choosePort(join(directory, 'port'), options.port)
    progress(`Starting ${title} on 127.0.0.1:${port} …`)
    const spec = childSpec(title, runtime, directory, port, options.settings ?? {})
    return new PostgresCluster(
      port,
      password,
      await SupervisedChild.start(spec, progress, onGivenUp),
    )
  }

  /** Number of the server's process, which changes when it is started again. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** The address of one of its databases, with user and password. */
  url(database = 'postgres'): string {
    const name = encodeURIComponent(database)
    return `postgresql://${USER}:${this.password}@${this.host}:${this.port}/${name}`
  }

  /** Makes the database if it is not there. */
  async ensureDatabase(database: string): Promise<void> {
    const client = new Client({ connectionString: this.url() })
    await client.connect()
    try {
      const sql = 'SELECT 1 FROM pg_database WHERE datname = $1'
      const { rowCount } = await client.query(sql, [database])
      if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`)
    } finally {
      await client.end()
    }
  }

  /** Stops the server, ending its connections; the data stays. Idempotent. */
  stop(): Promise<void> {
    return this.#child.stop()
  }
}

function childSpec(
  title: string,
  runtime: PostgresRuntime,
  directory: string,
  port: number,
  settings: Readonly<Record<string, string>>,
): ChildSpec {
  const data = join(directory, 'data')
  const parameters = {
    ...settings,
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    hba_file: join(directory, HBA),
  }
  return {
    title,
    command: runtime.postgres,
    arguments: [
      ...['-D', data],
      ...Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    environment: CLEAN_ENVIRONMENT,
    user: runtime.runAs && { uid: runtime.runAs.uid, gid: runtime.runAs.gid },
    logFile: join(directory, 'server.log'),
    recordFile: join(directory, 'process.json'),
    isReady: (pid) => {
      const [own, status] = postmaster(data)
      return Promise.resolve(own === pid && status === 'ready')
    },
    startMsMax: START_MS_MAX,
    stopSteps: STOP_STEPS,
  }
}

/** Made aside and renamed, so that a kill -9 half-way leaves nothing that looks like a cluster. */
async function makeData(
  { initdb, runAs }: PostgresRuntime,
  directory: string,
  data: string,
  password: string,
): Promise<void> {
  const making = join(directory, 'making')
  await rm(making, { recursive: true, force: true })
  mkdirSync(making, { mode: 0o700 })
  const passwordFile = join(making, 'password')
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  const aside = join(making, 'data')
  if (runAs !== undefined) for (const path of [making, passwordFile]) own(path, runAs)
  const args = [
    ...['-D', aside, '-U', USER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
    ...['--encoding', 'UTF8', '--locale', 'C'],
    ...['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--no-instructions'],
  ]
  try {
    await run(initdb, args, {
      timeout: INITDB_MS_MAX,
      env: CLEAN_ENVIRONMENT,
      cwd: '/',
      ...(runAs && { uid: runAs.uid, gid: runAs.gid }),
    })
    await rename(aside, data)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

const own = (path: string, { uid, gid }: RunAs) => {
  chownSync(path, uid, gid)
}

function readPassword(file: string): string {
  createOnce(file, `${randomBytes(PASSWORD_BYTES).toString('base64url')}\n`)
  return readFileSync(file, 'utf8').trim()
}

function refuseUnreachable(directory: string, runAs: RunAs | undefined): void {
  const at = blockedAt(directory, runAs)
  if (at === undefined || runAs === undefined) return
  throw new Error(
    `the user ${runAs.name}, whom PostgreSQL runs as, can't enter ${at}; set WARDER_DATA to a directory outside it, or run \`chmod o+x ${at}\``,
  )
}

function refuseOtherMajor(data: string): void {
  const major = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  if (major === POSTGRES_MAJOR) return
  throw new Error(
    `${data} belongs to PostgreSQL ${major} and this Warder brings ${POSTGRES_MAJOR}; dump it with the older one and load it here`,
  )
}

/** Number and status of the postmaster that the data directory names (lines 1 and 8 of its file). */
function postmaster(data: string): readonly [number | undefined, string] {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
    return [Number(lines[0]), (lines[7] ?? '').trim()]
  } catch {
    return [undefined, '']
  }
}

/**
 * Deals with the file of a postmaster that our record does not know. PostgreSQL removes the file of
 * a dead one itself; it is in the way only while its number belongs to somebody else now.
 */
async function clearPostmaster(title: string, data: string, progress: Progress): Promise<void> {
  const [pid] = postmaster(data)
  const found = pid === undefined ? undefined : processIdentity(pid)
  if (found === undefined) return
  if (commandLine(found.pid).includes(data)) await stopOrphan(title, found, STOP_STEPS, progress)
  else rmSync(join(data, 'postmaster.pid'), { force: true })
}
