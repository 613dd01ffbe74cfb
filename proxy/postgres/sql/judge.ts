// The way from a statement's text to its Command: parse, look names up in the session, follow views,
// resolve. All effects are the two ports it is given.

import { unknownCommand } from '../../../core/command.js'
import type { Command } from '../../../core/command.js'
import { Catalog } from './catalog.js'
import type { StatementFacts } from './facts.js'
import { definitionLengthMax, lookupParameters, wantedNames } from './lookup.js'
import type { LookupParameters, LookupRow, Wanted } from './lookup.js'
import type { SqlParser } from './parser.js'
import type { Lineage } from './lineage.js'
import { resolve } from './resolve.js'
import type { ViewFacts } from './resolve.js'
import { traceText } from './trace.js'

/** What judging a statement needs of its session. */
export interface JudgePorts {
  readonly parser: SqlParser
  /**
   * Runs `LOOKUP_SQL` with these parameters in the very session that the statement is for, before it
   * is forwarded, and gives the rows as text. Rejects when it can't: the statement is then unknown.
   */
  readonly lookup: (parameters: LookupParameters) => Promise<readonly LookupRow[]>
}

/** A judged text. `invalid` is what PostgreSQL's own grammar refuses; it is not forwarded. */
export type Judged =
  | {
      readonly outcome: 'command'
      readonly command: Command
      /** Undefined when nothing is known of the text. */
      readonly lineage: Lineage | undefined
    }
  | { readonly outcome: 'invalid'; readonly message: string; readonly position: number }

/** Views within views: more rounds than any real schema needs, few enough to stay quick. */
const roundCountMax = 8
/** Views that one text may lead to. */
const viewCountMax = 64

const unknown = (because: string): Judged => ({
  outcome: 'command',
  command: unknownCommand('postgres', because),
  lineage: undefined,
})

/**
 * What a SQL text does. The text is one Query message or one Parse message; each statement of it
 * becomes a part of the command. Never rejects: whatever fails makes the command unknown.
 */
export async function judgeSql(text: string, ports: JudgePorts): Promise<Judged> {
  const facts = await ports.parser.facts(text)
  if (facts.outcome === 'invalid') return facts
  if (facts.outcome === 'unknown') return unknown(facts.because)
  return judgeStatements(facts.statements, ports)
}

async function judgeStatements(
  statements: readonly StatementFacts[],
  ports: JudgePorts,
): Promise<Judged> {
  const catalog = new Catalog()
  const views = new Map<string, StatementFacts | string>()
  let pending = statements
  for (let round = 0; round <= roundCountMax; round += 1) {
    const wanted = wantedNames(pending).filter((entry) => !catalog.has(entry))
    if (wanted.length > 0 || needsSession(pending, catalog)) {
      const failure = await lookUp(wanted, catalog, ports)
      if (failure !== undefined) return unknown(failure)
    }
    const found = newDefinitions(wanted, catalog, views)
    if (found.size === 0) return traced(statements, catalog, views)
    if (views.size + found.size > viewCountMax) return unknown('its names lead to too many views')
    pending = await readDefinitions(found, views, ports.parser)
  }
  return unknown('its views are nested too deeply')
}

function traced(statements: readonly StatementFacts[], catalog: Catalog, views: ViewFacts): Judged {
  const resolved = resolve(statements, catalog, views)
  const { columns, lineage } = traceText(statements, resolved, catalog, views)
  const command = columns.length === 0 ? resolved.command : { ...resolved.command, columns }
  return { outcome: 'command', command, lineage }
}

/** Where a created relation goes depends on the session, even if nothing is looked up. */
const needsSession = (statements: readonly StatementFacts[], catalog: Catalog): boolean =>
  catalog.encoding === '' && statements.some((facts) => facts.relations.length > 0)

async function lookUp(
  wanted: readonly Wanted[],
  catalog: Catalog,
  ports: JudgePorts,
): Promise<string | undefined> {
  try {
    return catalog.add(wanted, await ports.lookup(lookupParameters(wanted)))
  } catch (error) {
    return `its names could not be looked up (${error instanceof Error ? error.name : 'failure'})`
  }
}

/** Definitions of views that the last answer brought and that were not read before, by OID. */
function newDefinitions(
  wanted: readonly Wanted[],
  catalog: Catalog,
  views: ReadonlyMap<string, unknown>,
): Map<string, string> {
  const definitions = new Map<string, string>()
  for (const entry of wanted)
    for (const { oid, definition } of catalog.relations(entry))
      if (definition !== undefined && !views.has(oid)) definitions.set(oid, definition)
  return definitions
}

/** Parses definitions into `views`; returns the facts whose names have to be looked up in turn. */
async function readDefinitions(
  definitions: ReadonlyMap<string, string>,
  views: Map<string, StatementFacts | string>,
  parser: SqlParser,
): Promise<StatementFacts[]> {
  const read = await Promise.all(
    [...definitions].map(
      async ([oid, text]) => [oid, await definitionFacts(text, parser)] as const,
    ),
  )
  for (const [oid, facts] of read) views.set(oid, facts)
  return read.map(([, facts]) => facts).filter((facts) => typeof facts !== 'string')
}

/** A definition is one SELECT, as pg_get_viewdef prints it. */
async function definitionFacts(text: string, parser: SqlParser): Promise<StatementFacts | string> {
  if (text.length > definitionLengthMax) return 'its definition is too long'
  const facts = await parser.facts(text)
  if (facts.outcome !== 'facts') return 'its definition could not be parsed'
  const [only, ...others] = facts.statements
  return only?.kind === 'select' && others.length === 0 ? only : 'its definition is no SELECT'
}
