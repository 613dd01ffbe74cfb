// The file of cases beside a policy: who asks for what, and what the policy has to say of it. Shapes
// only; what comes of them is said by run-cases.ts.

import { z } from 'zod'
import { EFFECTS } from '../core/command.js'
import { durationMs } from './duration.js'
import { claimName, duration, name, scalar, text } from './fields.js'
import type { Problem } from './problem.js'
import { problemsAgainst } from './shape.js'
import { readSource } from './source.js'
import { STATEMENT_KINDS } from './statement-kinds.js'

/** More cases belong in a second file: each of them may cost a question to a server. */
const CASE_COUNT_MAX = 2_000
const COMMAND_COUNT_MAX = 200

const outcome = () => z.enum(['allow', 'ask', 'block'])
const relations = () => z.array(text(130)).default([])
const columns = () =>
  z.array(z.string().regex(/^[^.]+\.[^.]+\.[^.]+$/, 'must be schema.relation.column')).default([])

const who = z.strictObject({
  issuer: name(),
  subject: text(1_024).default('somebody'),
  groups: z.array(text(1_024)).default([]),
  claims: z.record(claimName(), scalar).default({}),
  actors: z.array(z.string().regex(/^[^/]+\/./s, 'must be issuer/subject')).default([]),
})

const command = z
  .strictObject({
    statement: z
      .enum([...STATEMENT_KINDS.keys()], {
        error: 'must be a statement kind in kebab case, such as create-table',
      })
      .default('unknown'),
    effect: z.enum(EFFECTS).optional(),
    reads: relations(),
    writes: relations(),
    shows: columns(),
    derives: columns(),
    conditions: columns(),
    without: z.literal('where').optional(),
  })
  .refine(({ statement, effect }) => statement !== 'unknown' || effect !== undefined, {
    error: 'names no statement and no effect',
  })

const commandCase = z
  .strictObject({
    sql: text(4_096).optional(),
    command: command.optional(),
    expect: outcome(),
    approvers: name().optional(),
    quorum: z.int().min(1).max(20).optional(),
    masked: columns().unwrap().optional(),
  })
  .refine((one) => (one.sql === undefined) !== (one.command === undefined), {
    error: 'needs either sql or command',
  })
  .refine((one) => one.expect === 'ask' || (one.approvers ?? one.quorum) === undefined, {
    error: 'approvers and quorum are only for `expect: ask`',
  })

const oneCase = z
  .strictObject({
    name: text(200),
    who: who.optional(),
    on: name(),
    role: name(),
    for: duration().optional(),
    reason: text(2_000).optional(),
    at: z.iso.datetime({ offset: true }).default('2026-01-05T12:00:00Z'),
    breakGlass: z.boolean().optional(),
    access: outcome().optional(),
    approvers: name().optional(),
    commands: z.array(commandCase).max(COMMAND_COUNT_MAX).default([]),
  })
  .refine((one) => one.access !== undefined || one.commands.length > 0, {
    error: 'expects nothing: give access or commands',
  })
  .refine((one) => one.access === undefined || one.who !== undefined, {
    path: ['who'],
    error: 'is missing: access is judged for somebody',
  })
  .refine((one) => one.approvers === undefined || one.access === 'ask', {
    path: ['approvers'],
    error: 'is only for `access: ask`',
  })

const CASES_SCHEMA = z.strictObject({
  policy: text(1_024).optional(),
  schema: z.record(name(), text(1_024)).default({}),
  cases: z.array(oneCase).min(1).max(CASE_COUNT_MAX),
})

/** Cases as they stand in a file, with defaults. */
export type CaseFile = z.output<typeof CASES_SCHEMA>
/** One of them. */
export type PolicyCase = CaseFile['cases'][number]
/** One command of a case. */
export type CommandCase = PolicyCase['commands'][number]
/** A command that is described instead of written. */
export type DescribedCommand = NonNullable<CommandCase['command']>

/** A file of cases, or everything that is wrong with it. */
export type LoadedCases =
  | { readonly ok: true; readonly file: CaseFile }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Reads and checks YAML text. */
export function loadCases(yamlText: string): LoadedCases {
  const source = readSource(yamlText)
  if (source.problems.length > 0) return { ok: false, problems: source.problems }
  const parsed = problemsAgainst(CASES_SCHEMA, source)
  return parsed.value === undefined
    ? { ok: false, problems: parsed.problems }
    : { ok: true, file: parsed.value }
}

/** How long a case asks for; undefined leaves it to the rule. */
export const askedMs = (one: PolicyCase): number | undefined =>
  one.for === undefined ? undefined : durationMs(one.for)
