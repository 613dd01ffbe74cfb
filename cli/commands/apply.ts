// `warder apply`: checks a policy here, compares it there, and puts it in force.

import { InvalidArgumentError, type Command } from 'commander'
import type { z } from 'zod'
import { policyApplied } from '../../contract/policies.js'
import type { ApiClient } from '../api-client.js'
import { readTextFile, type ConnectionOptions } from '../connection.js'
import type { CliContext } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { printJson } from '../output.js'
import { appliedText, differenceText, inForce } from '../policy-text.js'
import type { Shell } from '../shell.js'
import { checkSource } from './check.js'

/** Options of everything that may bring a policy into force. */
export interface ApplyOptions extends ConnectionOptions {
  readonly dryRun?: boolean
  readonly reason: string
  readonly expect?: number
}

/** Adds those options to a command. */
export const withApplying = (command: Command): Command =>
  command
    .option('--dry-run', 'only show what would change')
    .option('--reason <text>', 'why; kept with the version', '')
    .option('--expect <version>', 'only if this version is in force (0: none)', versionOption)

/** Reads the number of a version. */
export function versionOption(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write the number of a version.')
  return Number(text)
}

/** The fields that the API takes of them. */
export const termsOf = ({ dryRun = false, reason, expect }: ApplyOptions) => ({
  ...{ dryRun, reason },
  ...(expect === undefined ? {} : { expect }),
})

/** Adds the command. */
export function addApply(program: Command, { context, run, apiCommand, connect }: Shell): void {
  withApplying(
    apiCommand(program, 'apply', 'Put a policy in force, after showing what it changes.'),
  )
    .argument('<file>', 'policy file')
    .addHelpText(
      'after',
      '\nExamples:\n  $ warder apply policy.yaml --dry-run\n  $ warder apply policy.yaml --expect 7 --reason "ticket 4711"',
    )
    .action(
      run(async (file: string, options: ApplyOptions) => {
        const source = await readTextFile(file, 'The policy')
        const checked = checkSource({ ...context, stdout: context.stderr }, file, source, false)
        if (checked !== EXIT.ok) return checked
        const api = await connect(options)
        const body = { source, ...termsOf(options) }
        const answer = await api.post('/v1/policies', body, policyApplied)
        return tellApplied(context, api, answer, options)
      }),
    )
}

/** Prints what changed and what it became; waits until it is in force everywhere. */
export async function tellApplied(
  context: CliContext,
  api: ApiClient,
  answer: z.output<typeof policyApplied>,
  { json = false, dryRun = false }: Pick<ApplyOptions, 'json' | 'dryRun'>,
): Promise<number> {
  const { stdout } = context
  if (json) printJson(stdout, answer)
  else stdout.write(`${differenceText(answer)}${appliedText(answer)}`)
  if (dryRun || answer.version === undefined) return EXIT.ok
  const { everywhere, text } = await inForce(api, context, answer.version)
  if (!json) stdout.write(text)
  return everywhere ? EXIT.ok : EXIT.unreachable
}
