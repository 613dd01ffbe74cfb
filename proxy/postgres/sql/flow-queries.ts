// Queries and statements that write rows, out of the parse tree: FROM items, outputs, conditions, in
// their places. Runs after the walk has found every node and field on its list; what does not fit
// the expected form is not told. Pure.

import type {
  CallFacts,
  CteFacts,
  ExpressionFacts,
  JoinSource,
  OutputFacts,
  QueryFacts,
  RelationSource,
  SourceFacts,
} from './flow.js'
import { ExpressionReader, FlowNotTold, columnName } from './flow-expressions.js'
import type { FlowBudget } from './flow-expressions.js'
import { compact } from './flow.js'
import { asList, asText, asTree, qualifiedName, stringOf, unwrap } from './tree.js'
import type { Tree } from './tree.js'

const names = (value: unknown): string[] | undefined =>
  value === undefined
    ? undefined
    : asList(value).map((item) => {
        const name = stringOf(item)
        if (name === undefined) throw new FlowNotTold()
        return name
      })

function aliasOf(value: unknown): { alias: string | undefined; columns: string[] | undefined } {
  const alias = asTree(value)
  return { alias: asText(alias?.['aliasname']), columns: names(alias?.['colnames']) }
}

const JOIN_TYPES: ReadonlyMap<unknown, JoinSource['type']> = new Map([
  ['JOIN_INNER', 'inner'],
  ['JOIN_LEFT', 'left'],
  ['JOIN_RIGHT', 'right'],
  ['JOIN_FULL', 'full'],
])

/** Reads the queries of one statement. */
export class QueryReader {
  readonly #budget: FlowBudget
  readonly #expressions: ExpressionReader

  constructor(budget: FlowBudget) {
    this.#budget = budget
    this.#expressions = new ExpressionReader(budget, (select) => this.select(select))
  }

  /** What all of these parts of a tree take values from. */
  expression(...values: readonly unknown[]): ExpressionFacts | undefined {
    return this.#expressions.expression(...values)
  }

  /** A wrapped statement that gives or writes rows. */
  statement(value: unknown): QueryFacts {
    const node = unwrap(value)
    switch (node?.tag) {
      case 'SelectStmt':
        return this.select(node.body)
      case 'InsertStmt':
        return this.#insert(node.body)
      case 'UpdateStmt':
        return this.#change(node.body, asList(node.body['fromClause']))
      case 'DeleteStmt':
        return this.#change(node.body, asList(node.body['usingClause']))
      case 'MergeStmt':
        return this.#merge(node.body)
      default:
        throw new FlowNotTold()
    }
  }

  /** SELECT, VALUES or a set operation. */
  select(node: Tree): QueryFacts {
    return this.#budget.within(() => {
      const order = this.#sorted([...sortKeys(node), ...distinctKeys(node)])
      const limits = [node['limitOffset'], node['limitCount']]
      if (node['op'] === 'SETOP_NONE' && node['valuesLists'] === undefined)
        return this.#plainSelect(node, order, limits)
      return compact<QueryFacts>({
        ...this.#with(node),
        ...(node['op'] === 'SETOP_NONE' ? { rows: this.#rows(node) } : this.#arms(node)),
        conditions: this.expression(order.expressions, limits),
        positions: filled(order.positions),
        sortNames: filled(order.names),
      })
    })
  }

  #plainSelect(node: Tree, order: SortKeys, limits: readonly unknown[]): QueryFacts {
    const group = this.#sorted(groupKeys(node))
    const distinct = asList(node['distinctClause'])
    return compact<QueryFacts>({
      ...this.#with(node),
      sources: this.#sources(node['fromClause']),
      outputs: this.#targets(node['targetList']),
      conditions: this.expression(
        ...[node['whereClause'], node['havingClause'], node['windowClause'], ...limits],
        ...[order.expressions, group.expressions],
      ),
      positions: filled([...order.positions, ...group.positions]),
      sortNames: filled(order.names),
      groupNames: filled(group.names),
      comparesRows: distinct.length > 0 && isNull(distinct[0]) ? true : undefined,
    })
  }

  #rows(node: Tree): OutputFacts[][] {
    return asList(node['valuesLists']).map((row) =>
      asList(unwrap(row)?.body['items']).map((item) => this.#expressions.output(item)),
    )
  }

  #arms(node: Tree): QueryFacts {
    const arms: QueryFacts[] = []
    const operations: Tree[] = []
    const add = (value: unknown) => {
      const arm = asTree(value)
      if (arm === undefined) throw new FlowNotTold()
      const plain = ['sortClause', 'limitCount', 'limitOffset', 'withClause', 'lockingClause']
      if (arm['op'] === 'SETOP_NONE' || plain.some((name) => arm[name] !== undefined))
        arms.push(this.select(arm))
      else descend(arm)
    }
    const descend = (operation: Tree) => {
      operations.push(operation)
      add(operation['larg'])
      add(operation['rarg'])
    }
    descend(node)
    const compares = operations.some(({ op, all }) => op !== 'SETOP_UNION' || all !== true)
    return compact<QueryFacts>({ arms, comparesRows: compares ? true : undefined })
  }

  /** A number is an output, a plain name may be one (findTargetlistEntrySQL92). */
  #sorted(items: readonly unknown[]): SortKeys {
    const keys: SortKeys = { expressions: [], positions: [], names: [] }
    for (const item of items) {
      const node = unwrap(item)
      const column = node?.tag === 'ColumnRef' ? columnName(node.body) : undefined
      const [only] = column?.names ?? []
      const constant = node?.tag === 'A_Const' ? asTree(node.body['ival']) : undefined
      this.#budget.take()
      if (constant !== undefined) keys.positions.push(Number(constant['ival'] ?? 0))
      else if (only !== undefined && column?.names.length === 1 && column.star !== true)
        keys.names.push(only)
      else keys.expressions.push(item)
    }
    return keys
  }

  #with(node: Tree) {
    const clause = asTree(node['withClause'])
    if (clause === undefined) return {}
    const ctes = asList(clause['ctes']).map((item): CteFacts => {
      const cte = unwrap(item)?.body ?? {}
      const name = asText(cte['ctename'])
      if (name === undefined) throw new FlowNotTold()
      const search = asTree(cte['search_clause'])
      const cycle = asTree(cte['cycle_clause'])
      const added = [
        asText(search?.['search_seq_column']),
        asText(cycle?.['cycle_mark_column']),
        asText(cycle?.['cycle_path_column']),
      ].filter((column) => column !== undefined)
      return compact<CteFacts>({
        name,
        columns: names(cte['aliascolnames']),
        query: this.#budget.within(() => this.statement(cte['ctequery'])),
        added: added.length === 0 ? undefined : added,
      })
    })
    return clause['recursive'] === true ? { ctes, isRecursive: true as const } : { ctes }
  }

  #targets(list: unknown): OutputFacts[] {
    return asList(list).map((item) => {
      const target = unwrap(item)
      if (target?.tag !== 'ResTarget') throw new FlowNotTold()
      return this.#expressions.output(target.body['val'], asText(target.body['name']))
    })
  }

  #sources(list: unknown): SourceFacts[] | undefined {
    const items = asList(list)
    return items.length === 0 ? undefined : items.map((item) => this.#source(item))
  }

  #source(value: unknown): SourceFacts {
    this.#budget.take()
    const node = unwrap(value)
    const body = node?.body ?? {}
    switch (node?.tag) {
      case 'RangeVar':
        return this.relation(body, 'read')
      case 'RangeSubselect':
        return compact<SourceFacts & { from: 'query' }>({
          from: 'query',
          ...aliasOf(body['alias']),
          query: this.statement(body['subquery']),
          lateral: body['lateral'] === true,
        })
      case 'JoinExpr':
        return this.#budget.within(() => this.#join(body))
      case 'RangeFunction':
        return this.#calls(body)
      case 'RangeTableSample': {
        const sampled = this.#source(body['relation'])
        if (sampled.from !== 'relation') throw new FlowNotTold()
        const sample = this.expression(body['args'], body['repeatable'])
        return compact<RelationSource>({ ...sampled, sample })
      }
      case 'RangeTableFunc':
      case 'JsonTable':
        return this.#table(body)
      default:
        throw new FlowNotTold()
    }
  }

  /** A RangeVar. */
  relation(value: unknown, access: 'read' | 'write'): RelationSource {
    const node = asTree(value)
    const name = asText(node?.['relname'])
    if (node === undefined || name === undefined) throw new FlowNotTold()
    return compact<RelationSource>({
      from: 'relation',
      ...aliasOf(node['alias']),
      schema: asText(node['schemaname']),
      name,
      access,
      inherits: node['inh'] === true,
    })
  }

  #join(node: Tree): JoinSource {
    const type = JOIN_TYPES.get(node['jointype'])
    if (type === undefined) throw new FlowNotTold()
    return compact<JoinSource>({
      from: 'join',
      ...aliasOf(node['alias']),
      type,
      left: this.#source(node['larg']),
      right: this.#source(node['rarg']),
      isNatural: node['isNatural'] === true ? true : undefined,
      using: names(node['usingClause']),
      usingAlias: aliasOf(node['join_using_alias']).alias,
      on: this.expression(node['quals']),
    })
  }

  #calls(node: Tree): SourceFacts {
    const functions = asList(node['functions'])
    const calls = functions.map((item): CallFacts => {
      const [call, definitions] = asList(unwrap(item)?.body['items'])
      const own = asList(unwrap(definitions)?.body['items'])
      return this.#call(call, own.length > 0 ? own : asList(node['coldeflist']))
    })
    return compact<SourceFacts & { from: 'calls' }>({
      from: 'calls',
      ...aliasOf(node['alias']),
      calls,
      ordinality: node['ordinality'] === true,
    })
  }

  #call(value: unknown, definitions: readonly unknown[]): CallFacts {
    const node = unwrap(value)
    if (node === undefined) throw new FlowNotTold()
    const isCall = node.tag === 'FuncCall'
    const args = isCall ? asList(node.body['args']) : []
    const name = isCall ? qualifiedName(node.body['funcname']) : undefined
    const columns = definitions.map((item) => {
      const column = asText(unwrap(item)?.body['colname'])
      if (column === undefined) throw new FlowNotTold()
      return column
    })
    if (isCall && name === undefined) throw new FlowNotTold()
    return compact<CallFacts>({
      called:
        name === undefined
          ? undefined
          : compact<NonNullable<CallFacts['called']>>({
              schema: name.schema,
              name: name.name,
              argumentCount: args.length,
            }),
      input: this.expression(value) ?? {},
      columns: columns.length === 0 ? undefined : columns,
      isScalar: args.every(isScalar),
    })
  }

  #table(node: Tree): SourceFacts {
    const found: string[] = []
    const add = (item: unknown) => {
      const column = unwrap(item)?.body ?? {}
      const nested = column['coltype'] === 'JTC_NESTED'
      const name = asText(column['colname']) ?? asText(column['name'])
      if (nested) for (const inner of asList(column['columns'])) add(inner)
      else if (name === undefined) throw new FlowNotTold()
      else found.push(name)
    }
    for (const item of asList(node['columns'])) add(item)
    return compact<SourceFacts & { from: 'table' }>({
      from: 'table',
      ...aliasOf(node['alias']),
      input: this.expression({ ...node, alias: undefined }) ?? {},
      names: found,
    })
  }

  #returning(node: Tree) {
    const clause = asTree(node['returningClause'])
    if (clause === undefined) return {}
    const aliases = asList(clause['options']).map((item) => asText(unwrap(item)?.body['value']))
    return {
      outputs: this.#targets(clause['exprs']),
      returned: ['old', 'new', ...aliases.filter((name) => name !== undefined)],
    }
  }

  #insert(node: Tree): QueryFacts {
    const conflict = asTree(node['onConflictClause'])
    const infer = asTree(conflict?.['infer'])
    const named = infer === undefined || infer['conname'] !== undefined
    const columns = asList(node['cols']).map((item) => asText(unwrap(item)?.body['name']) ?? '')
    return compact<QueryFacts>({
      ...this.#with(node),
      target: this.relation(node['relation'], 'write'),
      inserted: node['selectStmt'] === undefined ? undefined : this.statement(node['selectStmt']),
      columns: columns.length === 0 ? undefined : columns,
      conflict:
        conflict === undefined ? undefined : named ? {} : { inferred: this.#inferred(infer) },
      written: this.expression(asList(conflict?.['targetList'])),
      conditions: this.expression(conflict?.['whereClause']),
      ...this.#returning(node),
    })
  }

  /** ON CONFLICT (a, lower(b)) WHERE …. */
  #inferred(infer: Tree): ExpressionFacts {
    const elements = asList(infer['indexElems']).map((item) => unwrap(item)?.body ?? {})
    const plain = elements
      .map((element) => asText(element['name']))
      .filter((name) => name !== undefined)
    const rest = this.expression(
      elements.map((element) => element['expr']),
      infer['whereClause'],
    )
    return { ...rest, names: [...(rest?.names ?? []), ...plain.map((name) => ({ names: [name] }))] }
  }

  /** UPDATE and DELETE. */
  #change(node: Tree, from: readonly unknown[]): QueryFacts {
    return compact<QueryFacts>({
      ...this.#with(node),
      target: this.relation(node['relation'], 'write'),
      sources: this.#sources(from),
      written: this.expression(node['targetList']),
      conditions: this.expression(node['whereClause']),
      ...this.#returning(node),
    })
  }

  #merge(node: Tree): QueryFacts {
    const whens = asList(node['mergeWhenClauses']).map((item) => unwrap(item)?.body ?? {})
    return compact<QueryFacts>({
      ...this.#with(node),
      target: this.relation(node['relation'], 'write'),
      targetLast: true,
      sources: [this.#source(node['sourceRelation'])],
      written: this.expression(whens.map((when) => [when['targetList'], when['values']])),
      conditions: this.expression(
        node['joinCondition'],
        whens.map((when) => when['condition']),
      ),
      ...this.#returning(node),
    })
  }
}

/** What rows are sorted or grouped by. */
interface SortKeys {
  readonly expressions: unknown[]
  readonly positions: number[]
  readonly names: string[]
}

const filled = <T>(list: readonly T[]): readonly T[] | undefined =>
  list.length === 0 ? undefined : list

const sortKeys = (node: Tree): unknown[] =>
  asList(node['sortClause']).map((item) => unwrap(item)?.body['node'])

const distinctKeys = (node: Tree): unknown[] =>
  asList(node['distinctClause']).filter((item) => !isNull(item))

function groupKeys(node: Tree): unknown[] {
  const keys: unknown[] = []
  const add = (item: unknown) => {
    const inner = unwrap(item)
    const field = GROUPS.get(inner?.tag)
    if (inner === undefined || field === undefined) keys.push(item)
    else for (const next of asList(inner.body[field])) add(next)
  }
  for (const item of asList(node['groupClause'])) add(item)
  return keys
}

/** Nodes of GROUP BY that hold several keys. */
const GROUPS: ReadonlyMap<string | undefined, string> = new Map([
  ['GroupingSet', 'content'],
  ['RowExpr', 'args'],
  ['List', 'items'],
])

/** `{}` in a list. */
const isNull = (value: unknown): boolean => unwrap(value) === undefined

/** A constant, a parameter or a cast, or an array of such: the judge knows that no row type is meant. */
function isScalar(value: unknown): boolean {
  const node = unwrap(value)
  if (node?.tag === 'A_ArrayExpr') return asList(node.body['elements']).every(isScalar)
  if (node?.tag === 'NamedArgExpr') return isScalar(node.body['arg'])
  return node?.tag === 'A_Const' || node?.tag === 'ParamRef' || node?.tag === 'TypeCast'
}
