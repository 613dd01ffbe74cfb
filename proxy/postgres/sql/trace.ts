// The lineage of a text: which columns its values come from and how they are used, and what each
// column of its results holds. What can't be followed uses every column of all it touches. Pure.

import type { ColumnUse, ColumnUseKind, CommandPart } from '../../../core/command.js'
import type { Catalog } from './catalog.js'
import type { StatementFacts } from './facts.js'
import { ALL_COLUMNS } from './flow.js'
import type { ExpressionFacts, Flow } from './flow.js'
import type { KnownRelation } from './following.js'
import type { ColumnSource, Lineage, RelationOrigin, StatementLineage } from './lineage.js'
import { QueryTrace } from './query-trace.js'
import { RelationColumns } from './relation-columns.js'
import type { Resolved, ViewFacts } from './resolve.js'
import { NotTraceable, mergeSources } from './scope.js'
import type { Column, Columns, Value } from './scope.js'

/** Uses of columns that a command lists; beyond, a relation is listed once for each kind of use. */
const columnUseCountMax = 2000
/** Columns of a result (MaxTupleAttributeNumber). */
const outputCountMax = 1664

/** What a text does with the values of columns. */
export interface Traced {
  readonly columns: readonly ColumnUse[]
  readonly lineage: Lineage
}

/** Follows the values of a judged text. */
export function traceText(
  statements: readonly StatementFacts[],
  { command, hidden }: Resolved,
  catalog: Catalog,
  views: ViewFacts,
): Traced {
  const relations = new RelationColumns(catalog, views)
  const uses = new Uses(relations)
  const traced = statements.map((facts, at) =>
    traceStatement(facts, hidden[at] === false, command.parts[at], relations, uses),
  )
  const touched = command.parts.flatMap((part) => part.relations)
  const anything = [...new Set(touched.map(({ relation }) => relation))].map((relation) => ({
    ...{ relation, column: ALL_COLUMNS, exact: false },
  }))
  const origins = new Map<number, RelationOrigin>()
  for (const facts of statements)
    for (const { access, ...ref } of facts.relations) {
      if (access === 'create') continue
      const found = relations.origin({ ...ref, access }, anything)
      if (found !== undefined) origins.set(found[0], both(origins.get(found[0]), found[1]))
    }
  return { columns: uses.list(), lineage: { origins, statements: traced } }
}

/** A relation named with and without ONLY has one number. */
function both(one: RelationOrigin | undefined, other: RelationOrigin): RelationOrigin {
  if (one === undefined) return other
  const columns = new Map(one.columns)
  for (const [number, sources] of other.columns)
    columns.set(number, mergeSources([columns.get(number) ?? [], sources]))
  return { relation: one.relation, columns }
}

/** Columns used, each once for each kind of use. */
class Uses {
  readonly #relations: RelationColumns
  readonly #uses = new Map<string, ColumnUse>()
  /** What is computed on the way: it shows in errors and in numbers of rows, if nowhere else. */
  readonly #computed = new Map<string, ColumnSource>()

  constructor(relations: RelationColumns) {
    this.#relations = relations
  }

  add(sources: readonly ColumnSource[], use: ColumnUseKind | 'computed'): void {
    for (const source of sources) {
      const { relation, column } = source
      if (this.#relations.holdsDefinitions(relation)) continue
      const key = `${relation}\0${column}`
      if (use === 'computed') this.#computed.set(key, source)
      else this.#uses.set(`${key}\0${use}`, { relation, column, use })
    }
  }

  /** Adds what a result column shows. */
  show({ sources, isKept }: Value): void {
    this.add(sources, isKept ? 'output' : 'derived')
  }

  list(): readonly ColumnUse[] {
    for (const [key, { relation, column }] of this.#computed)
      if (!this.#uses.has(`${key}\0derived`))
        this.#uses.set(`${key}\0condition`, { relation, column, use: 'condition' })
    let list = [...this.#uses.values()]
    for (const kind of ['output', 'derived', 'condition'] as const) {
      if (list.length <= columnUseCountMax) break
      const wide = new Set(list.filter(({ use }) => use === kind).map(({ relation }) => relation))
      list = [
        ...list.filter(({ use }) => use !== kind),
        ...[...wide].map((relation) => ({ relation, column: ALL_COLUMNS, use: kind })),
      ]
    }
    return list
  }
}

function traceStatement(
  facts: StatementFacts,
  isShown: boolean,
  part: CommandPart | undefined,
  relations: RelationColumns,
  uses: Uses,
): StatementLineage {
  const { flow } = facts
  if (flow !== undefined && isShown) {
    try {
      return new FlowTrace(relations, uses).statement(flow)
    } catch (failure) {
      // A stack that is too small for the statement is no reason to know less than nothing.
      if (!(failure instanceof NotTraceable) && !(failure instanceof RangeError)) throw failure
    }
  }
  const all = (part?.relations ?? []).map(({ relation }) => ({
    ...{ relation, column: ALL_COLUMNS, exact: false },
  }))
  if (flow?.to !== 'nothing') uses.add(all, 'derived')
  return untold(flow)
}

/** A statement whose values nobody can follow: what is sure of its result all the same. */
function untold(flow: Flow | undefined): StatementLineage {
  switch (flow?.to) {
    case 'nothing':
      return { outputs: noSources(flow.outputCount) }
    case 'write':
    case 'definition':
      return { outputs: [] }
    case 'cursor':
      return { outputs: undefined, declares: flow.name }
    case 'fetched':
      return { outputs: undefined, fetches: flow.name }
    case 'copy':
      return flow.form === undefined ? { outputs: [] } : { outputs: undefined, copyForm: flow.form }
    case 'plan':
    case 'rows':
    case undefined:
      return { outputs: undefined }
  }
}

const noSources = (count: number): readonly ColumnSource[][] =>
  Array.from({ length: count }, () => [])

/** Follows the flow of one statement. */
class FlowTrace {
  readonly #relations: RelationColumns
  readonly #uses: Uses
  readonly #queries: QueryTrace

  constructor(relations: RelationColumns, uses: Uses) {
    this.#relations = relations
    this.#uses = uses
    this.#queries = new QueryTrace(relations, (sources, use) => uses.add(sources, use))
  }

  statement(flow: Flow): StatementLineage {
    switch (flow.to) {
      case 'nothing':
        return { outputs: noSources(flow.outputCount) }
      case 'rows':
        return { outputs: this.#shown(this.#queries.query(flow.query)) }
      case 'write':
        this.#changed(this.#queries.query(flow.query).list)
        return { outputs: [] }
      case 'plan':
        if (flow.flow === undefined) throw new NotTraceable()
        this.statement(flow.flow)
        return { outputs: noSources(1) }
      case 'cursor':
        return { outputs: this.#shown(this.#queries.query(flow.query)), declares: flow.name }
      case 'fetched':
        return { outputs: undefined, fetches: flow.name }
      case 'copy':
        return this.#copy(flow)
      case 'definition':
        this.#definition(flow)
        return { outputs: [] }
    }
  }

  /** What the columns of a result hold; undefined when their number is not known. */
  #shown({ list, isOpen }: Columns): StatementLineage['outputs'] {
    if (list.length > outputCountMax) throw new NotTraceable()
    for (const { value } of list) this.#uses.show(value)
    if (isOpen) return undefined
    return list.map(({ value: { sources, isKept } }) =>
      isKept ? sources : sources.map((source) => ({ ...source, exact: false })),
    )
  }

  #changed(columns: readonly Column[]): void {
    for (const { value } of columns) this.#uses.add(value.sources, 'derived')
  }

  #copy(flow: Flow & { readonly to: 'copy' }): StatementLineage {
    const columns = this.#copied(flow)
    if (flow.form === undefined || flow.form === 'other') this.#changed(columns.list)
    if (flow.form === undefined) return { outputs: [] }
    const outputs = this.#shown(columns)
    return { outputs, copyForm: flow.form }
  }

  #copied(flow: Flow & { readonly to: 'copy' }): Columns {
    if (flow.query !== undefined) return this.#queries.query(flow.query)
    if (flow.relation === undefined) throw new NotTraceable()
    const { columns, found } = this.#relations.relation(flow.relation)
    if (flow.columns === undefined)
      // Generated columns are left out, unless row-level security makes it a query.
      return { list: columns, isOpen: found.some((column) => column.generatedFrom !== undefined) }
    const list = flow.columns.map((name) => {
      const column = columns.find((candidate) => candidate.name === name)
      if (column === undefined) throw new NotTraceable()
      return column
    })
    return { list, isOpen: false }
  }

  #definition(flow: Flow & { readonly to: 'definition' }): void {
    if (flow.written ?? flow.conditions ?? flow.renamed) {
      const relation = this.#relations.relation(flow.relation)
      this.#uses.add(named(flow.written, relation), 'derived')
      this.#uses.add(named(flow.conditions, relation), 'condition')
      this.#changed(
        relation.columns.filter(({ name }) =>
          flow.renamed === ALL_COLUMNS ? true : name === flow.renamed,
        ),
      )
    }
  }
}

/**
 * What an expression in DDL is made of. A name that the relation does not have is one that the same
 * statement makes; the name of the relation is its whole row.
 */
function named(
  facts: ExpressionFacts | undefined,
  { name: own, columns }: Pick<KnownRelation, 'name' | 'columns'>,
): readonly ColumnSource[] {
  if (facts === undefined) return []
  if (facts.queries !== undefined) throw new NotTraceable()
  const values: (readonly ColumnSource[])[] = [named(facts.conditions, { name: own, columns })]
  for (const { names, star, field } of facts.names ?? []) {
    const last = field ?? names.at(-1)
    const exact = star ? [] : columns.filter(({ name }) => name === last)
    const isRow = exact.length === 0 && (star === true || names.includes(own))
    for (const { value } of isRow ? columns : exact) values.push(value.sources)
  }
  return mergeSources(values)
}
