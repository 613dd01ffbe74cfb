// Reads SQL for `warder policy test`: on a PostgreSQL of its own, made for the run and thrown away, with
// the schema that the cases declare. Statements are read, never run.

import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import pg from 'pg'

import type { SqlBench } from '../cli/context.js'
import { WarderError } from '../core/errors.js'
import type { ReadText } from '../policy/run-cases.js'
import { judgeSql } from '../proxy/postgres/sql/judge.js'
import { LOOKUP_SQL } from '../proxy/postgres/sql/lookup.js'
import { ParserPool, type ParserOptions } from '../proxy/postgres/sql/parser.js'
import { PostgresCluster } from './embedded/postgres-cluster.js'

/** Owns every database, and is no superuser: a schema file can't reach out of the server. */
const AUTHOR = 'policy_author'

/** Starts the server and fills a database for each schema. @throws WarderError `INVALID_ARGUMENT` */
export async function openSqlBench(
  schemas: Readonly<Record<string, string>>,
  parserOptions: Pick<ParserOptions, 'workerUrl'> = {},
): Promise<SqlBench> {
  const directory = mkdtempSync(join(tmpdir(), 'warder-policy-test-'))
  // As root the server runs as another user, who has to get in.
  chmodSync(directory, 0o711)
  const closes: (() => Promise<void> | void)[] = [
    () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }),
  ]
  const close = async () => {
    for (const step of closes.splice(0).reverse()) await step()
  }
  try {
    const cluster = await PostgresCluster.start({
      ...{ dataDirectory: directory, name: 'bench', progress: () => undefined },
      settings: { fsync: 'off' },
      onGivenUp: () => undefined,
    })
    closes.push(() => cluster.stop())
    const parser = new ParserPool({ ...parserOptions, workerCount: 1 })
    closes.push(() => parser.close())
    const url = await authorUrl(cluster)
    const sessions = new Map<string, pg.Client>()
    const open = async (resource: string) => {
      const session = await openSession(cluster, url, resource, schemas[resource])
      closes.push(() => session.end())
      sessions.set(resource, session)
      return session
    }
    for (const resource of Object.keys(schemas)) await open(resource)
    return {
      read: async (resource, text) =>
        readText(text, sessions.get(resource) ?? (await open(resource)), parser),
      close,
    }
  } catch (failure) {
    await close()
    throw failure
  }
}

/** Makes the login; the address of a database for it. */
async function authorUrl(cluster: PostgresCluster): Promise<(database: string) => string> {
  const password = randomBytes(24).toString('base64url')
  const admin = new pg.Client({ connectionString: cluster.url() })
  await admin.connect()
  try {
    await admin.query(
      `CREATE ROLE ${AUTHOR} LOGIN PASSWORD ${admin.escapeLiteral(password)} NOSUPERUSER`,
    )
  } finally {
    await admin.end()
  }
  const { host, port } = cluster
  return (database) =>
    `postgresql://${AUTHOR}:${password}@${host}:${port}/${encodeURIComponent(database)}`
}

async function openSession(
  cluster: PostgresCluster,
  url: (database: string) => string,
  resource: string,
  schema = '',
): Promise<pg.Client> {
  await cluster.ensureDatabase(resource)
  const admin = new pg.Client({ connectionString: cluster.url(resource) })
  await admin.connect()
  try {
    await admin.query(`ALTER SCHEMA public OWNER TO ${AUTHOR}`)
    await admin.query(`GRANT CREATE ON DATABASE ${admin.escapeIdentifier(resource)} TO ${AUTHOR}`)
  } finally {
    await admin.end()
  }
  const session = new pg.Client({ connectionString: url(resource) })
  session.on('error', () => undefined)
  await session.connect()
  try {
    await session.query(schema)
    return session
  } catch (cause) {
    await session.end()
    const why = cause instanceof Error ? cause.message : 'it failed'
    throw new WarderError('INVALID_ARGUMENT', { what: `The schema of ${resource}`, why }, { cause })
  }
}

async function readText(text: string, session: pg.Client, parser: ParserPool): Promise<ReadText> {
  const judged = await judgeSql(text, {
    parser,
    lookup: async (parameters) => {
      const values = parameters.map((list) => [...list])
      const query = { name: 'lookup', text: LOOKUP_SQL, values, rowMode: 'array' as const }
      return (await session.query<(string | null)[]>(query)).rows
    },
  })
  return judged
}
