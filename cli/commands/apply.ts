// `warder apply`: checks a policy here, compares it there, and puts it in force.

import type { Command } from 'commander'
import { difference } from '../../contract/answers.js'
import { visible } from '../../core/visible.js'
import { readTextFile, type ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { printJson } from '../output.js'
import type { Shell } from '../shell.js'
import { checkSource } from './check.js'

/** Adds the command. */
export function addApply(program: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(program, 'apply', 'Put a policy in force, after showing what it changes.')
    .argument('<file>', 'policy file')
    .option('--dry-run', 'only show what would change')
    .addHelpText('after', '\nExample:\n  $ warder apply policy.yaml --dry-run')
    .action(
      run(async (file: string, options: ConnectionOptions & { dryRun?: boolean }) => {
        const source = await readTextFile(file, 'The policy')
        const checked = checkSource({ ...context, stdout: context.stderr }, file, source, false)
        if (checked !== EXIT.ok) return checked
        const api = await connect(options)
        const dryRun = options.dryRun === true
        const answer = await api.post('/v1/policies', { source, dryRun }, difference)
        if (options.json === true) {
          printJson(context.stdout, answer)
          return EXIT.ok
        }
        for (const change of answer.changes) context.stdout.write(`  ${visible(change)}\n`)
        if (answer.changes.length === 0) context.stdout.write('  nothing changes\n')
        const done =
          answer.version === undefined ? 'not applied' : `in force as version ${answer.version}`
        context.stdout.write(`${done} (digest ${visible(answer.digest)})\n`)
        return EXIT.ok
      }),
    )
}
