// What expressions and FROM items do besides holding other nodes: the functions, operators and
// types that they use, said openly or behind syntax. Pure.

import { asList, asText, asTree, stringOf, unwrap } from './tree.js'
import type { Tree } from './tree.js'
import type { Walk } from './walk.js'

type Hook = (node: Tree, walk: Walk) => void

/** Operators behind BETWEEN (gram.y, parse_expr.c transformAExprBetween). */
const BETWEEN_OPERATORS: Readonly<Record<string, readonly string[]>> = {
  AEXPR_BETWEEN: ['>=', '<='],
  AEXPR_NOT_BETWEEN: ['<', '>'],
  AEXPR_BETWEEN_SYM: ['>=', '<='],
  AEXPR_NOT_BETWEEN_SYM: ['<', '>'],
}

const BINARY_KINDS: ReadonlySet<unknown> = new Set([
  'AEXPR_OP_ANY',
  'AEXPR_OP_ALL',
  'AEXPR_DISTINCT',
  'AEXPR_NOT_DISTINCT',
  'AEXPR_NULLIF',
  'AEXPR_IN',
  'AEXPR_LIKE',
  'AEXPR_ILIKE',
  'AEXPR_SIMILAR',
])

function expression(node: Tree, walk: Walk): void {
  const kind = asText(node['kind']) ?? ''
  const between = Object.hasOwn(BETWEEN_OPERATORS, kind) ? BETWEEN_OPERATORS[kind] : undefined
  if (between !== undefined) {
    for (const name of between) walk.useOperatorNamed(name)
  } else if (kind === 'AEXPR_OP') {
    walk.useOperator(node['name'], node['lexpr'] === undefined ? 1 : 2)
  } else if (BINARY_KINDS.has(kind)) {
    walk.useOperator(node['name'], 2)
  } else {
    walk.unknown(`expression ${kind} not known`)
  }
}

/** `a.b` is a column, or the function b of the row a (parse_func.c ParseFuncOrColumn). */
function columnReference(node: Tree, walk: Walk): void {
  const fields = asList(node['fields'])
  const names = fields.map(stringOf)
  if (fields.some((field, at) => names[at] === undefined && unwrap(field)?.tag !== 'A_Star'))
    walk.unknown('a column that is no name')
  for (const name of names.slice(1)) if (name !== undefined) walk.column(name)
}

function indirection(node: Tree, walk: Walk): void {
  for (const item of asList(node['indirection'])) {
    const name = stringOf(item)
    if (name !== undefined) walk.column(name)
  }
}

function functionCall(node: Tree, walk: Walk): void {
  const ordered = node['agg_within_group'] === true ? asList(node['agg_order']).length : 0
  walk.callFunction(node['funcname'], asList(node['args']).length + ordered, 'call')
}

/** CASE x WHEN y compares with the operator named `=`. */
const simpleCase: Hook = (node, walk) => {
  if (node['arg'] !== undefined) walk.useOperatorNamed('=')
}

const join: Hook = (node, walk) => {
  if (node['isNatural'] === true || node['usingClause'] !== undefined) walk.useOperatorNamed('=')
}

/** IN (SELECT …) compares with `=`; ANY and ALL name their operator. */
function subLink(node: Tree, walk: Walk): void {
  const kind = node['subLinkType']
  if (kind !== 'ANY_SUBLINK' && kind !== 'ALL_SUBLINK') return
  if (node['operName'] === undefined) walk.useOperatorNamed('=')
  else walk.useOperator(node['operName'], 2)
}

const sortBy: Hook = (node, walk) => {
  if (node['useOp'] !== undefined) walk.useOperator(node['useOp'], 2)
}

function typeName(node: Tree, walk: Walk): void {
  if (node['pct_type'] === true || node['setof'] === true || node['typeOid'] !== undefined)
    walk.unknown('a type that is not named')
  walk.useType(node['names'])
}

/** The method is a function of one argument (tsmapi), found on the search path. */
const tableSample: Hook = (node, walk) => walk.callFunction(node['method'], 1, 'sample')

const JSON_FUNCTIONS: ReadonlyMap<unknown, string> = new Map([
  ['JSON_EXISTS_OP', 'json_exists'],
  ['JSON_QUERY_OP', 'json_query'],
  ['JSON_VALUE_OP', 'json_value'],
])

function jsonFunction(node: Tree, walk: Walk): void {
  const name = JSON_FUNCTIONS.get(node['op'])
  if (name === undefined) walk.unknown('a JSON function not known')
  else walk.grammarFunction(name)
}

const grammar =
  (name: string): Hook =>
  (_, walk) =>
    walk.grammarFunction(name)

/** EXCLUDE (a WITH op): each item is a pair of an index element and an operator name. */
function constraint(node: Tree, walk: Walk): void {
  for (const item of asList(node['exclusions'])) {
    const [, operator] = asList(unwrap(item)?.body['items'])
    walk.useOperator(unwrap(operator)?.body['items'], 2)
  }
}

/** Hooks that run before a node's fields are walked. */
export const EXPRESSION_EMIT: readonly (readonly [string, Hook])[] = [
  ['A_Expr', expression],
  ['A_Indirection', indirection],
  ['CaseExpr', simpleCase],
  ['ColumnRef', columnReference],
  ['Constraint', constraint],
  ['FuncCall', functionCall],
  ['JoinExpr', join],
  ['JsonArrayAgg', grammar('json_arrayagg')],
  ['JsonArrayConstructor', grammar('json_array')],
  ['JsonArrayQueryConstructor', grammar('json_array')],
  ['JsonFuncExpr', jsonFunction],
  ['JsonObjectAgg', grammar('json_objectagg')],
  ['JsonObjectConstructor', grammar('json_object')],
  ['JsonParseExpr', grammar('json')],
  ['JsonScalarExpr', grammar('json_scalar')],
  ['JsonSerializeExpr', grammar('json_serialize')],
  ['JsonTable', grammar('json_table')],
  ['MergeSupportFunc', grammar('merge_action')],
  ['RangeTableSample', tableSample],
  ['SortBy', sortBy],
  ['SubLink', subLink],
  ['TypeName', typeName],
]

/** Hooks that see to all of a node's fields themselves. */
export const EXPRESSION_OWN: readonly (readonly [string, Hook])[] = [
  ['RangeVar', (node, walk) => walk.relation(node, 'read')],
]

/**
 * True when an expression can't depend on the row: it names no column, or it compares a column
 * with itself. An aid for the trait `without-where`, not a boundary.
 */
export function isConstantCondition(value: unknown): boolean {
  const node = unwrap(value)
  if (node?.tag === 'BoolExpr') {
    const args = asList(node.body['args'])
    return node.body['boolop'] === 'OR_EXPR'
      ? args.some(isConstantCondition)
      : args.every(isConstantCondition)
  }
  if (node?.tag === 'A_Expr' && node.body['kind'] === 'AEXPR_OP') {
    const left = columnNames(node.body['lexpr'])
    if (left !== undefined && left === columnNames(node.body['rexpr'])) return true
  }
  return !holdsColumn(value)
}

const columnNames = (value: unknown): string | undefined => {
  const node = unwrap(value)
  return node?.tag === 'ColumnRef'
    ? JSON.stringify(asList(node.body['fields']).map(stringOf))
    : undefined
}

function holdsColumn(value: unknown): boolean {
  if (Array.isArray(value)) return asList(value).some(holdsColumn)
  const tree = asTree(value)
  return (
    tree !== undefined &&
    Object.entries(tree).some(
      ([key, inner]) => key === 'ColumnRef' || key === 'CurrentOfExpr' || holdsColumn(inner),
    )
  )
}
