// `warder policy`: versions, differences, rollback, and the second person.

import type { Command } from 'commander'
import {
  policyApplied,
  policyDecided,
  policyDifference,
  policyPage,
  policyProposal,
  policyProposals,
  policyVersion,
} from '../../contract/policies.js'
import { visible } from '../../core/visible.js'
import type { ConnectionOptions } from '../connection.js'
import type { CliContext } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { usageFailure } from '../failure.js'
import { labelled, printJson, timeText } from '../output.js'
import { differenceText, inForce, proposalsText, versionsText } from '../policy-text.js'
import type { Shell } from '../shell.js'
import { addPolicyTest } from './policy-test.js'
import { tellApplied, termsOf, versionOption, withApplying, type ApplyOptions } from './apply.js'

/** Adds the commands. */
export function addPolicy(program: Command, shell: Shell): void {
  const policy = program
    .command('policy')
    .description('Test a policy; see, compare and take back its versions; confirm proposals.')
  addPolicyTest(policy, shell)
  addList(policy, shell)
  addShow(policy, shell)
  addDiff(policy, shell)
  addRollback(policy, shell)
  addProposals(policy, shell)
  addConfirm(policy, shell)
  addReject(policy, shell)
}

function addList(policy: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(policy, 'list', 'List the versions, newest first: who, when, why.')
    .option('--limit <count>', 'at most this many (500)', '50')
    .option('--before <version>', 'continue where a page ended', versionOption)
    .action(
      run(async (options: ConnectionOptions & { limit: string; before?: number }) => {
        const api = await connect(options)
        const query = new URLSearchParams({ limit: options.limit })
        if (options.before !== undefined) query.set('before', String(options.before))
        const page = await api.get(`/v1/policies?${query.toString()}`, policyPage)
        if (options.json === true) printJson(context.stdout, page)
        else {
          context.stdout.write(versionsText(page))
          if (page.next !== undefined) context.stdout.write(`more: add --before ${page.next}\n`)
        }
        return EXIT.ok
      }),
    )
}

function addShow(policy: Command, shell: Shell): void {
  const { context, run, apiCommand, connect } = shell
  apiCommand(policy, 'show', 'Print the text of a version, or a proposal with what it changes.')
    .argument('<version>', 'its number, current, or pol_…')
    .action(
      run(async (which: string, options: ConnectionOptions) => {
        if (which.startsWith('pol_')) return showProposal(shell, which, options)
        if (which !== 'current' && !/^[1-9]\d{0,8}$/.test(which))
          throw usageFailure(`${which} is no version.`, 'Give its number, current, or pol_….')
        const api = await connect(options)
        const found = await api.get(`/v1/policies/${which}`, policyVersion)
        if (options.json === true) printJson(context.stdout, found)
        else context.stdout.write(textFor(context, found.source))
        return EXIT.ok
      }),
    )
}

/** Byte for byte into a file, so that it can be applied again; made visible for a terminal. */
const textFor = ({ isWatched = false }: CliContext, source: string): string =>
  isWatched ? source.split('\n').map(visible).join('\n') : source

async function showProposal(
  { context, connect }: Shell,
  id: string,
  options: ConnectionOptions,
): Promise<number> {
  const api = await connect(options)
  const path = `/v1/policies/proposals/${encodeURIComponent(id)}`
  const found = await api.get(path, policyProposal)
  if (options.json === true) {
    printJson(context.stdout, found)
    return EXIT.ok
  }
  const { state, base, by, at, expiresAt, reason, decidedBy, digest } = found
  context.stdout.write(
    labelled([
      ['proposal', found.id],
      ['state', state],
      ['replaces', `version ${base}`],
      ['by', by],
      ['at', timeText(at)],
      ['until', timeText(expiresAt)],
      ['reason', reason],
      ['decided by', decidedBy],
      ['digest', digest],
    ]) + differenceText(found),
  )
  return EXIT.ok
}

function addDiff(policy: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(policy, 'diff', 'Say what one version gives and takes beside another.')
    .argument('<from>', 'version (0: the empty policy)', versionOption)
    .argument('<to>', 'version', versionOption)
    .action(
      run(async (from: number, to: number, options: ConnectionOptions) => {
        const api = await connect(options)
        const path = `/v1/policies/difference?from=${from}&to=${to}`
        const difference = await api.get(path, policyDifference)
        if (options.json === true) printJson(context.stdout, difference)
        else context.stdout.write(differenceText(difference))
        return EXIT.ok
      }),
    )
}

function addRollback(policy: Command, { context, run, apiCommand, connect }: Shell): void {
  withApplying(apiCommand(policy, 'rollback', 'Apply an older version again, as a new one.'))
    .argument('<version>', 'its number', versionOption)
    .addHelpText('after', '\nExample:\n  $ warder policy rollback 6 --reason "incident 12"')
    .action(
      run(async (version: number, options: ApplyOptions) => {
        if (options.reason === '' && options.dryRun !== true)
          throw usageFailure('No reason is given.', 'Say why with --reason.')
        const api = await connect(options)
        const path = `/v1/policies/${version}/rollback`
        const answer = await api.post(path, termsOf(options), policyApplied)
        return tellApplied(context, api, answer, options)
      }),
    )
}

function addProposals(policy: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(policy, 'proposals', 'List the policies that wait for a second person.').action(
    run(async (options: ConnectionOptions) => {
      const api = await connect(options)
      const answer = await api.get('/v1/policies/proposals', policyProposals)
      if (options.json === true) printJson(context.stdout, answer)
      else context.stdout.write(proposalsText(answer))
      return EXIT.ok
    }),
  )
}

type Decision = ConnectionOptions & { reason: string }

function addConfirm(policy: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(policy, 'confirm', 'Put a proposed policy in force; look at it with show first.')
    .argument('<id>', 'pol_…')
    .option('--reason <text>', 'what you looked at; kept with the version', '')
    .addHelpText(
      'after',
      '\nExample:\n  $ warder policy show pol_7f3k…\n  $ warder policy confirm pol_7f3k…',
    )
    .action(
      run(async (id: string, options: Decision) => {
        const api = await connect(options)
        const path = `/v1/policies/proposals/${encodeURIComponent(id)}/decision`
        const body = { answer: 'confirm', reason: options.reason }
        const answer = await api.post(path, body, policyDecided)
        if (options.json === true) printJson(context.stdout, answer)
        const { version } = answer
        if (version === undefined) return EXIT.ok
        const { everywhere, text } = await inForce(api, context, version)
        if (options.json !== true)
          context.stdout.write(`${visible(answer.id)} is version ${version}; ${text}`)
        return everywhere ? EXIT.ok : EXIT.unreachable
      }),
    )
}

function addReject(policy: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(policy, 'reject', 'Turn a proposed policy down, or take back your own.')
    .argument('<id>', 'pol_…')
    .requiredOption('--reason <text>', 'why; its author reads it')
    .action(
      run(async (id: string, options: Decision) => {
        const api = await connect(options)
        const path = `/v1/policies/proposals/${encodeURIComponent(id)}/decision`
        const body = { answer: 'reject', reason: options.reason }
        const answer = await api.post(path, body, policyDecided)
        if (options.json === true) printJson(context.stdout, answer)
        else context.stdout.write(`${visible(answer.id)} is rejected\n`)
        return EXIT.ok
      }),
    )
}
