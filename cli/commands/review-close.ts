// `warder review-close`: what became of an emergency, said by whoever had to look at it.

import { Option, type Command } from 'commander'
import { closed } from '../../contract/answers.js'
import { visible } from '../../core/visible.js'
import type { ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { printJson } from '../output.js'
import type { Shell } from '../shell.js'

interface CloseOptions extends ConnectionOptions {
  readonly finding: string
  readonly reason: string
}

const HELP = `
Examples:
  $ warder show req_7f3k…
  $ warder audit query --id req_7f3k…
  $ warder review-close req_7f3k… --finding justified --reason "the replica was down, see incident 7"`

/** Adds the command. */
export function addReviewClose(
  program: Command,
  { context, run, apiCommand, connect }: Shell,
): void {
  apiCommand(program, 'review-close', 'Close the review of a break-glass grant that is over.')
    .argument('<id>', 'req_… or grt_…')
    .addOption(
      new Option('--finding <finding>', 'what you found')
        .choices(['justified', 'unjustified'])
        .makeOptionMandatory(),
    )
    .requiredOption('--reason <text>', 'why you think so; auditors read it')
    .addHelpText('after', HELP)
    .action(
      run(async (id: string, { finding, reason, ...options }: CloseOptions) => {
        const api = await connect(options)
        const path = `/v1/requests/${encodeURIComponent(id)}/closure`
        const answer = await api.post(path, { finding, reason, channel: 'cli' }, closed)
        if (options.json === true) printJson(context.stdout, answer)
        else context.stdout.write(`${visible(answer.id)} is closed as ${finding}\n`)
        return EXIT.ok
      }),
    )
}
