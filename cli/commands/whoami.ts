// `warder whoami`: what the gateway makes of a token.

import type { Command } from 'commander'
import { whoami } from '../../contract/answers.js'
import type { ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { labelled, printJson, timeText } from '../output.js'
import type { Shell } from '../shell.js'

/** Adds the command. */
export function addWhoami(program: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(program, 'whoami', 'Show who the gateway takes you for, and what you may do.').action(
    run(async (options: ConnectionOptions) => {
      const api = await connect(options)
      const answer = await api.get('/v1/whoami', whoami)
      if (options.json === true) printJson(context.stdout, answer)
      else
        context.stdout.write(
          labelled([
            ['principal', answer.principal],
            ['chain', answer.chain],
            ['groups', answer.groups.join(', ')],
            ['behind it', answer.parties.join(', ')],
            ['also known as', answer.aliases.join(', ')],
            ['decides for', answer.approverGroups.join(', ')],
            ['duties', answer.duties.join(', ')],
            ['token until', timeText(answer.tokenExpiresAt)],
          ]),
        )
      return EXIT.ok
    }),
  )
}
