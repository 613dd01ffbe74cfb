// `warder revoke`: ends grants at once, and says what was cut.

import type { Command } from 'commander'
import type { z } from 'zod'
import { receipt } from '../../contract/answers.js'
import { visible } from '../../core/visible.js'
import type { ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { usageFailure } from '../failure.js'
import { printJson, table } from '../output.js'
import type { Shell } from '../shell.js'

interface RevokeOptions extends ConnectionOptions {
  readonly principal?: string
  readonly resource?: string
  readonly reason: string
}

/** Adds the command. */
export function addRevoke(program: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(program, 'revoke', 'End grants at once, on every gateway.')
    .argument('[id]', 'req_…, grt_… or cmd_…')
    .option('--principal <issuer/subject>', 'everything that this caller holds')
    .option('--resource <name>', 'everything on this resource')
    .requiredOption('--reason <text>', 'why; it goes into the log and to the caller')
    .addHelpText(
      'after',
      '\nExample:\n  $ warder revoke --resource orders-db --reason "incident 7"',
    )
    .action(
      run(async (id: string | undefined, options: RevokeOptions) => {
        const { principal, resource, reason, json } = options
        if ([id, principal, resource].filter((one) => one !== undefined).length !== 1)
          throw usageFailure(
            'Say what to revoke: exactly one of an id, --principal and --resource.',
            '`warder pending --active` lists what is running.',
          )
        const api = await connect(options)
        const answer = await api.post(
          '/v1/revocations',
          { id, principal, resource, reason },
          receipt,
        )
        if (json === true) {
          printJson(context.stdout, answer)
          return EXIT.ok
        }
        const rows = answer.grants.map((grant) => [
          grant.id,
          grant.principal,
          grant.resource,
          grant.role,
        ])
        if (rows.length > 0)
          context.stdout.write(table(['ENDED', 'PRINCIPAL', 'RESOURCE', 'ROLE'], rows))
        for (const withdrawn of answer.withdrawn)
          context.stdout.write(`withdrawn: ${visible(withdrawn)}\n`)
        context.stdout.write(cutText(answer))
        for (const { gateway, sessions } of answer.unconfirmed)
          context.stderr.write(
            `NOT CONFIRMED: ${visible(gateway)} has not said that it cut ${countText(sessions)}. ` +
              'The grant has ended; a gateway that lives cuts within 2 seconds, one that is dead has no sessions.\n',
          )
        return EXIT.ok
      }),
    )
}

const countText = (count: number): string =>
  `${String(count)} ${count === 1 ? 'session' : 'sessions'}`

function cutText({ sessionsCut, cuts, tookMs }: z.infer<typeof receipt>): string {
  const where = cuts.map(({ gateway, sessions }) => `${String(sessions)} on ${visible(gateway)}`)
  const places = where.length < 2 ? '' : ` (${where.join(', ')})`
  return `${countText(sessionsCut)} cut in ${String(tookMs)} ms${places}\n`
}
