// Follows values through queries: from the columns of relations to the outputs, and into what
// filters, joins, groups, sorts and is written. What can't be followed ends the trace. Pure.

import { compact } from './flow.js'
import type { CteFacts, ExpressionFacts, OutputFacts, QueryFacts, RelationSource } from './flow.js'
import type { Cte, Ctes, Following, Relations, TellUse } from './following.js'
import { FromTrace } from './from-trace.js'
import { NO_VALUE, NotTraceable, Scope, mergeSources, mixed, renamed, rowOf } from './scope.js'
import type { Column, Columns, Item, Value } from './scope.js'

/** Queries followed for one statement, repetitions of recursive ones included. */
const stepCountMax = 20_000
/** Queries within each other, CTEs that need each other included. */
const depthMax = 150

/** Follows the queries of one statement or of one view. */
export class QueryTrace implements Following {
  readonly relations: Relations
  readonly tell: TellUse
  readonly #from: FromTrace
  #steps = 0
  #depth = 0

  constructor(relations: Relations, tell: TellUse) {
    this.relations = relations
    this.tell = tell
    this.#from = new FromTrace(this)
  }

  /** The columns that a query gives. @throws NotTraceable */
  query(facts: QueryFacts, outer?: Scope, around?: Ctes): Columns {
    this.#steps += 1
    this.#depth += 1
    if (this.#steps > stepCountMax || this.#depth > depthMax) throw new NotTraceable()
    const ctes = this.#with(facts, outer, around)
    const columns = this.#body(facts, outer, ctes)
    for (const cte of facts.ctes === undefined ? [] : (ctes?.byName.values() ?? [])) this.#cte(cte)
    this.#depth -= 1
    return columns
  }

  /** What an expression is made of; what only chooses in it is told. */
  value(facts: ExpressionFacts | undefined, scope: Scope, ctes: Ctes | undefined): Value {
    if (facts === undefined) return NO_VALUE
    const values = (facts.names ?? []).map((name) => scope.value(name))
    for (const { query, exists } of facts.queries ?? []) {
      const columns = this.query(query, scope, ctes)
      if (exists !== true) values.push(rowOf(columns))
    }
    this.condition(facts.conditions, scope, ctes)
    return mixed(values)
  }

  /** Tells what an expression that filters, joins, groups or sorts is made of. */
  condition(facts: ExpressionFacts | undefined, scope: Scope, ctes: Ctes | undefined): void {
    this.tell(this.value(facts, scope, ctes).sources, 'condition')
  }

  /** The columns of a CTE in sight. */
  cteNamed(name: string, ctes: Ctes | undefined): Columns | undefined {
    for (let level = ctes; level !== undefined; level = level.outer) {
      const cte = level.byName.get(name)
      if (cte !== undefined) return this.#cte(cte)
    }
    return undefined
  }

  #body(facts: QueryFacts, outer: Scope | undefined, ctes: Ctes | undefined): Columns {
    if (facts.arms !== undefined || facts.rows !== undefined) {
      const scope = new Scope([], outer)
      this.condition(facts.conditions, scope, ctes)
      const { arms, rows } = facts
      const columns = arms ? this.#arms(arms, outer, ctes) : this.#rows(rows ?? [], scope, ctes)
      return this.#sorted(facts, columns, undefined)
    }
    const items = facts.target === undefined ? [] : this.#target(facts.target)
    const from = this.#from.items(facts.sources ?? [], outer, ctes)
    const scope = new Scope(facts.targetLast ? [...from, ...items] : [...items, ...from], outer)
    if (facts.target === undefined) {
      this.condition(facts.conditions, scope, ctes)
      return this.#sorted(facts, this.#outputs(facts.outputs ?? [], scope, ctes), scope)
    }
    const [target] = items
    if (target === undefined) throw new NotTraceable()
    const { given, excluded } = this.#inserted(facts, scope, outer, ctes)
    const writing = new Scope([...scope.items, ...excluded], outer)
    const written = mixed([given, this.value(facts.written, writing, ctes)])
    this.tell(written.sources, 'derived')
    this.condition(facts.conditions, writing, ctes)
    const after = { ...target, columns: overwritten(target.columns, written) }
    const shown = scope.items.map((item) => (item === target ? after : item))
    const rows = (facts.returned ?? []).map((name) => ({
      ...{ ...after, name, schema: undefined, seesColumns: false },
    }))
    return this.#outputs(facts.outputs ?? [], new Scope([...shown, ...rows], outer), ctes)
  }

  #target(source: RelationSource): Item[] {
    return [this.#from.relation(source)]
  }

  /** INSERT: what is inserted, and the row `excluded` that shows it to ON CONFLICT. */
  #inserted(
    { inserted, conflict, columns }: QueryFacts,
    scope: Scope,
    outer: Scope | undefined,
    ctes: Ctes | undefined,
  ): { given: Value; excluded: Item[] } {
    const given = inserted === undefined ? NO_VALUE : rowOf(this.query(inserted, outer, ctes))
    const [target] = scope.items
    if (conflict === undefined || target === undefined) return { given, excluded: [] }
    if (conflict.inferred !== undefined) this.condition(conflict.inferred, scope, ctes)
    else
      for (const { name, value } of target.columns.list)
        if (name === undefined || columns === undefined || columns.includes(name))
          this.tell(value.sources, 'condition')
    const list = target.columns.list.map(({ name }) => ({ name, value: given }))
    const shown = { list, isOpen: target.columns.isOpen }
    const row = { ...target, name: 'excluded', schema: undefined, columns: shown }
    return { given, excluded: [{ ...row, seesColumns: false }] }
  }

  #outputs(facts: readonly OutputFacts[], scope: Scope, ctes: Ctes | undefined): Columns {
    const list: Column[] = []
    let isOpen = false
    for (const { name, column, expression } of facts) {
      if (column === undefined) {
        const value = this.value(expression, scope, ctes)
        this.tell(value.sources, 'computed')
        list.push({ name, value })
      } else if (column.star === true && isRowStar(column.names, column.field, scope)) {
        const starred = scope.starred(column.names)
        for (const entry of starred.list) list.push(entry)
        isOpen ||= starred.isOpen
      } else {
        const value = scope.value(column)
        if (column.star === true) isOpen = true
        const own = column.star === true ? undefined : (column.field ?? column.names.at(-1))
        list.push({ name: name ?? own, value })
      }
    }
    return { list, isOpen }
  }

  /** Rows of VALUES: each column may hold any row's value, and has lost its origin. */
  #rows(rows: readonly (readonly OutputFacts[])[], scope: Scope, ctes: Ctes | undefined): Columns {
    const read = rows.map((row) => this.#outputs(row, scope, ctes))
    return union(read, (at) => `column${String(at + 1)}`)
  }

  #arms(arms: readonly QueryFacts[], outer: Scope | undefined, ctes: Ctes | undefined): Columns {
    const read = arms.map((arm) => this.query(arm, outer, ctes))
    const [first] = read
    return union(read, (at) => first?.list[at]?.name)
  }

  /** Tells what outputs sort, group, or are compared. */
  #sorted(facts: QueryFacts, outputs: Columns, scope: Scope | undefined): Columns {
    const row = outputs.isOpen || facts.comparesRows === true ? rowOf(outputs) : NO_VALUE
    if (facts.comparesRows === true) this.tell(row.sources, 'condition')
    for (const position of facts.positions ?? []) {
      const output = outputs.isOpen ? { value: row } : outputs.list[position - 1]
      if (output === undefined) throw new NotTraceable()
      this.tell(output.value.sources, 'condition')
    }
    for (const name of facts.sortNames ?? []) {
      const named = outputs.list.filter((output) => output.name === name)
      if (named.length > 0) this.#tellAll(named)
      else this.#sortedBy(name, outputs, scope)
    }
    for (const name of facts.groupNames ?? []) {
      const own = scope?.own(name) ?? []
      const named = outputs.list.filter((output) => output.name === name)
      for (const value of own) this.tell(value.sources, 'condition')
      this.#tellAll(named)
      if (own.length + named.length === 0) this.#sortedBy(name, outputs, scope)
    }
    return outputs
  }

  /** A name that no output surely has: an input, or an output whose name is not sure. */
  #sortedBy(name: string, outputs: Columns, scope: Scope | undefined): void {
    const unnamed = outputs.list.filter((output) => output.name === undefined)
    this.#tellAll(unnamed)
    if (scope === undefined) {
      if (unnamed.length === 0) throw new NotTraceable()
      return
    }
    try {
      this.tell(scope.value({ names: [name] }).sources, 'condition')
    } catch (failure) {
      if (!(failure instanceof NotTraceable) || unnamed.length === 0) throw failure
    }
  }

  #tellAll(columns: readonly Column[]): void {
    for (const { value } of columns) this.tell(value.sources, 'condition')
  }

  #with(facts: QueryFacts, outer: Scope | undefined, around: Ctes | undefined): Ctes | undefined {
    if (facts.ctes === undefined) return around
    const byName = new Map<string, Cte>()
    const ctes: Ctes = { byName, outer: around }
    for (const cte of facts.ctes) {
      // Without RECURSIVE a CTE sees only those before it.
      const seen = facts.isRecursive ? ctes : { byName: new Map(byName), outer: around }
      const state = { result: undefined, isRunning: false, soFar: undefined, readsItself: false }
      const entry: Cte = { facts: cte, outer, ctes: seen, ...state }
      byName.set(cte.name, entry)
      if (facts.isRecursive !== true) this.#cte(entry)
    }
    return ctes
  }

  #cte(cte: Cte): Columns {
    if (cte.result !== undefined) return cte.result
    if (cte.isRunning) {
      if (cte.soFar === undefined) throw new NotTraceable()
      cte.readsItself = true
      return cte.soFar
    }
    cte.isRunning = true
    const { query } = cte.facts
    const isRecursive = query.arms !== undefined && cte.ctes?.byName.get(cte.facts.name) === cte
    const columns = isRecursive ? this.#recursive(cte) : this.query(query, cte.outer, cte.ctes)
    cte.isRunning = false
    // SEARCH sorts and CYCLE compares.
    if (cte.facts.added !== undefined) this.tell(rowOf(columns).sources, 'condition')
    cte.result = named(cte.facts, columns)
    return cte.result
  }

  /**
   * Follows a query that reads itself: first what its first arm gives, then all arms with that in
   * sight. When this adds something, every column counts as holding whatever any of them holds,
   * which nothing can add to: all that the arms read beside it has been seen by then.
   */
  #recursive(cte: Cte): Columns {
    const { query } = cte.facts
    const [first] = query.arms ?? []
    if (first === undefined) throw new NotTraceable()
    const ctes = this.#with(query, cte.outer, cte.ctes)
    const start = union([this.query(first, cte.outer, ctes)], (at, own) => own[at]?.name)
    cte.soFar = renamed(start, cte.facts.columns)
    // Its own WITH is in sight already.
    const body = { arms: query.arms ?? [], ...onlySorting(query) }
    const once = this.query(body, cte.outer, ctes)
    if (!cte.readsItself || !grew(start, once)) return once
    const any = rowOf(once)
    const mixedUp = {
      list: once.list.map(({ name }) => ({ name, value: any })),
      isOpen: once.isOpen,
    }
    cte.soFar = renamed(mixedUp, cte.facts.columns)
    this.query(body, cte.outer, ctes)
    return mixedUp
  }
}

/** The columns of a CTE under its own names, with those that SEARCH and CYCLE add around it. */
function named(facts: CteFacts, columns: Columns): Columns {
  const { list, isOpen } = renamed(columns, facts.columns)
  if (facts.added === undefined) return { list, isOpen }
  const row = rowOf(columns)
  return { list: [...list, ...facts.added.map((name) => ({ name, value: row }))], isOpen }
}

/** What a query does with its rows as a whole. */
const onlySorting = ({ comparesRows, conditions, positions, sortNames }: QueryFacts): QueryFacts =>
  compact<QueryFacts>({ comparesRows, conditions, positions, sortNames })

/** A row that was written shows what was written, under the origin of its own columns. */
function overwritten(columns: Columns, { sources }: Value): Columns {
  if (sources.length === 0) return columns
  const changed = sources.map((source) => ({ ...source, exact: false }))
  const list = columns.list.map(({ name, value }) => ({
    name,
    value: { ...value, sources: mergeSources([value.sources, changed]) },
  }))
  return { list, isOpen: columns.isOpen }
}

const grew = (before: Columns, after: Columns): boolean =>
  after.list.some(
    ({ value }, at) => value.sources.length > (before.list[at]?.value.sources.length ?? 0),
  )

/** Rows of several queries under each other. */
function union(
  queries: readonly Columns[],
  nameAt: (at: number, first: readonly Column[]) => string | undefined,
): Columns {
  const [first] = queries
  if (first === undefined) throw new NotTraceable()
  if (queries.some((query) => query.isOpen)) {
    const value = mixed(queries.map(rowOf))
    return { list: [{ name: undefined, value }], isOpen: true }
  }
  if (queries.some((query) => query.list.length !== first.list.length)) throw new NotTraceable()
  const list = first.list.map((_, at) => ({
    name: nameAt(at, first.list),
    value: mixed(queries.map((query) => query.list[at]?.value ?? NO_VALUE)),
  }))
  return { list, isOpen: false }
}

/** `*`, `u.*`, and `(u).*` where u is a row and not a column. */
const isRowStar = (names: readonly string[], field: string | undefined, scope: Scope): boolean =>
  field === undefined || (names.length === 1 && scope.isRow(names[0] ?? ''))
