// Stands in for psql where there is none: the same options as far as the demo uses them, the same
// words on the screen, and a Node driver on the same wire. Everything it does goes over that wire.

import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { Client, DatabaseError } from 'pg'
import type { QueryArrayResult } from 'pg'
import { serialize } from 'pg-protocol'
import { tableLines } from './table.js'

/** As psql has them: a statement failed, or the connection was lost. */
const FAILED = 1
const LOST = 2
/** Types that psql writes to the right: numbers (pg_type.oid). */
const NUMERIC_TYPES: readonly number[] = [20, 21, 23, 26, 700, 701, 1700]
/** `\warn TEXT`, the one command of psql's own that the demo uses. */
const WARN = '\\warn '

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      username: { type: 'string', short: 'U' },
      command: { type: 'string', short: 'c', multiple: true },
      'no-psqlrc': { type: 'boolean', short: 'X' },
    },
    allowPositionals: true,
  })
  const { env } = process
  const authorityFile = env['PGSSLROOTCERT']
  const client = new Client({
    host: env['PGHOST'],
    port: Number(env['PGPORT']),
    user: values.username ?? env['PGUSER'],
    password: env['PGPASSWORD'],
    database: positionals[0] ?? env['PGDATABASE'],
    ...(authorityFile !== undefined && {
      ssl: { ca: readFileSync(authorityFile, 'utf8'), rejectUnauthorized: true },
    }),
  })
  const { stdout, stderr } = process
  let lost: Error | undefined
  client.on('error', (error) => (lost = error))
  client.on('notice', ({ message, detail, hint }) => {
    say(stderr, 'NOTICE', message ?? '', detail, hint)
  })
  let tag = ''
  const wire = wireOf(client)
  wire.on('commandComplete', ({ text }: { text: string }) => (tag = text))
  wire.on('copyData', ({ chunk }: { chunk: Buffer }) => stdout.write(chunk))
  process.on('SIGINT', () => cancel(client, stderr))
  try {
    await client.connect()
  } catch (error) {
    sayError(stderr, error)
    return LOST
  }
  let code = 0
  for await (const line of values.command ?? createInterface({ input: process.stdin })) {
    if (line.startsWith(WARN)) {
      stderr.write(`${line.slice(WARN.length)}\n`)
      continue
    }
    try {
      const result = await client.query<unknown[]>({ text: line, rowMode: 'array' })
      for (const shown of linesOf(result, tag)) stdout.write(`${shown}\n`)
      code = 0
    } catch (error) {
      sayError(stderr, error)
      code = FAILED
    }
    if (lost !== undefined) return LOST
  }
  await client.end()
  return values.command === undefined ? 0 : code
}

/** The driver's own connection, which tells of every message as it comes. */
function wireOf(client: Client): EventEmitter {
  if ('connection' in client && client.connection instanceof EventEmitter) return client.connection
  throw new Error('this version of pg hides its connection')
}

function linesOf({ fields, rows }: QueryArrayResult<unknown[]>, tag: string): string[] {
  if (fields.length === 0) return [tag]
  const columns = fields.map(({ name, dataTypeID }) => ({
    name,
    isRight: NUMERIC_TYPES.includes(dataTypeID),
  }))
  const cells = rows.map((row) => row.map((value) => (value === null ? '' : textOf(value))))
  return tableLines(columns, cells)
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

function sayError(output: Writable, error: unknown): void {
  if (error instanceof DatabaseError) {
    say(output, error.severity ?? 'ERROR', error.message, error.detail, error.hint)
  } else {
    output.write(`${error instanceof Error ? error.message : String(error)}\n`)
  }
}

function say(
  output: Writable,
  severity: string,
  message: string,
  detail: string | undefined,
  hint: string | undefined,
): void {
  output.write(`${severity}:  ${message}\n`)
  if (detail !== undefined) output.write(`DETAIL:  ${detail}\n`)
  if (hint !== undefined) output.write(`HINT:  ${hint}\n`)
}

/** Asks for the running statement to be cancelled, on a connection of its own, as libpq does. */
function cancel(client: Client, output: Writable): void {
  if (!('processID' in client && 'secretKey' in client)) return
  const { processID, secretKey, host, port } = client
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return
  const socket = connect(port, host, () => {
    socket.end(serialize.cancel(processID, secretKey))
    output.write('Cancel request sent\n')
  })
  socket.on('error', (error) => {
    output.write(`Could not send cancel request: ${error.message}\n`)
  })
}

process.exitCode = await main()
