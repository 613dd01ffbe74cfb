// `warder approve` and `warder deny`.

import type { Command } from 'commander'
import { decided } from '../../contract/answers.js'
import { visible } from '../../core/visible.js'
import type { ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { printJson } from '../output.js'
import type { Shell } from '../shell.js'

/** Adds both commands. */
export function addDecisions(program: Command, shell: Shell): void {
  addAnswer(program, shell, 'approve', 'Approve a request or a held command.')
  addAnswer(program, shell, 'deny', 'Deny a request or a held command.')
}

function addAnswer(
  program: Command,
  { context, run, apiCommand, connect }: Shell,
  answer: 'approve' | 'deny',
  summary: string,
): void {
  apiCommand(program, answer, summary)
    .argument('<id>', 'req_… or cmd_…')
    .option('--reason <text>', 'why; everybody who sees the item reads it', '')
    .addHelpText('after', `\nExample:\n  $ warder show cmd_7f3k…\n  $ warder ${answer} cmd_7f3k…`)
    .action(
      run(async (id: string, options: ConnectionOptions & { reason: string }) => {
        const api = await connect(options)
        const body = { id, answer, reason: options.reason, channel: 'cli' }
        const result = await api.post('/v1/decisions', body, decided)
        const text =
          result.state === 'pending'
            ? 'noted; it still needs others to agree'
            : visible(result.state)
        if (options.json === true) printJson(context.stdout, result)
        else context.stdout.write(`${visible(result.id)}: ${text}\n`)
        return EXIT.ok
      }),
    )
}
