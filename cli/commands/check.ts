// `warder check`: a policy file, checked without any server, and what a token may do under it.

import { createHash } from 'node:crypto'
import type { Command } from 'commander'
import { visible } from '../../core/visible.js'
import { explainPolicy } from '../../policy/explain.js'
import { loadPolicy } from '../../policy/load.js'
import { problemText } from '../../policy/problem.js'
import { readTextFile } from '../connection.js'
import type { CliContext } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { usageFailure } from '../failure.js'
import { printJson } from '../output.js'
import type { Shell } from '../shell.js'
import { givenToken, showToken, type TokenOptions } from './check-token.js'

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Adds the command. */
export function addCheck(program: Command, { context, run, readToken }: Shell): void {
  program
    .command('check')
    .argument('[file]', 'policy file (WARDER_POLICY)')
    .description(
      'Check a policy file, offline; every mistake is named with its line. With a token: explain, claim by claim, what it may do under that policy, without using it.',
    )
    .option('--policy <file>', 'the policy file, instead of the argument')
    .option('--token-file <file>', 'explain the token in this file')
    .option('--token <->', 'explain the token on standard input; only - is taken')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ warder check policy.yaml\n  $ warder check policy.yaml --token-file job.jwt',
    )
    .action(
      run(async (argument: string | undefined, options: CheckOptions) => {
        const token = await givenToken(options, context.stdin)
        const file = policyFileOf(argument, options, context)
        const source = await readTextFile(file, 'The policy')
        const asJson = options.json === true
        const loaded = loadPolicy(source, sha256Hex)
        if (token === undefined || !loaded.ok) {
          const code = checkSource(context, file, source, asJson)
          if (loaded.ok && !asJson)
            for (const line of explainPolicy(loaded.policy))
              context.stdout.write(`${visible(line)}\n`)
          return code
        }
        return showToken(context, await readToken(token, loaded.policy), loaded.policy, asJson)
      }),
    )
}

interface CheckOptions extends TokenOptions {
  readonly policy?: string
  readonly json?: boolean
}

function policyFileOf(
  argument: string | undefined,
  { policy }: CheckOptions,
  { env }: CliContext,
): string {
  if (argument !== undefined && policy !== undefined)
    throw usageFailure('Two policies are given.', 'Name one, as the argument or with --policy.')
  const file = argument ?? policy ?? env['WARDER_POLICY']
  if (file === undefined) throw usageFailure('No policy is given.', 'Name the policy file.')
  return file
}

/** Prints what is wrong with a policy, or that nothing is; 65 when something is. */
export function checkSource(
  { stdout, stderr }: CliContext,
  file: string,
  source: string,
  asJson: boolean,
): number {
  const loaded = loadPolicy(source, sha256Hex)
  if (asJson)
    printJson(
      stdout,
      loaded.ok
        ? { valid: true, digest: loaded.policy.digest }
        : { valid: false, problems: loaded.problems },
    )
  else if (loaded.ok) stdout.write(`${visible(file)} is valid (digest ${loaded.policy.digest})\n`)
  else
    for (const problem of loaded.problems)
      stderr.write(`${visible(file)}: ${visible(problemText(problem))}\n`)
  return loaded.ok ? EXIT.ok : EXIT.data
}
