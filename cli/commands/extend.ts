// `warder extend`: lets a grant last longer, up to the maximum of the policy.

import type { Command } from 'commander'
import { extended } from '../../contract/answers.js'
import { visible } from '../../core/visible.js'
import { durationOption, type ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { printJson, timeText } from '../output.js'
import type { Shell } from '../shell.js'

/** Adds the command. */
export function addExtend(program: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(program, 'extend', 'Let a grant last longer.')
    .argument('<id>', 'req_… or grt_…')
    .requiredOption('--by <time>', 'by how much, such as 30m', durationOption)
    .action(
      run(async (id: string, options: ConnectionOptions & { by: number }) => {
        const api = await connect(options)
        const answer = await api.post('/v1/extensions', { id, byMs: options.by }, extended)
        if (options.json === true) printJson(context.stdout, answer)
        else context.stdout.write(`${visible(answer.id)} now ends ${timeText(answer.expiresAt)}\n`)
        return EXIT.ok
      }),
    )
}
