// `warder secret put`: stores a credential for a target. The value comes from standard input only, so
// that it stands in no argument list and no history.

import type { Command } from 'commander'
import type { Readable } from 'node:stream'
import { stored } from '../../contract/answers.js'
import { visible } from '../../core/visible.js'
import type { ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { usageFailure } from '../failure.js'
import { printJson } from '../output.js'
import { readPiped } from '../piped.js'
import type { Shell } from '../shell.js'

const SECRET_BYTES_MAX = 32 * 1024
const TOO_LONG = {
  message: 'The secret is longer than 32 KiB.',
  remedy: 'Pipe the secret alone.',
}

/** Adds the command. */
export function addSecret(program: Command, { context, run, apiCommand, connect }: Shell): void {
  const secret = program.command('secret').description('Credentials towards targets.')
  apiCommand(secret, 'put', 'Store a secret, read from standard input.')
    .argument('<name>', 'the name that the policy refers to')
    .addHelpText(
      'after',
      '\nExample:\n  $ pass show orders-db | warder secret put orders-db-password',
    )
    .action(
      run(async (name: string, options: ConnectionOptions) => {
        const api = await connect(options)
        const value = await readSecret(context.stdin)
        const answer = await api.put(`/v1/secrets/${encodeURIComponent(name)}`, { value }, stored)
        if (options.json === true) printJson(context.stdout, answer)
        else context.stdout.write(`${visible(answer.name)} stored as version ${answer.version}\n`)
        return EXIT.ok
      }),
    )
}

/** Everything up to the end, without the one line feed that tools add. */
async function readSecret(stdin: Readable): Promise<string> {
  const piped = await readPiped(stdin, SECRET_BYTES_MAX, TOO_LONG)
  const value = piped.replace(/\r?\n$/, '')
  if (value === '') throw usageFailure('The secret is empty.', 'Pipe it into this command.')
  return value
}
