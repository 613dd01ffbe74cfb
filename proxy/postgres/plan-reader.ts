// The text of a plan, cut into the statements that psql will send, with the same grammar that judges
// them when they come. Looks no names up: what a statement turns out to do is judged when it runs.

import { hash } from 'node:crypto'

import type { CommandPart } from '../../core/command.js'
import { granted, refused, type Outcome } from '../../core/errors.js'
import type { Plan, PlanStep } from '../../core/plan.js'
import type { PlanReader } from '../../core/ports.js'
import { LIMITS } from '../limits.js'
import { planForm } from './plan-form.js'
import type { RelationRef, Span, StatementFacts, TextFacts } from './sql/facts.js'

/** Says of a text what its statements are, and where. */
export interface SqlSplitter {
  split(text: string): Promise<TextFacts>
}

/** psql leaves it out, too. */
const BYTE_ORDER_MARK = '\uFEFF'

const sha256 = (bytes: Uint8Array | string) => hash('sha256', bytes, 'hex')

/** PlanReader for PostgreSQL. */
export class SqlPlanReader implements PlanReader {
  readonly #splitter: SqlSplitter

  constructor(splitter: SqlSplitter) {
    this.#splitter = splitter
  }

  async read(text: string): Promise<Outcome<Plan>> {
    const { reviewTextBytesMax: bytesMax, planStepCountMax: countMax } = LIMITS
    const bytes = Buffer.byteLength(text)
    if (bytes > bytesMax) {
      return refused('LIMIT_EXCEEDED', { why: `a plan has at most ${bytesMax} bytes` })
    }
    const sql = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
    const facts = await this.#splitter.split(sql)
    if (facts.outcome === 'invalid') {
      const why = `${facts.message} (line ${lineOf(sql, facts.position)}); a plan is plain SQL, without psql’s own commands`
      return refused('STATEMENT_INVALID', { what: 'The plan', why })
    }
    if (facts.outcome === 'unknown') return refused('LIMIT_EXCEEDED', { why: facts.because })
    const { statements, spans = [] } = facts
    if (statements.length === 0) {
      return refused('INVALID_ARGUMENT', { what: 'The plan', why: 'it holds no statement' })
    }
    if (statements.length > countMax) {
      return refused('LIMIT_EXCEEDED', { why: `a plan has at most ${countMax} statements` })
    }
    const source = Buffer.from(sql)
    const steps = statements.map((statement, at) => stepOf(source, spans[at], statement))
    return granted({ digest: sha256(text), steps })
  }
}

function stepOf(source: Buffer, span: Span | undefined, facts: StatementFacts): PlanStep {
  if (span === undefined) throw new TypeError('every statement has its place')
  const form = planForm(source.subarray(...span))
  return { text: form.toString('utf8'), digest: sha256(form), parts: [partOf(facts)] }
}

/** Only names that are written with their schema can be told without the target's catalog. */
const partOf = ({ kind, effect, relations, traits, because }: StatementFacts): CommandPart => ({
  ...{ kind, effect, traits, because },
  relations: relations.filter(isWhole).map(({ schema, name, access }) => ({
    relation: `${schema}.${name}`,
    access: access === 'read' ? 'read' : 'write',
  })),
})

const isWhole = (ref: RelationRef): ref is RelationRef & { schema: string } =>
  ref.schema !== undefined && ref.catalog === undefined

/** @param position counted in characters, from 1 */
const lineOf = (text: string, position: number): number =>
  Array.from(text)
    .slice(0, position)
    .filter((character) => character === '\n').length + 1
