// The command line as a whole: every command, its help, and one way for all failures to end.

import { Command, CommanderError } from 'commander'
import type { CliDependencies } from './context.js'
import { connect, withConnection } from './connection.js'
import { EXIT, EXIT_CODES_HELP } from './exit-codes.js'
import { reportFailure } from './failure.js'
import type { Shell } from './shell.js'
import { addApply } from './commands/apply.js'
import { addAudit } from './commands/audit.js'
import { addCheck } from './commands/check.js'
import { addDecisions } from './commands/decide.js'
import { addExec } from './commands/exec.js'
import { addExtend } from './commands/extend.js'
import { addPending } from './commands/pending.js'
import { addPolicy } from './commands/policy.js'
import { addReplay } from './commands/replay.js'
import { addRequest } from './commands/request.js'
import { addReviewClose } from './commands/review-close.js'
import { addRevoke } from './commands/revoke.js'
import { addRotate } from './commands/rotate.js'
import { addSecret } from './commands/secret.js'
import { addServiceKey } from './commands/service-key.js'
import { addShow } from './commands/show.js'
import { addServing } from './commands/serve.js'
import { addVersion } from './commands/version.js'
import { addWhoami } from './commands/whoami.js'

const EXAMPLES = `
Examples:
  $ warder exec --resource orders-db --role migrator --reason "release 42" -- psql -f migrate.sql
  $ warder pending                     what waits for me?
  $ warder show cmd_7f3k…              what exactly would run?
  $ warder approve cmd_7f3k… --reason "reviewed with Dana"
  $ warder revoke --resource orders-db --reason "incident 7"
  $ warder audit query --resource orders-db --from 2026-11-22T03:00Z
${EXIT_CODES_HELP}

Environment: WARDER_SERVER, WARDER_CA, WARDER_TOKEN or WARDER_TOKEN_FILE.`

/** Builds the program; `onExit` gets the exit code of the command that ran. */
export function buildProgram(
  { context, version, openSqlBench, readToken, ...serve }: CliDependencies,
  onExit: (code: number) => void,
): Command {
  const program = new Command('warder')
    .description('Just-in-time access for jobs and agents, with a person in the loop.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .showSuggestionAfterError()
    .addHelpText('after', EXAMPLES)
  const shell: Shell = {
    ...{ context, version, serve, openSqlBench, readToken },
    connect: (options) => connect(context, options),
    apiCommand: (parent, usage, summary) =>
      withConnection(parent.command(usage).description(summary)),
    run:
      (action) =>
      async (...args) => {
        onExit(
          await action(...args).catch((error: unknown) => reportFailure(error, context.stderr)),
        )
      },
  }
  for (const add of COMMANDS) add(program, shell)
  return program
}

const COMMANDS: readonly ((program: Command, shell: Shell) => void)[] = [
  ...[addServing, addCheck, addApply, addRequest, addExec, addPending, addShow, addDecisions],
  ...[addPolicy, addExtend, addReviewClose, addRevoke, addAudit, addReplay, addSecret, addRotate],
  ...[addServiceKey, addWhoami, addVersion],
]

/**
 * Runs the CLI.
 *
 * @param argv without the program's own name
 * @returns the exit code; never throws
 */
export async function runCli(
  dependencies: CliDependencies,
  argv: readonly string[],
): Promise<number> {
  let exitCode: number = EXIT.ok
  const program = buildProgram(dependencies, (code) => {
    exitCode = code
  })
  try {
    if (argv.length === 0) program.help({ error: true })
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    return reportFailure(error, dependencies.context.stderr)
  }
}
