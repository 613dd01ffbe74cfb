// `warder check`: a policy file, checked without any server.

import { createHash } from 'node:crypto'
import type { Command } from 'commander'
import { visible } from '../../core/visible.js'
import { loadPolicy } from '../../policy/load.js'
import { problemText } from '../../policy/problem.js'
import { readTextFile } from '../connection.js'
import type { CliContext } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { printJson } from '../output.js'
import type { Shell } from '../shell.js'

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Adds the command. */
export function addCheck(program: Command, { context, run }: Shell): void {
  program
    .command('check')
    .argument('<file>', 'policy file')
    .description('Check a policy file, offline; every mistake is named with its line.')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  $ warder check policy.yaml')
    .action(
      run(async (file: string, options: { json?: boolean }) => {
        const source = await readTextFile(file, 'The policy')
        return checkSource(context, file, source, options.json === true)
      }),
    )
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
