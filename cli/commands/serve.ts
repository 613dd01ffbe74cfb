// `warder up`, `warder gateway`, `warder worker`: the commands that serve. What each does, app/ passes in.

import type { Command } from 'commander'
import type { Shell } from '../shell.js'

interface PolicyOption {
  readonly policy?: string
}

/** Adds the commands. */
export function addServing(program: Command, { serve, run }: Shell): void {
  program
    .command('up')
    .description('Start everything on this machine: store, Temporal, worker, gateways, API.')
    .option('--policy <file>', 'policy file, applied at start and when it changes')
    .addHelpText('after', '\nExample:\n  $ warder up --policy policy.yaml')
    .action(run((options: PolicyOption) => serve.up({ policyFile: options.policy })))
  program
    .command('gateway')
    .description('Start gateways and their API: as many as wanted, on any number of machines.')
    .addHelpText(
      'after',
      '\nNeeds DATABASE_URL, TEMPORAL_ADDRESS and the keys of the others.\n\nExample:\n  $ WARDER_GATEWAY_PROCESSES=4 warder gateway',
    )
    .action(run(() => serve.gateway()))
  program
    .command('worker')
    .description('Start a worker, which runs the workflows. Callers never reach it.')
    .option('--policy <file>', 'policy file, applied at start and when it changes')
    .addHelpText('after', '\nNeeds what `warder gateway` needs.\n\nExample:\n  $ warder worker')
    .action(run((options: PolicyOption) => serve.worker({ policyFile: options.policy })))
}
