// The PostgreSQL that everything is measured against: pgbench's tables, a table whose writes are held,
// one to stream rows from, and a login that owns them and is nothing else.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { Progress } from '../app/embedded/executable.js'
import { PostgresCluster } from '../app/embedded/postgres-cluster.js'
import { createOnce } from '../app/private-file.js'

/** Name of the database, and of the resource that the policy calls it by: clients say the same everywhere. */
export const DATABASE = 'bench'
/** Who owns the tables; also the login that PgBouncer and the gateway use. */
export const LOGIN = 'bench'
/** Rows of pgbench's largest table at scale 1. */
export const ROW_COUNT = 100_000

const PASSWORD_BYTES = 24
const INIT_MS_MAX = 120_000

const run = promisify(execFile)

/** A filled target. */
export interface BenchTarget {
  readonly cluster: PostgresCluster
  readonly password: string
  readonly passwordFile: string
}

/** Starts it below the directory; `pgbench` fills it when its path is given. */
export async function startTarget(
  directory: string,
  pgbench: string | undefined,
  progress: Progress,
  onGivenUp: (failure: Error) => void,
): Promise<BenchTarget> {
  const cluster = await PostgresCluster.start({
    ...{ dataDirectory: directory, name: 'target', progress, onGivenUp },
  })
  try {
    const password = randomBytes(PASSWORD_BYTES).toString('base64url')
    const passwordFile = join(directory, 'target-password')
    createOnce(passwordFile, `${password}\n`)
    const target = { cluster, password, passwordFile }
    await makeTables(target)
    if (pgbench !== undefined) await fill(target, pgbench, progress)
    return target
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

async function makeTables({ cluster, password }: BenchTarget): Promise<void> {
  await withClient(cluster.url(), async (client) => {
    const secret = client.escapeLiteral(password)
    await client.query(`CREATE ROLE ${LOGIN} LOGIN PASSWORD ${secret}`)
    await client.query(`CREATE DATABASE ${DATABASE} OWNER ${LOGIN}`)
  })
  await withClient(cluster.url(DATABASE), async (client) => {
    await client.query(`SET ROLE ${LOGIN}`)
    await client.query('CREATE SCHEMA bench')
    await client.query('CREATE TABLE bench.notes (note text)')
    await client.query(
      `CREATE TABLE bench.lines AS SELECT repeat('x', 80) AS line FROM generate_series(1, 1000)`,
    )
  })
}

/** pgbench's own tables, by pgbench, past every proxy. */
async function fill(target: BenchTarget, pgbench: string, progress: Progress): Promise<void> {
  progress(`Filling the target: ${ROW_COUNT} rows …`)
  await run(pgbench, ['--initialize', '--quiet', '--scale=1'], {
    timeout: INIT_MS_MAX,
    env: {
      PATH: '/usr/bin:/bin',
      PGHOST: target.cluster.host,
      PGPORT: String(target.cluster.port),
      PGDATABASE: DATABASE,
      PGUSER: LOGIN,
      PGPASSWORD: target.password,
    },
  })
}

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
