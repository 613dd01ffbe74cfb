// Statements about transactions, cursors, COPY and EXPLAIN: their effect follows from their
// options and from the statement they hold. Pure.

import type { StatementFacts } from './facts.js'
import { transactionModes } from './settings.js'
import { asList, asText, stringOf, unwrap } from './tree.js'
import type { Tree } from './tree.js'
import type { Walk } from './walk.js'

/** Analyses a statement that stands inside another one. */
export type AnalyzeInner = (value: unknown, walk: Walk) => StatementFacts

const AFTERWARDS = 'outlives the session and its revocation'

/** BEGIN to ROLLBACK PREPARED. */
export function transaction(node: Tree, walk: Walk): void {
  walk.fields('TransactionStmt', node, ['options'])
  walk.raise('session-control')
  const chain = node['chain'] === true
  switch (node['kind']) {
    case 'TRANS_STMT_BEGIN':
    case 'TRANS_STMT_START':
      walk.kind(transactionModes(node['options'], walk) ? 'set-transaction-read-write' : 'begin')
      return
    case 'TRANS_STMT_COMMIT':
      walk.kind(chain ? 'commit-and-chain' : 'commit')
      // ON COMMIT DROP and SET LOCAL end here.
      walk.shake('*')
      return
    case 'TRANS_STMT_ROLLBACK':
      walk.kind(chain ? 'rollback-and-chain' : 'rollback')
      walk.shake('*')
      return
    case 'TRANS_STMT_SAVEPOINT':
      walk.kind('savepoint')
      return
    case 'TRANS_STMT_RELEASE':
      walk.kind('release-savepoint')
      return
    case 'TRANS_STMT_ROLLBACK_TO':
      walk.kind('rollback-to-savepoint')
      walk.shake('*')
      return
    case 'TRANS_STMT_PREPARE':
      walk.kind('prepare-transaction')
      walk.raise('dangerous', AFTERWARDS)
      walk.shake('*')
      return
    case 'TRANS_STMT_COMMIT_PREPARED':
      walk.kind('commit-prepared')
      walk.raise('dangerous', AFTERWARDS)
      return
    case 'TRANS_STMT_ROLLBACK_PREPARED':
      walk.kind('rollback-prepared')
      walk.raise('dangerous', AFTERWARDS)
      return
    default:
      walk.unknown('a transaction statement not known')
  }
}

/** CURSOR_OPT_HOLD (parsenodes.h). */
const HOLD_BIT = 0x20
/** BINARY, SCROLL, NO SCROLL, INSENSITIVE, ASENSITIVE, HOLD and the planner's own FAST_PLAN. */
const KNOWN_CURSOR_BITS = 0x13f

/** DECLARE: what its query does; WITH HOLD runs it again at COMMIT and outlives the transaction. */
export function declareCursor(node: Tree, walk: Walk): void {
  walk.kind('declare-cursor')
  walk.fields('DeclareCursorStmt', node)
  const options = node['options']
  if (typeof options !== 'number' || (options & ~KNOWN_CURSOR_BITS) !== 0)
    walk.unknown('a cursor option not known')
  else if ((options & HOLD_BIT) !== 0) walk.raise('write', 'a cursor WITH HOLD runs at COMMIT')
}

/** COPY options that change neither what is copied nor where it goes. */
const COPY_OPTIONS: ReadonlySet<string | undefined> = new Set([
  'default',
  'delimiter',
  'escape',
  'force_not_null',
  'force_null',
  'force_quote',
  'format',
  'freeze',
  'header',
  'log_verbosity',
  'null',
  'on_error',
  'quote',
  'reject_limit',
])

function copyOption(option: unknown, walk: Walk): void {
  const node = unwrap(option)
  const name = asText(node?.body['defname'])
  if (name === 'encoding') {
    const encoding = stringOf(node?.body['arg'])?.toLowerCase() ?? ''
    if (!['utf8', 'utf-8', 'unicode'].includes(encoding))
      walk.unknown('COPY in an encoding other than UTF8')
  } else if (!COPY_OPTIONS.has(name)) {
    walk.unknown(`COPY option ${name ?? ''} not known`)
  }
}

/** COPY: to and from the client it is a read or a write, to and from the server's disk dangerous. */
export function copy(node: Tree, walk: Walk): void {
  const from = node['is_from'] === true
  const relation = node['relation']
  walk.fields('CopyStmt', node, ['relation'])
  if (relation !== undefined) walk.relation(relation, from ? 'write' : 'read')
  for (const option of asList(node['options'])) copyOption(option, walk)
  walk.kind(from ? 'copy-from-stdin' : 'copy-to-stdout')
  if (from) walk.raise('write')
  if (node['is_program'] === true) {
    walk.kind(from ? 'copy-from-program' : 'copy-to-program')
    walk.raise('dangerous', 'runs a program on the database server')
  } else if (node['filename'] !== undefined) {
    walk.kind('copy-file')
    walk.raise('dangerous', 'reads or writes a file on the database server')
  }
}

/** EXPLAIN options that only change what is printed. */
const EXPLAIN_OPTIONS: ReadonlySet<string | undefined> = new Set([
  'buffers',
  'costs',
  'format',
  'generic_plan',
  'memory',
  'serialize',
  'settings',
  'summary',
  'timing',
  'verbose',
  'wal',
])

/** A boolean option as defGetBoolean reads it; undefined for what it would refuse. */
function booleanOption(value: unknown): boolean | undefined {
  if (value === undefined) return true
  const node = unwrap(value)
  if (node?.tag === 'Integer') {
    const number = node.body['ival'] ?? 0
    return number === 0 ? false : number === 1 ? true : undefined
  }
  if (node?.tag === 'Boolean') return node.body['boolval'] === true
  const text = node?.tag === 'String' ? asText(node.body['sval'])?.toLowerCase() : undefined
  if (text === 'true' || text === 'on') return true
  return text === 'false' || text === 'off' ? false : undefined
}

/** True when EXPLAIN runs its statement: of several ANALYZE options the last one counts. */
function runs(node: Tree, walk: Walk): boolean {
  let analyze = false
  for (const option of asList(node['options'])) {
    const element = unwrap(option)
    const name = asText(element?.body['defname'])
    if (name === 'analyze') {
      const value = booleanOption(element?.body['arg'])
      if (value === undefined) walk.unknown('an EXPLAIN ANALYZE that is neither on nor off')
      else analyze = value
    } else if (!EXPLAIN_OPTIONS.has(name)) {
      walk.unknown(`EXPLAIN option ${name ?? ''} not known`)
    }
  }
  return analyze
}

/**
 * EXPLAIN: with ANALYZE it has the effect of its statement. Without, the statement is only
 * planned, which still runs its immutable and stable functions.
 */
export function explain(node: Tree, walk: Walk, analyzeInner: AnalyzeInner): void {
  walk.fields('ExplainStmt', node, ['query'])
  const executed = runs(node, walk)
  const inner = analyzeInner(node['query'], walk.child())
  walk.kind(executed ? 'explain-analyze' : 'explain')
  if (executed || inner.effect === 'unknown') {
    walk.absorb(inner)
    return
  }
  walk.absorb({
    ...inner,
    effect: 'read',
    because: [],
    traits: [],
    shakes: [],
    relations: inner.relations
      .filter((ref) => ref.access !== 'create')
      .map((ref) => ({ ...ref, access: 'read' })),
  })
}

/** FETCH and MOVE: the cursor's query was judged when it was declared. */
export function fetch(node: Tree, walk: Walk): void {
  walk.kind(node['ismove'] === true ? 'move-cursor' : 'fetch')
}

/** LOCK TABLE: ACCESS EXCLUSIVE is granted even in a read-only transaction. */
export function lockTable(node: Tree, walk: Walk): void {
  walk.kind('lock-table')
  walk.raise('dangerous', 'locks out other sessions')
  for (const relation of asList(node['relations'])) walk.relation(unwrap(relation)?.body, 'write')
}

/** DISCARD: ALL undoes what the gateway has set, TEMP makes shadowed names mean something else. */
export function discard(node: Tree, walk: Walk): void {
  const target = asText(node['target'])
  walk.kind('discard')
  walk.raise('session-control')
  walk.shake('*')
  if (target === 'DISCARD_ALL') {
    walk.kind('discard-all')
    walk.raise('dangerous', 'undoes what the gateway has set')
  } else if (!['DISCARD_PLANS', 'DISCARD_SEQUENCES', 'DISCARD_TEMP'].includes(target ?? '')) {
    walk.unknown('a form of DISCARD not known')
  }
}
