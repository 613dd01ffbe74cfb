// `warder service-key`: keys for jobs that can't present a token of their own yet.

import type { Command } from 'commander'
import { serviceKeyAdded, serviceKeyList, serviceKeyRevoked } from '../../contract/service-keys.js'
import { visible } from '../../core/visible.js'
import { durationOption, type ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { printJson, timeText } from '../output.js'
import type { Shell } from '../shell.js'

interface AddOptions extends ConnectionOptions {
  readonly role: string
  readonly resource: string
  readonly for: number
}

/** Adds the commands. */
export function addServiceKey(program: Command, shell: Shell): void {
  const keys = program
    .command('service-key')
    .description('Keys for jobs that can’t present a token of their own yet.')
  addAdd(keys, shell)
  addList(keys, shell)
  addRevoke(keys, shell)
}

function addAdd(keys: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(keys, 'add', 'Make a key for one role on one resource; it is printed once.')
    .argument('<name>', 'the principal becomes service-key/NAME')
    .requiredOption('--role <name>', 'the one role that it is for')
    .requiredOption('--resource <name>', 'the one resource that it is for')
    .requiredOption('--for <time>', 'how long it lasts, such as 90d', durationOption)
    .addHelpText(
      'after',
      '\nExample:\n  $ warder service-key add nightly-report --role reader --resource orders-db --for 90d | pass insert -e warder/nightly',
    )
    .action(
      run(async (name: string, { role, resource, for: validForMs, ...options }: AddOptions) => {
        const api = await connect(options)
        const wish = { name, role, resource, validForMs }
        const answer = await api.post('/v1/service-keys', wish, serviceKeyAdded)
        if (options.json === true) printJson(context.stdout, answer)
        else {
          // The key alone on standard output, so that it can be piped to where it is kept.
          context.stdout.write(`${visible(answer.key)}\n`)
          context.stderr.write(
            `service-key/${visible(answer.name)} lasts until ${timeText(answer.expiresAt)}. The key is not shown again.\n`,
          )
        }
        return EXIT.ok
      }),
    )
}

function addList(keys: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(keys, 'list', 'List keys and when each was last used.')
    .option('--unused <time>', 'only those not used for this long, such as 30d', durationOption)
    .action(
      run(async (options: ConnectionOptions & { unused?: number }) => {
        const api = await connect(options)
        const query = options.unused === undefined ? '' : `?unusedForMs=${String(options.unused)}`
        const { keys: found } = await api.get(`/v1/service-keys${query}`, serviceKeyList)
        if (options.json === true) printJson(context.stdout, { keys: found })
        for (const key of options.json === true ? [] : found) {
          const used =
            key.lastUsedAt === undefined ? 'never used' : `used ${timeText(key.lastUsedAt)}`
          const end =
            key.revokedAt === undefined
              ? `ends ${timeText(key.expiresAt)}`
              : `revoked ${timeText(key.revokedAt)}`
          const what = `${visible(key.role)} on ${visible(key.resource)}`
          context.stdout.write(`${visible(key.name)}  ${what}  ${used}  ${end}\n`)
        }
        return EXIT.ok
      }),
    )
}

function addRevoke(keys: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(keys, 'revoke', 'Revoke a key and end what runs under it.')
    .argument('<name>', 'as it was added')
    .action(
      run(async (name: string, options: ConnectionOptions) => {
        const api = await connect(options)
        const path = `/v1/service-keys/${encodeURIComponent(name)}/revocation`
        const answer = await api.post(path, {}, serviceKeyRevoked)
        if (options.json === true) printJson(context.stdout, answer)
        else {
          context.stdout.write(
            `service-key/${visible(answer.name)} revoked, ${String(answer.sessionsCut)} sessions cut\n`,
          )
        }
        return EXIT.ok
      }),
    )
}
