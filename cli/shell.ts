// What every command is built with; the program makes it once. Types only.

import type { Command } from 'commander'
import type { ApiClient } from './api-client.js'
import type { ConnectionOptions } from './connection.js'
import type { CliContext, CliDependencies } from './context.js'

/** What a command is built with. */
export interface Shell {
  readonly context: CliContext
  readonly version: string
  readonly serve: Pick<CliDependencies, 'up' | 'gateway' | 'worker'>
  readonly readToken: CliDependencies['readToken']
  readonly openSqlBench: CliDependencies['openSqlBench']
  /** Wraps an action: its number becomes the exit code, its failure a message. */
  readonly run: <A extends unknown[]>(
    action: (...args: A) => Promise<number>,
  ) => (...args: A) => Promise<void>
  /** Adds a command towards the API. */
  readonly apiCommand: (parent: Command, usage: string, summary: string) => Command
  readonly connect: (options: ConnectionOptions) => Promise<ApiClient>
}
