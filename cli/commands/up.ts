// `warder up`: everything in one process. What that is, app/ passes in.

import type { Command } from 'commander'
import type { Shell } from '../shell.js'

/** Adds the command. */
export function addUp(program: Command, { up, run }: Shell): void {
  program
    .command('up')
    .description('Start everything in one process: gateway, API, worker, store.')
    .option('--policy <file>', 'policy file, applied at start and when it changes')
    .addHelpText('after', '\nExample:\n  $ warder up --policy policy.yaml')
    .action(run((options: { policy?: string }) => up({ policyFile: options.policy })))
}
