// Holds a policy against cases: judges each as the gateway would, and says where the answer is another
// than was expected. Reading SQL is passed in; no I/O of its own.

import { higherEffect, type ColumnUse, type Command } from '../core/command.js'
import type { Principal } from '../core/principal.js'
import type { AccessVerdict, Reason, Verdict } from '../core/verdict.js'
import { askedMs } from './cases-schema.js'
import type { CaseFile, CommandCase, DescribedCommand, PolicyCase } from './cases-schema.js'
import { judgeAccess } from './judge-access.js'
import { judgeCommand } from './judge-command.js'
import { maskingFor } from './masking.js'
import type { Policy } from './policy.js'
import { nearestOf, type Path } from './problem.js'
import { readSource } from './source.js'
import { STATEMENT_KINDS } from './statement-kinds.js'

/** What a SQL text is, told by whoever can read it. */
export type ReadSql = (resource: string, text: string) => Promise<ReadText>
/** A command, or why there is none. */
export type ReadText =
  | { readonly outcome: 'command'; readonly command: Command }
  | { readonly outcome: 'invalid'; readonly message: string }

/** One expectation and what came of it. */
export interface Checked {
  /** Name of the case. */
  readonly name: string
  /** What was judged: `access`, or the command. */
  readonly what: string
  readonly isMet: boolean
  readonly expected: string
  readonly got: string
  /** Reasons of the verdict. */
  readonly why: readonly string[]
}

/** A line of the policy that no case touched. */
export interface Untouched {
  /** `role migrator, ask line 2`. */
  readonly label: string
  readonly line?: number | undefined
}

/** What came of all cases. */
export interface CaseReport {
  readonly checks: readonly Checked[]
  /** Lines, access rules and masks that spoke in some verdict. */
  readonly touchedCount: number
  readonly untouched: readonly Untouched[]
}

/** Judges all cases, in their order. */
export async function runCases(
  policy: Policy,
  { cases }: CaseFile,
  readSql: ReadSql,
): Promise<CaseReport> {
  const checks: Checked[] = []
  const touched = new Set<string>()
  const touch = (reasons: readonly Reason[]) => {
    // A reason begins with the label of the line that spoke, after the way it spoke when nobody is asked.
    for (const { text } of reasons)
      touched.add(text.slice(0, text.indexOf(':')).replace(/^(auto-approved|break-glass) by /, ''))
  }
  for (const one of cases) {
    const stranger = strangerIn(policy, one)
    if (stranger !== undefined) {
      checks.push({ name: one.name, what: 'case', ...stranger })
      continue
    }
    if (one.access !== undefined) checks.push(checkAccess(policy, one, touch))
    for (const command of one.commands)
      checks.push(await checkCommand(policy, one, command, readSql, touch))
  }
  const all = labelsOf(policy)
  const untouched = all.filter(({ label }) => !touched.has(label))
  return { checks, touchedCount: all.length - untouched.length, untouched }
}

type Touch = (reasons: readonly Reason[]) => void
type Result = Pick<Checked, 'isMet' | 'expected' | 'got' | 'why'>

/** A misspelt name would be blocked, and `expect: block` would be met for the wrong reason. */
function strangerIn(policy: Policy, { on, role, who }: PolicyCase): Result | undefined {
  const known = [
    ['resource', on, policy.resources],
    ['role', role, policy.roles],
    ['issuer', who?.issuer, policy.issuers],
  ] as const
  for (const [what, name, there] of known)
    if (name !== undefined && !there.has(name)) {
      const nearest = nearestOf(name, [...there.keys()])
      const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
      const why = [`the policy has no ${what} ${name}${hint}`]
      return { isMet: false, expected: `${what} ${name}`, got: 'nothing of that name', why }
    }
  return undefined
}

function checkAccess(policy: Policy, one: PolicyCase, touch: Touch): Checked {
  const { on: resource, role, reason = '', breakGlass } = one
  const wish = { resource, role, reason, breakGlass, durationMs: askedMs(one) }
  const verdict = judgeAccess(policy, principalOf(one), wish, Date.parse(one.at))
  touch(verdict.reasons)
  const expected = said(one.access ?? 'block', one.approvers)
  const isMet =
    verdict.outcome === one.access &&
    (one.approvers === undefined || approversOf(verdict) === one.approvers)
  const got = said(verdict.outcome, approversOf(verdict))
  return { name: one.name, what: 'access', isMet, expected, got, why: textsOf(verdict.reasons) }
}

function principalOf({ who }: PolicyCase): Principal {
  const { issuer = '', subject = '', groups = [], claims = {}, actors = [] } = who ?? {}
  return {
    ...{ issuer, subject, groups, parties: [], aliases: [`${issuer}/${subject}`] },
    attributes: {
      sub: subject,
      ...Object.fromEntries(Object.entries(claims).map(([key, value]) => [key, String(value)])),
    },
    actors: actors.map((actor) => ({
      issuer: actor.slice(0, actor.indexOf('/')),
      subject: actor.slice(actor.indexOf('/') + 1),
    })),
    tokenExpiresAt: 0,
  }
}

async function checkCommand(
  policy: Policy,
  one: PolicyCase,
  expected: CommandCase,
  readSql: ReadSql,
  touch: Touch,
): Promise<Checked> {
  const what = expected.sql ?? describedText(expected.command)
  const place = { name: one.name, what, expected: expectedText(expected) }
  const read = await readCommand(one.on, expected, readSql)
  if (read.outcome === 'invalid')
    return { ...place, isMet: false, got: 'no SQL', why: [read.message] }
  const { command } = read
  const verdict = judgeCommand(policy, one.role, one.on, command)
  touch(verdict.reasons)
  const masked = maskedOf(policy, one, command, touch)
  const got = gotText(verdict, expected.masked === undefined ? undefined : masked)
  return {
    ...{ ...place, got, why: textsOf(verdict.reasons) },
    isMet:
      verdict.outcome === expected.expect &&
      (expected.approvers === undefined || approversOf(verdict) === expected.approvers) &&
      (expected.quorum === undefined || quorumOf(verdict) === expected.quorum) &&
      (expected.masked === undefined || masked.join() === expected.masked.toSorted().join()),
  }
}

async function readCommand(
  resource: string,
  { sql, command }: CommandCase,
  readSql: ReadSql,
): Promise<ReadText> {
  if (command !== undefined) return { outcome: 'command', command: commandOf(command) }
  return readSql(resource, sql ?? '')
}

function commandOf(described: DescribedCommand): Command {
  const { statement, reads, writes, shows, derives, conditions, without } = described
  const effect = described.effect ?? STATEMENT_KINDS.get(statement) ?? 'unknown'
  const uses = (names: readonly string[], use: ColumnUse['use']): ColumnUse[] =>
    names.map((text) => {
      const dot = text.lastIndexOf('.')
      return { relation: text.slice(0, dot), column: text.slice(dot + 1), use }
    })
  const columns = [
    ...uses(shows, 'output'),
    ...uses(derives, 'derived'),
    ...uses(conditions, 'condition'),
  ]
  const read = new Set([...reads, ...columns.map(({ relation }) => relation)])
  return {
    protocol: 'postgres',
    effect: higherEffect(effect, 'read'),
    parts: [
      {
        ...{ kind: statement, effect, because: [] },
        relations: [
          ...[...read].map((relation) => ({ relation, access: 'read' as const })),
          ...writes.map((relation) => ({ relation, access: 'write' as const })),
        ],
        traits: without === 'where' ? ['without-where'] : [],
      },
    ],
    ...(columns.length === 0 ? {} : { columns }),
  }
}

/** Columns that come back masked, of those that are shown as they are; sorted. */
function maskedOf(policy: Policy, one: PolicyCase, command: Command, touch: Touch): string[] {
  const masking = maskingFor(policy, one.role, one.on)
  const masked = new Set<string>()
  for (const { relation, column, use } of command.columns ?? []) {
    const mask = masking?.columnMask(relation, column)
    if (mask === undefined || use !== 'output') continue
    masked.add(`${relation}.${column}`)
    touch([{ code: 'masked', text: `${mask.label}: ${relation}.${column}` }])
  }
  return [...masked].toSorted()
}

const textsOf = (reasons: readonly Reason[]): string[] => reasons.map(({ text }) => text)
const approversOf = (verdict: Verdict | AccessVerdict): string | undefined =>
  verdict.outcome === 'ask' ? verdict.approval.approvers : undefined
const quorumOf = (verdict: Verdict): number | undefined =>
  verdict.outcome === 'ask' ? verdict.approval.quorum : undefined

const said = (outcome: string, approvers?: string, quorum?: number): string =>
  [
    outcome,
    ...(quorum === undefined ? [] : [quorum, 'of']),
    ...(approvers === undefined ? [] : [approvers]),
  ].join(' ')

function expectedText({ expect, approvers, quorum, masked }: CommandCase): string {
  return withMasked(said(expect, approvers, quorum), masked?.toSorted())
}

const gotText = (verdict: Verdict, masked: readonly string[] | undefined): string =>
  withMasked(said(verdict.outcome, approversOf(verdict), quorumOf(verdict)), masked)

const withMasked = (text: string, masked: readonly string[] | undefined): string =>
  masked === undefined
    ? text
    : `${text}, masked: ${masked.length === 0 ? 'nothing' : masked.join(', ')}`

function describedText(command: DescribedCommand | undefined): string {
  if (command === undefined) return ''
  const { statement, effect, reads, writes } = command
  const parts = [
    statement,
    ...(effect === undefined ? [] : [`(${effect})`]),
    ...(reads.length === 0 ? [] : [`reads ${reads.join(', ')}`]),
    ...(writes.length === 0 ? [] : [`writes ${writes.join(', ')}`]),
  ]
  return parts.join(' ')
}

/** Everything in a policy that can speak, and where it stands. */
function labelsOf({ source, document, access }: Policy): Untouched[] {
  const { lineOf } = readSource(source)
  const at = (label: string, path: Path): Untouched => ({ label, line: lineOf(path) })
  return [
    ...document.roles.flatMap((role, number) =>
      (['block', 'ask', 'allow'] as const).flatMap((kind) =>
        role[kind].map((_, line) =>
          at(`role ${role.name}, ${kind} line ${line + 1}`, ['roles', number, kind, line]),
        ),
      ),
    ),
    ...document.masks.flatMap((mask, number) =>
      // What a detector finds is known only when rows come.
      mask.columns === undefined ? [] : [at(`mask ${number + 1}`, ['masks', number])],
    ),
    ...access.map(({ label }, number) => at(label, ['access', number])),
  ]
}
