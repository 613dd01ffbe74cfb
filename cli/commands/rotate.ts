// `warder rotate`: a new password for a target, at the target and in the store.

import type { Command } from 'commander'
import { rotated } from '../../contract/service-keys.js'
import { visible } from '../../core/visible.js'
import type { ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { printJson } from '../output.js'
import type { Shell } from '../shell.js'

const WAIT_MS_MAX = 60_000

/** Adds the command. */
export function addRotate(program: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(program, 'rotate', 'Change a target’s stored password, there and here.')
    .argument('<resource>', 'a resource whose password is stored with Warder')
    .addHelpText('after', '\nIf it fails, run it again: sessions go on with a password that works.')
    .action(
      run(async (resource: string, options: ConnectionOptions) => {
        const api = await connect(options)
        const path = `/v1/resources/${encodeURIComponent(resource)}/rotation`
        const answer = await api.post(path, {}, rotated, { waitMs: WAIT_MS_MAX })
        if (options.json === true) printJson(context.stdout, answer)
        else {
          context.stdout.write(
            `${visible(answer.resource)}: ${visible(answer.name)} is at version ${String(answer.version)}\n`,
          )
        }
        return EXIT.ok
      }),
    )
}
