// SELECT, INSERT, UPDATE, DELETE and MERGE: which relations they touch, and which names are only
// CTEs. Pure.

import { isConstantCondition } from './expressions.js'
import { asList, asText, asTree, unwrap } from './tree.js'
import type { Tree } from './tree.js'
import type { Walk } from './walk.js'

type Hook = (node: Tree, walk: Walk) => void

/**
 * Walks WITH and then `body` with its names in sight. Without RECURSIVE a CTE sees only those
 * before it, so that `WITH t AS (SELECT * FROM t)` reads the table t (parse_cte.c).
 */
function withClause(node: Tree, walk: Walk, body: () => void): void {
  const clause = asTree(node['withClause'])
  if (clause === undefined) {
    if (node['withClause'] !== undefined) walk.unknown('a malformed WITH')
    body()
    return
  }
  walk.fields('WithClause', clause, ['ctes'])
  const ctes = asList(clause['ctes'])
  const nameOf = (cte: unknown) => asText(unwrap(cte)?.body['ctename'])
  const names = ctes.map(nameOf).filter((name) => name !== undefined)
  walk.withScope(clause['recursive'] === true ? names : [], (add) => {
    for (const cte of ctes) {
      walk.node(cte)
      const name = nameOf(cte)
      if (name !== undefined) add(name)
    }
    body()
  })
}

function select(node: Tree, walk: Walk): void {
  withClause(node, walk, () => {
    walk.fields('SelectStmt', node, ['withClause', 'lockingClause'])
    if (node['intoClause'] !== undefined) walk.raise('ddl', 'SELECT INTO makes a table')
    if (node['lockingClause'] !== undefined) {
      walk.raise('write', 'locks the rows it reads')
      for (const clause of asList(node['lockingClause'])) {
        // The relations of FOR UPDATE OF are aliases of this query, not names of tables.
        const body = unwrap(clause)?.tag === 'LockingClause' ? unwrap(clause)?.body : undefined
        if (body === undefined) walk.unknown('a malformed FOR UPDATE')
        else walk.fields('LockingClause', body, ['lockedRels'])
      }
    }
  })
}

function into(node: Tree, walk: Walk): void {
  walk.relation(node['rel'], 'create')
  walk.fields('IntoClause', node, ['rel'])
}

/** A statement that writes `relation`, which is never a CTE, whatever is in sight. */
function writing(type: string, node: Tree, walk: Walk): void {
  walk.raise('write')
  withClause(node, walk, () => {
    walk.relation(node['relation'], 'write')
    walk.fields(type, node, ['relation', 'withClause'])
  })
}

/** An UPDATE or DELETE that no row of its table can escape. */
function bounded(type: string, node: Tree, walk: Walk): void {
  if (node['whereClause'] === undefined || isConstantCondition(node['whereClause']))
    walk.trait('without-where')
  writing(type, node, walk)
}

/** Hooks of the statements that read and write rows. */
export const QUERY_OWN: readonly (readonly [string, Hook])[] = [
  ['SelectStmt', select],
  ['IntoClause', into],
  ['InsertStmt', (node, walk) => writing('InsertStmt', node, walk)],
  ['UpdateStmt', (node, walk) => bounded('UpdateStmt', node, walk)],
  ['DeleteStmt', (node, walk) => bounded('DeleteStmt', node, walk)],
  ['MergeStmt', (node, walk) => writing('MergeStmt', node, walk)],
]
