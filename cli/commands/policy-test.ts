// `warder policy test`: holds a policy against the cases beside it. No server of Warder's is asked.

import { createHash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { visible } from '../../core/visible.js'
import { loadCases, type CaseFile } from '../../policy/cases-schema.js'
import { loadPolicy } from '../../policy/load.js'
import type { Policy } from '../../policy/policy.js'
import { problemText, type Problem } from '../../policy/problem.js'
import { runCases, type CaseReport, type Checked } from '../../policy/run-cases.js'
import { readTextFile } from '../connection.js'
import type { SqlBench } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { printJson } from '../output.js'
import type { Shell } from '../shell.js'

const DEFAULT_FILE = 'policy.test.yaml'
const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')

const EXAMPLE = `
A file of cases:
  policy: policy.yaml
  schema: { orders-db: schema.sql }
  cases:
    - name: the release job migrates after asking
      who: { issuer: github, claims: { repository_id: "5512" } }
      on: orders-db
      role: migrator
      access: allow
      commands:
        - { sql: create table invoices (id int), expect: ask, approvers: db-owners }
        - { command: { statement: drop-table, writes: [public.orders] }, expect: block }`

/** What is wrong with a file that was to be tested. */
class BadFile extends Error {}

/** Adds the command. */
export function addPolicyTest(policy: Command, { context, run, openSqlBench }: Shell): void {
  const { stdout, stderr } = context
  policy
    .command('test')
    .argument('[files...]', 'files of cases', [DEFAULT_FILE])
    .description('Hold a policy against the cases beside it; 1 when one is not met.')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLE)
    .action(
      run(async (files: string[], options: { json?: boolean }) => {
        const results = []
        for (const file of files) {
          try {
            results.push({ file, ...(await testFile(file, openSqlBench)) })
          } catch (failure) {
            if (!(failure instanceof BadFile)) throw failure
            stderr.write(failure.message)
            return EXIT.data
          }
        }
        if (options.json === true) printJson(stdout, results)
        else for (const result of results) stdout.write(reportText(result.file, result))
        return results.every(({ checks }) => checks.every(({ isMet }) => isMet)) ? EXIT.ok : 1
      }),
    )
}

async function testFile(file: string, openSqlBench: Shell['openSqlBench']): Promise<CaseReport> {
  const loaded = loadCases(await readTextFile(file, 'The file of cases'))
  if (!loaded.ok) throw badFile(file, loaded.problems)
  const { file: cases } = loaded
  const beside = (path: string) => resolve(dirname(file), path)
  const policyFile = beside(cases.policy ?? 'policy.yaml')
  const policy = loadPolicy(await readTextFile(policyFile, 'The policy'), sha256Hex)
  if (!policy.ok) throw badFile(policyFile, policy.problems)
  return withSql(policy.policy, cases, beside, openSqlBench)
}

/** A server is started only where a case is written in SQL. */
async function withSql(
  policy: Policy,
  cases: CaseFile,
  beside: (path: string) => string,
  openSqlBench: Shell['openSqlBench'],
): Promise<CaseReport> {
  const needsSql = cases.cases.some(({ commands }) => commands.some(({ sql }) => sql !== undefined))
  const schemas: Record<string, string> = {}
  if (needsSql)
    for (const [resource, path] of Object.entries(cases.schema))
      schemas[resource] = await readTextFile(beside(path), `The schema of ${resource}`)
  const bench: SqlBench | undefined = needsSql ? await openSqlBench(schemas) : undefined
  try {
    return await runCases(policy, cases, (resource, text) =>
      bench === undefined
        ? Promise.resolve({ outcome: 'invalid', message: 'no server was started' })
        : bench.read(resource, text),
    )
  } finally {
    await bench?.close()
  }
}

const badFile = (file: string, problems: readonly Problem[]): BadFile =>
  new BadFile(
    problems.map((problem) => `${visible(file)}: ${visible(problemText(problem))}\n`).join(''),
  )

/** A dot or an F for each expectation; then what was not met, and what no case touches. */
function reportText(file: string, { checks, touchedCount, untouched }: CaseReport): string {
  const failed = checks.filter(({ isMet }) => !isMet)
  const marks = checks.map(({ isMet }) => (isMet ? '.' : 'F')).join('')
  const total = touchedCount + untouched.length
  const missing = untouched.map(({ label, line }) =>
    line === undefined ? label : `${label} (line ${line})`,
  )
  return [
    `${visible(file)}: ${marks}\n`,
    ...failed.map(failureText),
    `${checks.length - failed.length} of ${checks.length} expectations met; cases touch ${touchedCount} of ${total} lines\n`,
    ...missing.map((text) => `  no case touches ${visible(text)}\n`),
  ].join('')
}

const failureText = ({ name, what, expected, got, why }: Checked): string =>
  [
    `\n${visible(name)}\n  ${visible(what)}\n`,
    `  expected ${visible(expected)}\n  got      ${visible(got)}\n`,
    ...why.map((reason) => `  because  ${visible(reason)}\n`),
    '\n',
  ].join('')
