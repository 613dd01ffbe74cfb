// `warder exec`: what a pipeline uses. Gets the window, runs the command in it, ends the grant when
// the command ends, and returns the command's exit code.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { gateway } from '../../contract/answers.js'
import type { ApiClient } from '../api-client.js'
import { runChild } from '../child.js'
import type { ConnectionOptions } from '../connection.js'
import type { CliContext } from '../context.js'
import { EXIT_CODES_HELP } from '../exit-codes.js'
import { usageFailure } from '../failure.js'
import { postgresEnv } from '../postgres-env.js'
import type { Shell } from '../shell.js'
import { giveBack, openAndWait, refuseBrokenOff, type Wish } from '../waiting.js'
import { wishOf, withWish } from './request.js'

interface ExecOptions extends ConnectionOptions {
  readonly resource: string
  readonly role: string
  readonly reason: string
  readonly for?: number
  readonly plan?: string
  readonly breakGlass?: boolean
}

const HELP = `
The command gets PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE and PGSSLROOTCERT, so that
psql, pg_dump and every driver that knows them go through the gateway unchanged.

Examples:
  $ warder exec --resource orders-db --role migrator --reason "release 42" -- psql -f migrate.sql
  $ warder exec --resource orders-db --role reader --for 5m -- sh -c 'pg_dump -t items > items.sql'
  $ warder exec --resource orders-db --role migrator --plan migrate.sql -- psql -f migrate.sql

The exit code is the command's own; 126 or 127 when it can't be run, 128 + n when signal n ended it.
${EXIT_CODES_HELP}`

/** Adds the command. */
export function addExec(program: Command, { context, run, apiCommand, connect }: Shell): void {
  withWish(apiCommand(program, 'exec', 'Run a command inside a grant that ends with it.'))
    .option(
      '--plan <file>',
      'SQL file whose statements are approved once, before anything runs; each passes once, in order',
    )
    .argument('<command...>', 'the command and its arguments, after --')
    .addHelpText('after', HELP)
    .action(
      run(async (command: readonly string[], options: ExecOptions) => {
        const [file, ...args] = command
        if (file === undefined)
          throw usageFailure('No command is given.', 'Write it after --, as in -- psql -c …')
        const api = await connect(options)
        const wish = { ...wishOf(options, 'exec'), ...(await planIn(options.plan)) }
        return await execute(api, context, wish, [file, ...args])
      }),
    )
}

/** People approve what stands in the file now; whatever it holds later is compared with that. */
async function planIn(file: string | undefined): Promise<Pick<Wish, 'plan'>> {
  if (file === undefined) return {}
  const plan = await readFile(file, 'utf8').catch(() => {
    throw usageFailure(`The plan ${file} can't be read.`, 'Give the path of an SQL file.')
  })
  return { plan }
}

async function execute(
  api: ApiClient,
  context: CliContext,
  wish: Wish,
  command: readonly [string, ...string[]],
): Promise<number> {
  const stop = new AbortController()
  // Stays until the command listens itself: no signal may fall between the two.
  const off = context.onSignal(() => {
    stop.abort()
  })
  const { id } = await openAndWait(api, context, wish, stop.signal).catch((error: unknown) => {
    off()
    throw error
  })
  try {
    return await inWindow(api, context, wish, id, (env) => {
      refuseBrokenOff(stop.signal, id)
      const running = runChild(context, command, env)
      off()
      return running
    })
  } finally {
    off()
    await giveBack(api, context, id)
  }
}

/** Calls `use` with the environment of the window; the authority's file lives as long. */
async function inWindow(
  api: ApiClient,
  { env }: CliContext,
  { resource, role }: Wish,
  requestId: string,
  use: (env: Record<string, string | undefined>) => Promise<number>,
): Promise<number> {
  const { postgres, ca } = await api.get('/v1/gateway', gateway)
  const token = await api.token()
  const folder = ca === undefined ? undefined : await mkdtemp(join(tmpdir(), 'warder-'))
  try {
    const authorityFile = folder === undefined ? undefined : join(folder, 'gateway-ca.pem')
    if (authorityFile !== undefined && ca !== undefined)
      await writeFile(authorityFile, ca, { mode: 0o600 })
    const { host, port } = postgres
    return await use(
      postgresEnv(env, { host, port, resource, role, requestId, token, authorityFile }),
    )
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}
