// What an expression takes values from, out of the parse tree: names, subqueries, and the parts that
// only choose or sort. Runs after the walk has found every node and field on its list. Pure.

import { flowCountMax, flowDepthMax } from './flow.js'
import type { ExpressionFacts, NameFacts, OutputFacts, QueryFacts } from './flow.js'
import { asList, asText, asTree, stringOf, unwrap } from './tree.js'
import type { Tree } from './tree.js'

/** Thrown and caught within the flow of one statement: it is not told. */
export class FlowNotTold extends Error {}

/** Counts what the flow of one statement holds, so that it stays small. */
export class FlowBudget {
  #left = flowCountMax
  #depth = 0

  take(): void {
    this.#left -= 1
    if (this.#left < 0) throw new FlowNotTold()
  }

  /** Runs `body` one level deeper. */
  within<T>(body: () => T): T {
    this.#depth += 1
    if (this.#depth > flowDepthMax) throw new FlowNotTold()
    const result = body()
    this.#depth -= 1
    return result
  }
}

/** Reads the query inside an expression. */
export type ReadQuery = (select: Tree, budget: FlowBudget) => QueryFacts

interface Found {
  names: NameFacts[]
  queries: { query: QueryFacts; exists?: true }[]
  conditions: Found | undefined
}

/** `a.b.*` as a name; undefined when it is none. */
export function columnName(node: Tree): NameFacts | undefined {
  const fields = asList(node['fields'])
  const last = fields.length - 1
  const star = unwrap(fields[last])?.tag === 'A_Star'
  const names: string[] = []
  for (let at = 0; at < (star ? last : fields.length); at += 1) {
    const name = stringOf(fields[at])
    if (name === undefined) return undefined
    names.push(name)
  }
  if (names.length === 0 && !star) return undefined
  return star ? { names, star } : { names }
}

/** `(u).ssn` and `(u).*`: a column by way of a row; undefined for anything longer or else. */
function rowField(node: Tree): NameFacts | undefined {
  const arg = unwrap(node['arg'])
  const name = arg?.tag === 'ColumnRef' ? columnName(arg.body) : undefined
  const [only, ...others] = asList(node['indirection'])
  if (name === undefined || name.star === true || others.length > 0) return undefined
  const field = stringOf(only)
  if (field !== undefined) return { ...name, field }
  return unwrap(only)?.tag === 'A_Star' ? { ...name, star: true, field: '*' } : undefined
}

/** Keys under which an aggregate or window function only chooses and sorts its input. */
const CHOOSING: ReadonlySet<string> = new Set(['agg_filter', 'over', 'agg_order'])

/** Gathers what expressions take values from. */
export class ExpressionReader {
  readonly #budget: FlowBudget
  readonly #readQuery: ReadQuery

  constructor(budget: FlowBudget, readQuery: ReadQuery) {
    this.#budget = budget
    this.#readQuery = readQuery
  }

  /** What all of these parts of a tree take values from; undefined for nothing. */
  expression(...values: readonly unknown[]): ExpressionFacts | undefined {
    const found: Found = { names: [], queries: [], conditions: undefined }
    for (const value of values) this.#gather(value, found)
    return factsOf(found)
  }

  /** An item of a target list or of a row. */
  output(value: unknown, alias?: string): OutputFacts {
    this.#budget.take()
    const node = unwrap(value)
    const column = this.#column(node)
    const named = alias === undefined ? {} : { name: alias }
    if (column !== undefined) return { ...named, column }
    const expression = this.expression(value)
    const name = alias ?? nameOf(node)
    return {
      ...(name === undefined ? {} : { name }),
      ...(expression === undefined ? {} : { expression }),
    }
  }

  #column(node: { tag: string; body: Tree } | undefined): NameFacts | undefined {
    if (node?.tag === 'ColumnRef') return columnName(node.body)
    return node?.tag === 'A_Indirection' ? rowField(node.body) : undefined
  }

  #gather(value: unknown, found: Found): void {
    if (Array.isArray(value)) {
      for (const item of asList(value)) this.#gather(item, found)
      return
    }
    const tree = asTree(value)
    if (tree === undefined) return
    for (const key in tree) {
      const inner = tree[key]
      if (typeof inner !== 'object') continue
      if (CHOOSING.has(key) && !(key === 'agg_order' && tree['agg_within_group'] === true)) {
        found.conditions ??= { names: [], queries: [], conditions: undefined }
        this.#gather(inner, found.conditions)
      } else if (!this.#special(key, asTree(inner), found) && key !== 'typeName') {
        this.#gather(inner, found)
      }
    }
  }

  /** Nodes that are names or hold queries; true when there is nothing left to gather. */
  #special(tag: string, body: Tree | undefined, found: Found): boolean {
    if (body === undefined) return false
    if (tag === 'ColumnRef') {
      this.#budget.take()
      const name = columnName(body)
      if (name === undefined) throw new FlowNotTold()
      found.names.push(name)
      return true
    }
    if (tag === 'A_Indirection') {
      const name = rowField(body)
      if (name === undefined) return false
      this.#budget.take()
      found.names.push(name)
      return true
    }
    if (tag === 'SubLink') {
      this.#gather(body['testexpr'], found)
      const query = unwrap(body['subselect'])
      if (query?.tag !== 'SelectStmt') throw new FlowNotTold()
      const exists = body['subLinkType'] === 'EXISTS_SUBLINK'
      this.#query(query.body, exists, found)
      return true
    }
    if (tag === 'SelectStmt') {
      this.#query(body, false, found)
      return true
    }
    // Each column of SET (a, b) = … repeats the one source.
    return tag === 'MultiAssignRef' && body['colno'] !== 1
  }

  #query(select: Tree, exists: boolean, found: Found): void {
    this.#budget.take()
    const query = this.#budget.within(() => this.#readQuery(select, this.#budget))
    found.queries.push(exists ? { query, exists } : { query })
  }
}

function factsOf({ names, queries, conditions }: Found): ExpressionFacts | undefined {
  const inner = conditions === undefined ? undefined : factsOf(conditions)
  if (names.length === 0 && queries.length === 0 && inner === undefined) return undefined
  return {
    ...(names.length === 0 ? {} : { names }),
    ...(queries.length === 0 ? {} : { queries }),
    ...(inner === undefined ? {} : { conditions: inner }),
  }
}

/** The name that PostgreSQL gives to an output (parse_target.c FigureColname), where that is sure. */
function nameOf(node: { tag: string; body: Tree } | undefined): string | undefined {
  if (node === undefined) return undefined
  const { tag, body } = node
  if (tag === 'FuncCall') return stringOf(asList(body['funcname']).at(-1))
  if (tag === 'CoalesceExpr') return 'coalesce'
  if (tag === 'A_Const' || tag === 'ParamRef' || tag === 'BoolExpr' || tag === 'NullTest')
    return '?column?'
  if (tag === 'A_Expr') return asText(body['kind']) === 'AEXPR_OP' ? '?column?' : undefined
  if (tag !== 'TypeCast') return undefined
  const arg = unwrap(body['arg'])
  if (arg?.tag === 'FuncCall') return nameOf(arg)
  if (arg?.tag === 'ColumnRef') return columnName(arg.body)?.names.at(-1)
  if (arg?.tag !== 'A_Const') return undefined
  return stringOf(asList(asTree(body['typeName'])?.['names']).at(-1))
}
