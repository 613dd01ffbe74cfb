// Where the values of one statement go, by its kind. What is not listed here is not told. Pure.

import { ALL_COLUMNS, compact } from './flow.js'
import type { Flow } from './flow.js'
import { FlowBudget, FlowNotTold } from './flow-expressions.js'
import { QueryReader } from './flow-queries.js'
import type { CopyForm } from './lineage.js'
import { asList, asText, asTree, stringOf, unwrap } from './tree.js'
import type { Tree } from './tree.js'

const NOTHING: Flow = { to: 'nothing', outputCount: 0 }

/**
 * Statements through which no value of a column flows, and that return no rows. A view's definition
 * is its owner's, so REFRESH shows nothing new.
 */
const SILENT: ReadonlySet<string> = new Set([
  ...['AlterDomainStmt', 'AlterEnumStmt', 'AlterSeqStmt'],
  ...['AlterStatsStmt', 'CheckPointStmt', 'ClosePortalStmt', 'ClusterStmt', 'CommentStmt'],
  ...['CompositeTypeStmt', 'ConstraintsSetStmt', 'CreateDomainStmt', 'CreateEnumStmt'],
  ...['CreateSeqStmt', 'CreateStmt', 'DiscardStmt', 'DropStmt', 'GrantStmt', 'ListenStmt'],
  ...['LockStmt', 'NotifyStmt', 'RefreshMatViewStmt', 'ReindexStmt', 'SecLabelStmt'],
  ...['TransactionStmt', 'TruncateStmt', 'UnlistenStmt', 'VacuumStmt', 'VariableSetStmt'],
])

/** ALTER TABLE subcommands after which a relation no longer counts among its parents' children. */
const SEPARATING: ReadonlySet<unknown> = new Set([
  'AT_DetachPartition',
  'AT_DetachPartitionFinalize',
  'AT_DropInherit',
])

/** Where the values of a wrapped statement go; undefined when nobody can tell. */
export function flowOf(value: unknown): Flow | undefined {
  try {
    return read(value, new QueryReader(new FlowBudget()))
  } catch (failure) {
    if (failure instanceof FlowNotTold) return undefined
    throw failure
  }
}

function read(value: unknown, queries: QueryReader): Flow | undefined {
  const node = unwrap(value)
  if (node === undefined) return undefined
  const { tag, body } = node
  switch (tag) {
    case 'SelectStmt':
      return { to: holdsInto(body) ? 'write' : 'rows', query: queries.select(body) }
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
      return { to: 'rows', query: queries.statement(value) }
    case 'CreateTableAsStmt':
    case 'ViewStmt':
      return { to: 'write', query: queries.statement(body['query']) }
    case 'DeclareCursorStmt':
      return {
        to: 'cursor',
        name: asText(body['portalname']) ?? '',
        query: queries.statement(body['query']),
      }
    case 'FetchStmt':
      return body['ismove'] === true
        ? NOTHING
        : { to: 'fetched', name: asText(body['portalname']) ?? '' }
    case 'ExplainStmt':
      return { to: 'plan', flow: read(body['query'], queries) }
    case 'CopyStmt':
      return copy(body, queries)
    case 'VariableShowStmt':
      // SHOW ALL gives name, setting and description.
      return { to: 'nothing', outputCount: asText(body['name']) === 'all' ? 3 : 1 }
    default:
      return SILENT.has(tag) ? NOTHING : definition(tag, body, queries)
  }
}

/** INTO may stand in the leftmost SELECT of a set operation. */
function holdsInto(node: Tree): boolean {
  const left = asTree(node['larg'])
  return node['intoClause'] !== undefined || (left !== undefined && holdsInto(left))
}

function copy(node: Tree, queries: QueryReader): Flow {
  if (node['is_from'] === true) return NOTHING
  const columns = asList(node['attlist']).map((item) => stringOf(item) ?? '')
  const out = node['is_program'] === true || node['filename'] !== undefined
  return compact<Flow & { to: 'copy' }>({
    to: 'copy',
    form: out ? undefined : copyForm(asList(node['options'])),
    query: node['query'] === undefined ? undefined : queries.statement(node['query']),
    relation:
      node['relation'] === undefined ? undefined : queries.relation(node['relation'], 'read'),
    columns: columns.length === 0 ? undefined : columns,
  })
}

/** Only forms whose every byte is known from FORMAT and HEADER are told apart. */
function copyForm(options: readonly unknown[]): CopyForm {
  let form: CopyForm = 'text'
  let header = false
  for (const option of options) {
    const element = unwrap(option)?.body ?? {}
    const name = asText(element['defname'])
    const value = stringOf(element['arg'])
    if (name === 'format' && (value === 'text' || value === 'csv')) form = value
    else if (name === 'header') header = true
    else return 'other'
  }
  return header && form !== 'csv' ? 'other' : form
}

/** DDL that computes with the values of a relation, or takes its name from it. */
function definition(tag: string, node: Tree, queries: QueryReader): Flow | undefined {
  switch (tag) {
    case 'RenameStmt':
      return rename(node, node['renameType'], queries)
    case 'AlterObjectSchemaStmt':
      return rename(node, node['objectType'], queries)
    case 'AlterTableStmt': {
      const commands = asList(node['cmds']).map((item) => unwrap(item)?.body ?? {})
      const separates = commands.some((command) => SEPARATING.has(command['subtype']))
      return compact<Flow & { to: 'definition' }>({
        to: 'definition',
        relation: queries.relation(node['relation'], 'write'),
        written: queries.expression(commands),
        conditions: undefined,
        renamed: separates ? ALL_COLUMNS : undefined,
      })
    }
    case 'IndexStmt':
      return compact<Flow & { to: 'definition' }>({
        to: 'definition',
        relation: queries.relation(node['relation'], 'write'),
        written: undefined,
        conditions: queries.expression(node['indexParams'], node['whereClause']),
        renamed: undefined,
      })
    case 'CreateStatsStmt':
      // One relation; its statistics are themselves out of reach.
      return NOTHING
    case 'CreateSchemaStmt': {
      const views = asList(node['schemaElts']).some((item) => unwrap(item)?.tag === 'ViewStmt')
      return views ? undefined : NOTHING
    }
    default:
      return undefined
  }
}

/** Under another name a column is no longer the one that rules speak of. */
function rename(node: Tree, type: unknown, queries: QueryReader): Flow {
  const renamesColumn = type === 'OBJECT_COLUMN'
  const renamesTable = type === 'OBJECT_TABLE' || type === 'OBJECT_FOREIGN_TABLE'
  if (node['relation'] === undefined || (!renamesColumn && !renamesTable)) return NOTHING
  return {
    to: 'definition',
    relation: queries.relation(node['relation'], 'write'),
    renamed: renamesColumn ? (asText(node['subname']) ?? ALL_COLUMNS) : ALL_COLUMNS,
  }
}
