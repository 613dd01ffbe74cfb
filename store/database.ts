// Opens the pool to PostgreSQL with deadlines on everything. Never reads configuration; a
// connection on which something went wrong is closed, not reused.

import {
  Kysely,
  type PostgresCursor,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
} from 'kysely'
import pg from 'pg'
import { assert } from '../core/errors.js'
import { sqlState } from './call.js'
import type { Schema } from './schema.js'

/** Longest wait for a connection: a free one of the pool, or a new one. */
const CONNECT_MS_MAX = 3_000
/** Longest that the server may work on one statement, and wait for a lock within it. */
const STATEMENT_MS_MAX = 5_000
/** Beyond the server's own limit: only reached when the server no longer answers. */
const ANSWER_MS_MAX = STATEMENT_MS_MAX + 1_000
/** Longest that a transaction may sit between two statements. */
const IDLE_IN_TRANSACTION_MS_MAX = 10_000

/** The schema that all of Warder's tables live in. */
export const STORE_SCHEMA = 'warder'

/** How a pool is opened. */
export interface DatabaseOptions {
  /** Most connections held at the same time. */
  readonly poolMax: number
  /** Shown in `pg_stat_activity`, at most 63 bytes. */
  readonly applicationName: string
  /** Longest that the server may work on one statement; 5 s when absent. */
  readonly statementMsMax?: number | undefined
}

/**
 * Opens a pool to the store at `url` (`postgres://…`). Connects lazily; `destroy()` closes it.
 *
 * `int8` columns are read as numbers: everything kept there is far below 2^53.
 */
export function openDatabase(url: string, options: DatabaseOptions): Kysely<Schema> {
  const statementMs = options.statementMsMax ?? STATEMENT_MS_MAX
  const pool = new pg.Pool({
    connectionString: url,
    max: options.poolMax,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    query_timeout: statementMs + ANSWER_MS_MAX - STATEMENT_MS_MAX,
    keepAlive: true,
    // A commit that was answered must survive a crash, whatever the server's default is; a pinned
    // search_path keeps other people's tables from standing in for ours.
    options: [
      `-c statement_timeout=${String(statementMs)}`,
      `-c idle_in_transaction_session_timeout=${String(IDLE_IN_TRANSACTION_MS_MAX)}`,
      `-c search_path=${STORE_SCHEMA}`,
      '-c synchronous_commit=on',
      '-c TimeZone=UTC',
    ].join(' '),
    types: typeParsers(),
  })
  // An idle connection that breaks is dropped by the pool; the next call says what is wrong.
  pool.on('error', () => undefined)
  // One that breaks while it is lent out tells its client, whose query fails; without a listener of
  // its own the event would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: discardingPool(pool) }) })
}

const INT8_OID = 20

function typeParsers(): pg.CustomTypesConfig {
  const overrides = new pg.TypeOverrides()
  overrides.setTypeParser(INT8_OID, safeInteger)
  return overrides
}

function safeInteger(text: string): number {
  const value = Number(text)
  assert(Number.isSafeInteger(value), 'a stored number stays below 2^53')
  return value
}

/**
 * A pool that closes a connection on which a query failed without an answer of the server (lost,
 * timed out): its state is unknown, and the next caller would wait behind the old query.
 */
function discardingPool(pool: pg.Pool): PostgresPool {
  return {
    connect: async () => new DiscardingClient(await pool.connect()),
    end: () => pool.end(),
  }
}

class DiscardingClient implements PostgresPoolClient {
  readonly #client: pg.PoolClient
  #broken = false

  constructor(client: pg.PoolClient) {
    this.#client = client
  }

  query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  query<R>(
    text: string | PostgresCursor<R>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    assert(typeof text === 'string', 'the store reads in pages, not through cursors')
    return this.#query<R>(text, parameters)
  }

  release(): void {
    this.#client.release(this.#broken)
  }

  async #query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    try {
      const result = await this.#client.query(text, [...parameters])
      // The server's command tag and count, in the narrower words of kysely.
      return result as unknown as PostgresQueryResult<R>
    } catch (error) {
      if (sqlState(error) === undefined) this.#broken = true
      throw error
    }
  }
}
