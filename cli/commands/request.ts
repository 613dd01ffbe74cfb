// `warder request`: opens a grant that ends at its time, for a tool that is started by hand.

import type { Command } from 'commander'
import { visible } from '../../core/visible.js'
import { durationOption, type ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { printJson, timeText } from '../output.js'
import type { Shell } from '../shell.js'
import { openAndWait, type Wish } from '../waiting.js'

interface RequestOptions extends ConnectionOptions {
  readonly resource: string
  readonly role: string
  readonly reason: string
  readonly for?: number
  readonly breakGlass?: boolean
}

/** The wish that the usual options spell. */
export const wishOf = (options: RequestOptions, origin: Wish['origin']): Wish => ({
  resource: options.resource,
  role: options.role,
  reason: options.reason,
  origin,
  ...(options.for === undefined ? {} : { durationMs: options.for }),
  ...(options.breakGlass === true && { breakGlass: true }),
})

/** Adds the options that say what is wanted. */
export const withWish = (command: Command): Command =>
  command
    .requiredOption('--resource <name>', 'what you need access to')
    .requiredOption('--role <name>', 'as which role')
    .option('--reason <text>', 'why; approvers and auditors read it', '')
    .option(
      '--for <time>',
      'for how long, such as 30m; the rule’s own time if absent',
      durationOption,
    )
    .option(
      '--break-glass',
      'in an emergency: open at once, with a reason, and have it reviewed afterwards',
    )

/** Adds the command. */
export function addRequest(program: Command, { context, run, apiCommand, connect }: Shell): void {
  withWish(apiCommand(program, 'request', 'Ask for a grant and wait until it is open.'))
    .addHelpText(
      'after',
      '\nExample:\n  $ warder request --resource orders-db --role reader --for 30m --reason "ticket 7"',
    )
    .action(
      run(async (options: RequestOptions) => {
        const api = await connect(options)
        const stop = new AbortController()
        const off = context.onSignal(() => {
          stop.abort()
        })
        const item = await openAndWait(
          api,
          context,
          wishOf(options, 'request'),
          stop.signal,
        ).finally(off)
        if (options.json === true) printJson(context.stdout, item)
        else context.stdout.write(openText(item.id, item.grant?.expiresAt))
        return EXIT.ok
      }),
    )
}

const openText = (id: string, expiresAt: number | undefined): string =>
  `${visible(id)} is open${expiresAt === undefined ? '' : ` until ${timeText(expiresAt)}`}\n`
