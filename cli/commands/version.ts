// `warder version`.

import type { Command } from 'commander'
import { EXIT } from '../exit-codes.js'
import type { Shell } from '../shell.js'

/** Adds the command. */
export function addVersion(program: Command, { context, version, run }: Shell): void {
  program
    .command('version')
    .description('Print the version.')
    .action(
      run(() => {
        context.stdout.write(`warder ${version}\n`)
        return Promise.resolve(EXIT.ok)
      }),
    )
}
