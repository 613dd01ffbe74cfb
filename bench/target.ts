// The PostgreSQL that everything is measured against: pgbench's tables, one with a text to mask, one
// whose writes are held, one to stream rows from, and a login that owns them and is nothing else.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { Progress } from '../app/embedded/executable.js'
import { PostgresCluster } from '../app/embedded/postgres-cluster.js'
import { createOnce } from '../app/private-file.js'
import { MASKED_COLUMN, MASKED_TABLE, MASKED_TEXT } from './cases.js'
import { makeCertificate } from './certificate.js'
import type { BenchCertificate } from './certificate.js'

/** Name of the database, and of the resource that the policy calls it by. */
export const DATABASE = 'bench'
/** Name of the resource that is the same database, reached with TLS. */
export const TLS_DATABASE = 'bench-tls'
/** Who owns the tables; also the login that PgBouncer and the gateway use. */
export const LOGIN = 'bench'
/** Rows of pgbench's largest table at scale 1. */
export const ROW_COUNT = 100_000

/** Length of pgbench_accounts.filler. */
const FILLER_CHARS = 84
const PASSWORD_BYTES = 24
/** Sessions that the target takes: 1,000 idle ones, and those of whoever looks on. */
const CONNECTION_COUNT_MAX = 1_100
const INIT_MS_MAX = 120_000

const run = promisify(execFile)

/** A filled target. */
export interface BenchTarget {
  readonly cluster: PostgresCluster
  readonly password: string
  readonly passwordFile: string
  /** What it shows to those who ask for TLS; it takes callers without, too. */
  readonly certificate: BenchCertificate
}

/** Starts it below the directory; `pgbench` fills it when its path is given. */
export async function startTarget(
  directory: string,
  pgbench: string | undefined,
  progress: Progress,
  onGivenUp: (failure: Error) => void,
): Promise<BenchTarget> {
  const certificate = await makeCertificate(directory, progress)
  const cluster = await PostgresCluster.start({
    ...{ dataDirectory: directory, name: 'target', progress, onGivenUp },
    settings: {
      max_connections: String(CONNECTION_COUNT_MAX),
      ssl: 'on',
      ssl_cert_file: certificate.certificateFile,
      ssl_key_file: certificate.keyFile,
    },
  })
  try {
    const password = randomBytes(PASSWORD_BYTES).toString('base64url')
    const passwordFile = join(directory, 'target-password')
    createOnce(passwordFile, `${password}\n`)
    const target = { cluster, password, passwordFile, certificate }
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

/** pgbench's own tables, by pgbench, past every proxy, and the masked table: as wide, row by row. */
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
  await withClient(target.cluster.url(DATABASE), async (client) => {
    await client.query(`SET ROLE ${LOGIN}`)
    await client.query(
      `CREATE TABLE ${MASKED_TABLE} AS SELECT aid, bid, abalance,
         rpad('${MASKED_TEXT} ' || aid || ', ', ${FILLER_CHARS}, 'in arrears since May; ')
           AS ${MASKED_COLUMN}
       FROM pgbench_accounts`,
    )
    await client.query(`VACUUM (FREEZE, ANALYZE) ${MASKED_TABLE}`)
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
