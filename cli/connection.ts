// From options and environment to an API client: which server, which authority, which token.

import { readFile, stat } from 'node:fs/promises'
import { InvalidArgumentError, type Command } from 'commander'
import { DURATION, durationMs } from '../policy/duration.js'
import { ApiClient } from './api-client.js'
import type { CliContext } from './context.js'
import { usageFailure } from './failure.js'

/** Options that every command towards the API takes. */
export interface ConnectionOptions {
  readonly server?: string
  readonly ca?: string
  readonly tokenFile?: string
  readonly json?: boolean
}

/** A token, a certificate or a policy is smaller than this; anything else is the wrong file. */
const FILE_BYTES_MAX = 1024 * 1024

/** Adds those options to a command. */
export const withConnection = (command: Command): Command =>
  command
    .option('--server <url>', 'address of the Warder API (WARDER_SERVER)')
    .option('--ca <file>', 'PEM of the authority behind its certificate (WARDER_CA)')
    .option('--token-file <file>', 'file with your token (WARDER_TOKEN, WARDER_TOKEN_FILE)')
    .option('--json', 'print the answer as JSON')

/** Reads a text file. @throws CliFailure */
export async function readTextFile(path: string, what: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > FILE_BYTES_MAX) throw new Error('it is longer than 1 MiB')
    return await readFile(path, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unreadable'
    throw usageFailure(`${what} can't be read: ${why}.`, 'Check the path and its permissions.')
  }
}

/** The client for the options and environment given. @throws CliFailure */
export async function connect(
  { env, pause }: CliContext,
  options: ConnectionOptions,
): Promise<ApiClient> {
  const address = options.server ?? env['WARDER_SERVER']
  if (address === undefined || !URL.canParse(address))
    throw usageFailure(
      address === undefined ? 'No server is given.' : `${address} is not a URL.`,
      'Give --server https://… or set WARDER_SERVER.',
    )
  const caFile = options.ca ?? env['WARDER_CA']
  const ca = caFile === undefined ? undefined : await readTextFile(caFile, 'The authority (--ca)')
  const token = () => tokenOf(env, options)
  return new ApiClient({ server: new URL(address), ca, token, pause })
}

async function tokenOf(env: CliContext['env'], options: ConnectionOptions): Promise<string> {
  const file =
    options.tokenFile ?? (env['WARDER_TOKEN'] === undefined ? env['WARDER_TOKEN_FILE'] : undefined)
  const token = file === undefined ? env['WARDER_TOKEN'] : await readTextFile(file, 'The token')
  const trimmed = token?.trim() ?? ''
  if (!/^[\x21-\x7e]+$/.test(trimmed))
    throw usageFailure(
      trimmed === '' ? 'No token is given.' : 'The token holds blanks or control characters.',
      'Give --token-file FILE, or set WARDER_TOKEN or WARDER_TOKEN_FILE.',
    )
  return trimmed
}

/** Parses `30m` for an option. */
export function durationOption(text: string): number {
  if (!DURATION.test(text))
    throw new InvalidArgumentError('Write a whole number and a unit, such as 30s, 15m or 2h.')
  return durationMs(text)
}
