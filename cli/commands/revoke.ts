// `warder revoke`: ends grants at once, and says what was cut.

import type { Command } from 'commander'
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
        context.stdout.write(cutText(answer.sessionsCut, answer.tookMs))
        return EXIT.ok
      }),
    )
}

const cutText = (count: number, tookMs: number): string =>
  `${String(count)} ${count === 1 ? 'session' : 'sessions'} cut in ${String(tookMs)} ms\n`
