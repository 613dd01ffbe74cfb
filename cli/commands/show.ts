// `warder show`: one item in full, as somebody has to see it before he decides.

import type { Command } from 'commander'
import { itemView } from '../../contract/items.js'
import type { ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { itemText } from '../item-text.js'
import { printJson } from '../output.js'
import type { Shell } from '../shell.js'

/** Adds the command. */
export function addShow(program: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(program, 'show', 'Show a request or a held command in full.')
    .argument('<id>', 'req_…, grt_… or cmd_…')
    .action(
      run(async (id: string, options: ConnectionOptions) => {
        const api = await connect(options)
        const answer = await api.get(`/v1/inbox/${encodeURIComponent(id)}`, itemView)
        if (options.json === true) printJson(context.stdout, answer)
        else context.stdout.write(itemText(answer, context.clock.now()))
        return EXIT.ok
      }),
    )
}
