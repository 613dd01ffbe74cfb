// `warder replay`: what happened in one session, in its order.

import type { Command } from 'commander'
import { z } from 'zod'
import { auditEntry } from '../answers.js'
import type { ConnectionOptions } from '../connection.js'
import { entriesText } from '../entry-text.js'
import { EXIT } from '../exit-codes.js'
import { printJson } from '../output.js'
import type { Shell } from '../shell.js'

const answer = z.looseObject({ entries: z.array(auditEntry) })

/** Adds the command. */
export function addReplay(program: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(program, 'replay', 'Show what happened in a session, in its order.')
    .argument('<session>', 'ses_…')
    .action(
      run(async (id: string, options: ConnectionOptions) => {
        const api = await connect(options)
        const replay = await api.get(`/v1/sessions/${encodeURIComponent(id)}/replay`, answer)
        if (options.json === true) printJson(context.stdout, replay)
        else context.stdout.write(entriesText(replay.entries))
        return EXIT.ok
      }),
    )
}
