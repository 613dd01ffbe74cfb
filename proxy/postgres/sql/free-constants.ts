// Which constants of a text may have any value without a change in what is said of it: its facts.
// Goes by a list of places in the parse tree; a constant anywhere else is not free. Pure.

import { asList, asTree, stringOf, unwrap } from './tree.js'
import type { Tree } from './tree.js'

/** Which constants are free at a place. */
type Free = 'none' | 'numbers' | 'all'

/**
 * Where constants are free, by node and field. `field!` is an ordinary expression: a constant
 * there is free. `field=` is as free as the node itself. A field without mark may hold further
 * expressions, but a constant right in it is not free: in ORDER BY and GROUP BY it is the number of a
 * column. `field:Node` is a bare node. What is not listed is not entered: type modifiers, options,
 * window frames, sampling, JSON and XML constructs, and all statements but these.
 */
const PLACES = {
  A_ArrayExpr: 'elements=',
  A_Indices: 'lidx! uidx!',
  A_Indirection: 'arg! indirection',
  BoolExpr: 'args!',
  BooleanTest: 'arg!',
  CaseExpr: 'arg! args defresult!',
  CaseWhen: 'expr! result!',
  CoalesceExpr: 'args!',
  CollateClause: 'arg=',
  CommonTableExpr: 'ctequery',
  DeleteStmt: 'usingClause whereClause! returningClause:ReturningClause withClause:WithClause',
  InsertStmt:
    'cols selectStmt onConflictClause:OnConflictClause returningClause:ReturningClause ' +
    'withClause:WithClause',
  JoinExpr: 'larg rarg quals!',
  List: 'items=',
  MergeStmt:
    'sourceRelation joinCondition! mergeWhenClauses returningClause:ReturningClause ' +
    'withClause:WithClause',
  MergeWhenClause: 'condition! targetList values!',
  MinMaxExpr: 'args!',
  MultiAssignRef: 'source!',
  NamedArgExpr: 'arg=',
  NullTest: 'arg!',
  OnConflictClause: 'targetList whereClause!',
  RangeFunction: 'functions',
  RangeSubselect: 'subquery',
  ResTarget: 'val! indirection',
  ReturningClause: 'exprs',
  RowExpr: 'args=',
  SelectStmt:
    'targetList fromClause whereClause! groupClause havingClause! valuesLists! sortClause ' +
    'limitOffset! limitCount! withClause:WithClause larg:SelectStmt rarg:SelectStmt',
  SortBy: 'node',
  SubLink: 'testexpr! subselect',
  UpdateStmt:
    'targetList fromClause whereClause! returningClause:ReturningClause withClause:WithClause',
  WithClause: 'ctes',
}

/** One field to enter: how free it is by itself, or `inherit`; the type of a bare node, if it is one. */
interface Place {
  readonly field: string
  readonly free: Free | 'inherit'
  readonly bare: string | undefined
}

const placesOf = (fields: string): readonly Place[] =>
  fields.split(' ').map((text) => {
    const [field = '', bare] = text.replace(/[!=]$/, '').split(':')
    const free = text.endsWith('!') ? 'all' : text.endsWith('=') ? 'inherit' : 'none'
    return { field, free, bare }
  })

const TABLE: ReadonlyMap<string, readonly Place[]> = new Map(
  Object.entries(PLACES).map(([type, fields]) => [type, placesOf(fields)]),
)

/** Statements whose constants may be free. */
const STATEMENTS: ReadonlySet<string> = new Set([
  'DeleteStmt',
  'InsertStmt',
  'MergeStmt',
  'SelectStmt',
  'UpdateStmt',
])

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

/** Types whose input names nothing. Not `reg…`, which name objects, and not paths into documents. */
const PLAIN_TYPES = words(
  'bit bool bpchar bytea cidr date float4 float8 inet int2 int4 int8 interval json jsonb macaddr ' +
    'money numeric text time timestamp timestamptz timetz uuid varbit varchar',
)

/** Functions whose strings are values, or words of a fixed list; others could be names of objects. */
const PLAIN_FUNCTIONS = words(
  'abs age array_append array_position btrim char_length concat concat_ws count date_bin date_part ' +
    'date_trunc decode encode extract greatest initcap jsonb_build_object json_build_object left ' +
    'length like_escape lower lpad ltrim max md5 min position repeat replace reverse right round ' +
    'rpad rtrim similar_to_escape split_part starts_with string_agg strpos substr substring ' +
    'timezone to_char to_date to_number to_timestamp translate trim upper',
)

/** Operators whose strings are values; others may take paths into documents, queries or names. */
const PLAIN_OPERATORS = words('= <> < > <= >= + - * / % || ~~ !~~ ~~* !~~* ~ !~ ~* !~*')

/** The name in a list of one, or of two with `pg_catalog`; undefined for any other. */
function builtinName(value: unknown): string | undefined {
  const names = asList(value).map(stringOf)
  return names.length === 1 || (names.length === 2 && names[0] === 'pg_catalog')
    ? names.at(-1)
    : undefined
}

/** Kinds of A_Expr that are named by a word instead of an operator. */
const PLAIN_KINDS: ReadonlySet<unknown> = new Set([
  'AEXPR_BETWEEN',
  'AEXPR_BETWEEN_SYM',
  'AEXPR_NOT_BETWEEN',
  'AEXPR_NOT_BETWEEN_SYM',
])

/** Gathers the offsets of free constants. */
class Search {
  readonly offsets = new Set<number>()

  /** Enters a wrapped node, or a list of them. */
  #enter(value: unknown, free: Free): void {
    if (Array.isArray(value)) {
      for (const item of asList(value)) this.#enter(item, free)
      return
    }
    const node = unwrap(value)
    if (node === undefined) return
    if (node.tag === 'A_Const') this.#constant(node.body, free)
    else this.bare(node.tag, node.body, free)
  }

  #constant(node: Tree, free: Free): void {
    const isNumber = node['ival'] !== undefined || node['fval'] !== undefined
    const isFree = free === 'all' ? isNumber || node['sval'] !== undefined : isNumber
    const { location } = node
    if (free !== 'none' && isFree && typeof location === 'number') this.offsets.add(location)
  }

  /** Enters a node of a known type. */
  bare(type: string, node: Tree, free: Free): void {
    if (type === 'A_Expr') {
      const name = builtinName(node['name']) ?? ''
      const isPlain = PLAIN_OPERATORS.has(name) || PLAIN_KINDS.has(node['kind'])
      this.#enter(node['lexpr'], isPlain ? 'all' : 'none')
      this.#enter(node['rexpr'], isPlain ? 'all' : 'none')
    } else if (type === 'FuncCall') {
      const isPlain = PLAIN_FUNCTIONS.has(builtinName(node['funcname']) ?? '')
      this.#enter(node['args'], isPlain ? 'all' : 'numbers')
      this.#enter(node['agg_filter'], 'all')
      this.#enter(node['agg_order'], 'none')
    } else if (type === 'TypeCast') {
      const name = builtinName(asTree(node['typeName'])?.['names']) ?? ''
      this.#enter(node['arg'], PLAIN_TYPES.has(name) ? free : 'none')
    } else {
      for (const place of TABLE.get(type) ?? []) this.#place(node, place, free)
    }
  }

  #place(node: Tree, { field, free, bare }: Place, inherited: Free): void {
    const value = node[field]
    if (bare === undefined) {
      this.#enter(value, free === 'inherit' ? inherited : free)
      return
    }
    const body = asTree(value)
    if (body !== undefined) this.bare(bare, body, 'none')
  }
}

/**
 * Byte offsets of the constants in a parse result of libpg-query that are free: those of ordinary
 * expressions of SELECT, INSERT, UPDATE, DELETE and MERGE, except numbers of columns, strings that
 * could name an object or a path, and whatever is not an expression.
 *
 * @param result `{version, stmts}`; trees are at most as deep as the parser's budget allows.
 */
export function freeConstants(result: unknown): ReadonlySet<number> {
  const search = new Search()
  for (const raw of asList(asTree(result)?.['stmts'])) {
    const statement = unwrap(asTree(raw)?.['stmt'])
    if (statement !== undefined && STATEMENTS.has(statement.tag))
      search.bare(statement.tag, statement.body, 'none')
  }
  return search.offsets
}
