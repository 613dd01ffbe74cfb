// The servers that an end-to-end test owns itself: its target, and sometimes store and Temporal.

import pg from 'pg'
import { PostgresCluster } from '../../app/embedded/postgres-cluster.js'
import { TemporalServer } from '../../app/embedded/temporal-server.js'

/** Database of the target. */
export const DATABASE = 'shop'
/** The login that the gateway's stored credential is of. */
export const TARGET_USER = 'warder'

/** Starts a PostgreSQL of its own below the directory; on the same data and port when there is one. */
export async function startCluster(
  directory: string,
  name: string,
  port?: number,
): Promise<PostgresCluster> {
  return PostgresCluster.start({
    ...{ dataDirectory: directory, name, progress: () => undefined },
    ...(port === undefined ? {} : { port }),
    settings: { fsync: 'off' },
    onGivenUp: (failure) => {
      throw failure
    },
  })
}

/** Store and Temporal as Warder's environment names them, and how to end them. */
export async function outsideEngines(
  directory: string,
  closes: (() => Promise<void>)[],
): Promise<Readonly<Record<string, string>>> {
  const store = await startCluster(directory, 'store')
  closes.push(() => store.stop())
  await store.ensureDatabase('warder')
  const binary = process.env['WARDER_TEST_TEMPORAL']
  if (binary === undefined) throw new Error('test/setup/programs.ts did not run')
  const temporal = await TemporalServer.start({
    ...{ binary, dataDirectory: directory, progress: () => undefined },
    onGivenUp: (failure) => {
      throw failure
    },
  })
  closes.push(() => temporal.stop())
  return { DATABASE_URL: store.url('warder'), TEMPORAL_ADDRESS: temporal.address }
}

/** Makes the login and the one table that the tests work on. */
export async function fillTarget(target: PostgresCluster, password: string): Promise<void> {
  await withClient(target.url(), (client) =>
    client.query(`CREATE ROLE ${TARGET_USER} LOGIN PASSWORD ${client.escapeLiteral(password)}`),
  )
  await target.ensureDatabase(DATABASE)
  await withClient(target.url(DATABASE), async (client) => {
    await client.query(`ALTER DATABASE ${DATABASE} OWNER TO ${TARGET_USER}`)
    await client.query(`ALTER SCHEMA public OWNER TO ${TARGET_USER}`)
    await client.query(`SET ROLE ${TARGET_USER}`)
    await client.query('CREATE TABLE orders (id bigint PRIMARY KEY, item text NOT NULL)')
  })
}

/** Works on one connection, past Warder. */
export async function withClient<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
