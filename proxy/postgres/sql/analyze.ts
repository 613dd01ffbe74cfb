// From the parser's JSON to facts, one statement at a time. Pure; sees no text, only the tree.

import {
  PLAIN_DEFINITIONS,
  alterTable,
  comment,
  createSchema,
  createTable,
  createTableAs,
  createView,
  drop,
  grant,
  plainDefinition,
  reindex,
  rename,
  truncate,
  vacuum,
} from './definitions.js'
import { EXPRESSION_EMIT, EXPRESSION_OWN } from './expressions.js'
import { statementCountMax } from './facts.js'
import type { StatementFacts, TextFacts } from './facts.js'
import { FIXED_STATEMENTS, SESSION_STATEMENTS } from './fixed-statements.js'
import { flowOf } from './flow-statements.js'
import { QUERY_OWN } from './queries.js'
import {
  copy,
  declareCursor,
  discard,
  explain,
  fetch,
  lockTable,
  transaction,
} from './session-statements.js'
import { setVariable, showVariable } from './settings.js'
import { DEFINITION_SHAPES, EXPRESSION_SHAPES, QUERY_SHAPES, shapesOf } from './shapes.js'
import { asList, asTree, unwrap } from './tree.js'
import { Walk } from './walk.js'
import type { Tree } from './tree.js'
import type { Grammar } from './walk.js'

const GRAMMAR: Grammar = {
  shapes: shapesOf({ ...EXPRESSION_SHAPES, ...QUERY_SHAPES, ...DEFINITION_SHAPES }),
  emit: new Map(EXPRESSION_EMIT),
  own: new Map([...EXPRESSION_OWN, ...QUERY_OWN]),
}

/** Statements that read and write rows, by the tag of their node. */
const QUERIES: ReadonlyMap<string, string> = new Map([
  ['DeleteStmt', 'delete'],
  ['InsertStmt', 'insert'],
  ['MergeStmt', 'merge'],
  ['SelectStmt', 'select'],
  ['UpdateStmt', 'update'],
])

const STATEMENTS: ReadonlyMap<string, (node: Tree, walk: Walk) => void> = new Map([
  ['AlterObjectSchemaStmt', (node, walk) => rename(node, walk, 'set-schema', node['objectType'])],
  ['AlterTableStmt', alterTable],
  ['CommentStmt', (node, walk) => comment(node, walk, 'comment')],
  ['CopyStmt', copy],
  ['CreateSchemaStmt', (node, walk) => createSchema(node, walk, analyzeInto)],
  ['CreateStmt', createTable],
  ['CreateTableAsStmt', createTableAs],
  ['DeclareCursorStmt', declareCursor],
  ['DefineStmt', define],
  ['DiscardStmt', discard],
  ['DropStmt', drop],
  ['ExplainStmt', (node, walk) => explain(node, walk, analyzeInto)],
  ['FetchStmt', fetch],
  ['GrantStmt', grant],
  ['LockStmt', lockTable],
  ['ReindexStmt', reindex],
  ['RenameStmt', (node, walk) => rename(node, walk, 'rename', node['renameType'])],
  ['SecLabelStmt', (node, walk) => comment(node, walk, 'security-label')],
  ['TransactionStmt', transaction],
  ['TruncateStmt', truncate],
  ['VacuumStmt', vacuum],
  ['VariableSetStmt', setVariable],
  ['VariableShowStmt', showVariable],
  ['ViewStmt', createView],
] satisfies [string, (node: Tree, walk: Walk) => void][])

/** CREATE AGGREGATE, OPERATOR, TYPE …: code, except for a collation. */
function define(node: Tree, walk: Walk): void {
  if (node['kind'] === 'OBJECT_COLLATION') {
    walk.kind('create-collation')
    walk.raise('ddl')
  } else {
    walk.kind('define')
    walk.raise('dangerous', 'puts code into the database that later statements run')
  }
}

function query(tag: string, kind: string, node: Tree, walk: Walk): void {
  walk.kind(kind)
  if (tag === 'SelectStmt' && holdsInto(node)) walk.kind('select-into')
  walk.bare(tag, node)
}

/** INTO may stand in the leftmost SELECT of a set operation. */
function holdsInto(node: Tree): boolean {
  const left = asTree(node['larg'])
  return node['intoClause'] !== undefined || (left !== undefined && holdsInto(left))
}

/** Analyses one wrapped statement into a walk. */
function analyzeInto(value: unknown, walk: Walk): StatementFacts {
  const statement = unwrap(value)
  const { tag, body } = statement ?? { tag: 'nothing', body: {} }
  const kind = QUERIES.get(tag)
  const handler = STATEMENTS.get(tag)
  const fixed = FIXED_STATEMENTS.get(tag)
  const session = SESSION_STATEMENTS.get(tag)
  if (kind !== undefined) {
    query(tag, kind, body, walk)
  } else if (handler !== undefined) {
    handler(body, walk)
  } else if (fixed !== undefined) {
    walk.kind(fixed.kind)
    walk.raise(fixed.effect, fixed.because)
    walk.shake('*')
    if (fixed.relation !== undefined && body[fixed.relation] !== undefined)
      walk.relation(body[fixed.relation], 'write')
  } else if (session !== undefined) {
    walk.kind(session)
    walk.raise('session-control')
  } else if (PLAIN_DEFINITIONS.has(tag)) {
    plainDefinition(tag, body, walk)
  } else {
    walk.unknown(`statement ${tag} not known`)
  }
  return walk.facts()
}

/** Where values go is told only where every node and field was on the list. */
function analyzeStatement(value: unknown): StatementFacts {
  const facts = analyzeInto(value, new Walk(GRAMMAR))
  const flow = facts.effect === 'unknown' ? undefined : flowOf(value)
  return flow === undefined ? facts : { ...facts, flow }
}

/** The facts of a parse result of libpg-query (`{version, stmts}`). */
export function analyze(result: unknown): TextFacts {
  const statements = asTree(result)?.['stmts']
  if (!Array.isArray(statements))
    return { outcome: 'unknown', because: 'the parser gave no statements' }
  if (statements.length > statementCountMax)
    return { outcome: 'unknown', because: `more than ${statementCountMax} statements in one text` }
  return {
    outcome: 'facts',
    statements: asList(statements).map((raw) => analyzeStatement(asTree(raw)?.['stmt'])),
  }
}
