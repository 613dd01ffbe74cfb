// `warder audit`: verify, query, export, anchor, keys.

import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { auditKeys, auditPage, auditReport, checkpoint } from '../../contract/audit.js'
import { visible, visibleLines } from '../../core/visible.js'
import type { ConnectionOptions } from '../connection.js'
import { entriesText } from '../entry-text.js'
import { EXIT } from '../exit-codes.js'
import { printJson } from '../output.js'
import type { Shell } from '../shell.js'

interface FilterOptions extends ConnectionOptions {
  readonly kind?: string
  readonly principal?: string
  readonly resource?: string
  readonly request?: string
  readonly review?: string
  readonly session?: string
  readonly from?: number
  readonly to?: number
}

interface QueryOptions extends FilterOptions {
  readonly limit?: string
  readonly before?: string
}

/** Adds the commands. */
export function addAudit(program: Command, shell: Shell): void {
  const audit = program.command('audit').description('Read and verify the audit log.')
  addVerify(audit, shell)
  addQuery(audit, shell)
  addExport(audit, shell)
  addAnchor(audit, shell)
  addKeys(audit, shell)
}

function timeOption(text: string): number {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Write a time such as 2026-11-22T03:00Z.')
  return ms
}

const withFilter = (command: Command): Command =>
  command
    .option('--kind <kind>', 'kind of event, such as command.refused')
    .option('--principal <issuer/subject>', 'whose')
    .option('--resource <name>', 'where')
    .option('--request <id>', 'of this request or grant')
    .option('--review <id>', 'of this held command')
    .option('--session <id>', 'of this session')
    .option('--from <time>', 'not before, such as 2026-11-22T03:00Z', timeOption)
    .option('--to <time>', 'before', timeOption)

function queryOf(options: QueryOptions): string {
  const { kind, principal, resource, request, review, session, from, to, limit, before } = options
  const fields = {
    ...{ kind, principal, resource, from, to, limit, before },
    ...{ requestId: request, reviewId: review, sessionId: session },
  }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined) query.set(name, String(value))
  return query.size === 0 ? '' : `?${query.toString()}`
}

function addVerify(audit: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(audit, 'verify', 'Verify the whole log; 65 when it does not hold.').action(
    run(async (options: ConnectionOptions) => {
      const api = await connect(options)
      const report = await api.get('/v1/audit/verify', auditReport, { waitMs: 600_000 })
      if (options.json === true) printJson(context.stdout, report)
      else {
        const { recordCount, chainCount, checkpointCount } = report
        context.stdout.write(
          `${report.intact ? 'intact' : 'BROKEN'}: ${recordCount} records in ${chainCount} chains, ${checkpointCount} checkpoints\n`,
        )
        for (const problem of report.problems) context.stdout.write(`  ${visible(problem)}\n`)
      }
      return report.intact ? EXIT.ok : EXIT.data
    }),
  )
}

function addQuery(audit: Command, { context, run, apiCommand, connect }: Shell): void {
  withFilter(apiCommand(audit, 'query', 'Show events, newest first.'))
    .option('--limit <count>', 'at most this many (500)', '100')
    .option('--before <place>', 'continue where a page ended')
    .action(
      run(async (options: QueryOptions) => {
        const api = await connect(options)
        const page = await api.get(`/v1/audit${queryOf(options)}`, auditPage)
        if (options.json === true) printJson(context.stdout, page)
        else {
          context.stdout.write(entriesText(page.entries))
          if (page.next !== undefined)
            context.stdout.write(`more: add --before ${visible(page.next)}\n`)
        }
        return EXIT.ok
      }),
    )
}

function addExport(audit: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(audit, 'export', 'Write the whole log as JSON Lines; the copy verifies offline.')
    .addHelpText('after', '\nExample:\n  $ warder audit export > log.jsonl')
    .action(
      run(async (options: ConnectionOptions) => {
        const api = await connect(options)
        await api.copy('/v1/audit/export', context.stdout)
        return EXIT.ok
      }),
    )
}

function addAnchor(audit: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(
    audit,
    'anchor',
    'Print the newest signed checkpoint; keep it where Warder can’t write.',
  ).action(
    run(async (options: ConnectionOptions) => {
      const api = await connect(options)
      printJson(context.stdout, await api.get('/v1/audit/anchor', checkpoint))
      return EXIT.ok
    }),
  )
}

function addKeys(audit: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(audit, 'keys', 'Print the public keys that the log is signed with, as PEM.').action(
    run(async (options: ConnectionOptions) => {
      const api = await connect(options)
      const { keys } = await api.get('/v1/audit/keys', auditKeys)
      if (options.json === true) printJson(context.stdout, { keys })
      else for (const key of keys) context.stdout.write(`${visibleLines(key.trim())}\n`)
      return EXIT.ok
    }),
  )
}
