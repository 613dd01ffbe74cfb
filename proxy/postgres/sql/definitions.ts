// DDL that is walked, because the functions in its defaults, checks and queries run or stay. Pure.

import type { AnalyzeInner } from './session-statements.js'
import {
  ALTER_TABLE_DANGEROUS,
  ALTER_TABLE_DDL,
  ALTER_TABLE_PRIVILEGE,
  DROPS,
  RELATION_OBJECTS,
  RENAMED_OBJECTS,
} from './fixed-statements.js'
import { asList, asText, qualifiedName, unwrap } from './tree.js'
import type { Tree } from './tree.js'
import type { Walk } from './walk.js'

/** Kinds of ALTER TABLE's many objects. */
const ALTERED: ReadonlyMap<unknown, string> = new Map([
  ['OBJECT_FOREIGN_TABLE', 'alter-foreign-table'],
  ['OBJECT_INDEX', 'alter-index'],
  ['OBJECT_MATVIEW', 'alter-materialized-view'],
  ['OBJECT_SEQUENCE', 'alter-sequence'],
  ['OBJECT_TABLE', 'alter-table'],
  ['OBJECT_TYPE', 'alter-type'],
  ['OBJECT_VIEW', 'alter-view'],
])

function ddl(walk: Walk, kind: string): void {
  walk.kind(kind)
  walk.raise('ddl')
}

/** CREATE TABLE; its parents are changed too. */
export function createTable(node: Tree, walk: Walk): void {
  ddl(walk, 'create-table')
  walk.relation(node['relation'], 'create')
  for (const parent of asList(node['inhRelations'])) walk.relation(unwrap(parent)?.body, 'write')
  walk.fields('CreateStmt', node, ['relation', 'inhRelations'])
}

/** CREATE TABLE AS and CREATE MATERIALIZED VIEW: a copy of what its query reads. */
export function createTableAs(node: Tree, walk: Walk): void {
  const materialized = node['objtype'] === 'OBJECT_MATVIEW'
  ddl(walk, materialized ? 'create-materialized-view' : 'create-table-as')
  walk.fields('CreateTableAsStmt', node)
}

/** CREATE VIEW. */
export function createView(node: Tree, walk: Walk): void {
  ddl(walk, 'create-view')
  walk.relation(node['view'], 'create')
  walk.fields('ViewStmt', node, ['view'])
}

/** ALTER TABLE and its siblings: the highest effect of the subcommands. */
export function alterTable(node: Tree, walk: Walk): void {
  ddl(walk, ALTERED.get(node['objtype']) ?? 'alter-table')
  if (!ALTERED.has(node['objtype'])) walk.unknown('an ALTER not known')
  walk.relation(node['relation'], 'write')
  for (const item of asList(node['cmds'])) {
    const command = unwrap(item)?.body ?? {}
    const subtype = command['subtype']
    if (ALTER_TABLE_PRIVILEGE.has(subtype)) walk.raise('privilege', 'changes who sees or owns it')
    else if (ALTER_TABLE_DANGEROUS.has(subtype)) walk.raise('dangerous', 'switches code on or off')
    else if (!ALTER_TABLE_DDL.has(subtype)) walk.unknown('an ALTER TABLE subcommand not known')
    const parent = unwrap(command['def'])
    if (parent?.tag === 'RangeVar') walk.relation(parent.body, 'write')
    if (parent?.tag === 'PartitionCmd') walk.relation(parent.body['name'], 'write')
  }
  walk.fields('AlterTableStmt', node, ['relation'])
}

/** DROP of anything that has no statement type of its own. */
export function drop(node: Tree, walk: Walk): void {
  // What is dropped is named in a form of its own for each type; only relations are read below.
  walk.fields('DropStmt', node, ['objects'])
  const type = node['removeType']
  const [kind, effect] = DROPS.get(type) ?? ['drop', 'unknown']
  walk.kind(kind)
  walk.raise(effect)
  if (!RELATION_OBJECTS.has(type)) {
    walk.shake('*')
    return
  }
  for (const object of asList(node['objects'])) {
    const name = qualifiedName(unwrap(object)?.body['items'])
    if (name === undefined) {
      walk.unknown('a DROP without a name')
    } else {
      walk.addRelation({ ...name, access: 'write', inherits: false })
      walk.shake(name.name)
    }
  }
}

/** TRUNCATE. */
export function truncate(node: Tree, walk: Walk): void {
  ddl(walk, 'truncate')
  for (const relation of asList(node['relations'])) walk.relation(unwrap(relation)?.body, 'write')
  walk.fields('TruncateStmt', node, ['relations'])
}

/** CREATE SCHEMA with the statements inside it. */
export function createSchema(node: Tree, walk: Walk, analyzeInner: AnalyzeInner): void {
  ddl(walk, 'create-schema')
  // A schema of a name on the search path shadows what comes after it.
  walk.shake('*')
  if (node['authrole'] !== undefined) walk.raise('privilege', 'gives the schema to another role')
  for (const element of asList(node['schemaElts'])) walk.absorb(analyzeInner(element, walk.child()))
  walk.fields('CreateSchemaStmt', node, ['schemaElts'])
}

/** RENAME and SET SCHEMA: what was meant by a name is gone afterwards. */
export function rename(node: Tree, walk: Walk, kind: string, type: unknown): void {
  walk.kind(kind)
  walk.shake('*')
  if (node['relation'] !== undefined) walk.relation(node['relation'], 'write')
  if (RENAMED_OBJECTS.has(type)) walk.raise('ddl')
  else if (type === 'OBJECT_ROLE' || type === 'OBJECT_POLICY')
    walk.raise('privilege', 'changes who is meant by a name')
  else walk.raise('dangerous', 'changes which code is meant by a name')
}

/** VACUUM and ANALYZE. */
export function vacuum(node: Tree, walk: Walk): void {
  const vacuums = node['is_vacuumcmd'] === true
  ddl(walk, vacuums ? 'vacuum' : 'analyze')
  for (const item of asList(node['rels'])) {
    const relation = unwrap(item)?.body
    if (relation?.['relation'] !== undefined) walk.relation(relation['relation'], 'write')
  }
  const names = asList(node['options']).map((option) => asText(unwrap(option)?.body['defname']))
  if (vacuums && names.includes('full')) {
    walk.kind('vacuum-full')
    walk.raise('dangerous', 'rewrites whole tables under an exclusive lock')
  }
  walk.fields('VacuumStmt', node, ['rels'])
}

/** REINDEX of one table or index; of a schema or database it is dangerous. */
export function reindex(node: Tree, walk: Walk): void {
  ddl(walk, 'reindex')
  const kind = node['kind']
  if (kind !== 'REINDEX_OBJECT_INDEX' && kind !== 'REINDEX_OBJECT_TABLE')
    walk.raise('dangerous', 'rebuilds all indexes at once')
  if (node['relation'] !== undefined) walk.relation(node['relation'], 'write')
  walk.fields('ReindexStmt', node, ['relation'])
}

/** GRANT and REVOKE on objects. */
export function grant(node: Tree, walk: Walk): void {
  walk.kind(node['is_grant'] === true ? 'grant' : 'revoke')
  walk.raise('privilege', 'changes who may do what')
  for (const object of asList(node['objects'])) {
    const relation = unwrap(object)
    if (relation?.tag === 'RangeVar') walk.relation(relation.body, 'write')
  }
}

/** COMMENT ON and SECURITY LABEL: text that others read later. */
export function comment(node: Tree, walk: Walk, kind: string): void {
  walk.kind(kind)
  walk.raise('ddl', 'leaves text behind that others can read')
  if (!RELATION_OBJECTS.has(node['objtype'])) return
  const name = qualifiedName(unwrap(node['object'])?.body['items'])
  if (name === undefined) walk.unknown('a COMMENT without a name')
  else walk.addRelation({ ...name, access: 'write', inherits: false })
}

/** DDL of one changed or made relation and no further cases: kind, tag, relation field, access. */
export const PLAIN_DEFINITIONS: ReadonlyMap<
  string,
  { kind: string; field?: string; access?: 'write' | 'create' }
> = new Map([
  ['AlterDomainStmt', { kind: 'alter-domain' }],
  ['AlterEnumStmt', { kind: 'alter-type' }],
  ['AlterSeqStmt', { kind: 'alter-sequence', field: 'sequence', access: 'write' }],
  ['AlterStatsStmt', { kind: 'alter-statistics' }],
  ['ClusterStmt', { kind: 'cluster', field: 'relation', access: 'write' }],
  ['CompositeTypeStmt', { kind: 'create-type', field: 'typevar', access: 'create' }],
  ['CreateDomainStmt', { kind: 'create-domain' }],
  ['CreateEnumStmt', { kind: 'create-type' }],
  ['CreateSeqStmt', { kind: 'create-sequence', field: 'sequence', access: 'create' }],
  ['CreateStatsStmt', { kind: 'create-statistics' }],
  ['IndexStmt', { kind: 'create-index', field: 'relation', access: 'write' }],
  ['RefreshMatViewStmt', { kind: 'refresh-materialized-view', field: 'relation', access: 'write' }],
])

/** Walks one of the plain definitions. */
export function plainDefinition(tag: string, node: Tree, walk: Walk): void {
  const definition = PLAIN_DEFINITIONS.get(tag)
  if (definition === undefined) {
    walk.unknown(`statement ${tag} not known`)
    return
  }
  ddl(walk, definition.kind)
  if (definition.field === undefined || definition.access === undefined) {
    walk.fields(tag, node)
  } else {
    if (node[definition.field] !== undefined)
      walk.relation(node[definition.field], definition.access)
    walk.fields(tag, node, [definition.field])
  }
}
