// SET, RESET and SHOW: an allow-list of settings that change how values look and nothing else.
// Everything that changes who one is, where names lead, what the parser reads or how long things
// may take is refused to the caller. Pure.

import type { Effect } from '../../../core/command.js'
import { asList, asText, asTree, unwrap } from './tree.js'
import type { Tree } from './tree.js'
import type { Walk } from './walk.js'

/** Settings that only change how values look or what a session is called. */
const HARMLESS: ReadonlySet<string> = new Set([
  'application_name',
  'bytea_output',
  'client_min_messages',
  'datestyle',
  'default_transaction_deferrable',
  'default_transaction_isolation',
  'extra_float_digits',
  'intervalstyle',
  'timezone',
  'transaction_deferrable',
  'transaction_isolation',
  'xmlbinary',
  'xmloption',
])

/** Settings that may only be given the values that the gateway pins them to. */
const PINNED: ReadonlyMap<string, readonly string[]> = new Map([
  ['client_encoding', ['utf8', 'utf-8', 'unicode']],
  ['standard_conforming_strings', ['on', 'true', 'yes', '1']],
])

/** Who one is and where names lead. */
const PRIVILEGED: ReadonlySet<string> = new Set([
  'role',
  'search_path',
  'session_authorization',
  'session authorization',
])

const READ_ONLY: ReadonlySet<string> = new Set([
  'transaction_read_only',
  'default_transaction_read_only',
])

const TRUE_WORDS: ReadonlySet<string> = new Set(['on', 'true', 'yes', '1'])

/** Transaction modes of BEGIN and SET TRANSACTION. */
const TRANSACTION_MODES: ReadonlySet<string> = new Set([
  'transaction_isolation',
  'transaction_deferrable',
])

/** GUC names are compared without regard to ASCII case (guc.c guc_name_compare). */
const lowerAscii = (text: string) => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())

/** A plain constant as text; undefined for anything that has to be computed. */
function constantText(value: unknown): string | undefined {
  const node = unwrap(value)
  if (node?.tag !== 'A_Const') return undefined
  const text = asText(asTree(node.body['sval'])?.['sval'])
  if (node.body['sval'] !== undefined) return text ?? ''
  const float = asText(asTree(node.body['fval'])?.['fval'])
  if (float !== undefined) return float
  const integer = asTree(node.body['ival'])
  if (integer === undefined) return undefined
  return typeof integer['ival'] === 'number' ? String(integer['ival']) : '0'
}

/** Reads the modes of BEGIN, START and SET TRANSACTION; true when one of them is READ WRITE. */
export function transactionModes(options: unknown, walk: Walk): boolean {
  let readWrite = false
  for (const option of asList(options)) {
    const node = unwrap(option)
    const name = node?.tag === 'DefElem' ? asText(node.body['defname']) : undefined
    const value = node === undefined ? undefined : constantText(node.body['arg'])
    if (name === undefined || value === undefined) walk.unknown('a transaction mode not known')
    else if (name === 'transaction_read_only') readWrite ||= !TRUE_WORDS.has(lowerAscii(value))
    else if (!TRANSACTION_MODES.has(name)) walk.unknown(`transaction mode ${name} not known`)
  }
  return readWrite
}

const say = (walk: Walk, kind: string, effect: Effect, because?: string) => {
  walk.kind(kind)
  walk.raise(effect, because)
}

function setNamed(kind: 'set' | 'reset', name: string, values: readonly unknown[], walk: Walk) {
  const texts = values.map(constantText)
  const only = texts.length === 1 ? texts[0] : undefined
  const pinned = PINNED.get(name)
  if (PRIVILEGED.has(name)) {
    say(walk, kind, 'privilege', `setting ${name} changes who is asking or where names lead`)
    walk.shake('*')
  } else if (READ_ONLY.has(name)) {
    const staysReadOnly = only !== undefined && TRUE_WORDS.has(lowerAscii(only))
    say(walk, staysReadOnly ? kind : 'set-transaction-read-write', 'session-control')
  } else if (pinned !== undefined) {
    const allowed = only !== undefined && pinned.includes(lowerAscii(only))
    if (allowed) say(walk, kind, 'session-control')
    else say(walk, kind, 'dangerous', `setting ${name} is pinned to ${pinned[0] ?? ''}`)
  } else if (HARMLESS.has(name)) {
    say(walk, kind, 'session-control')
    if (texts.includes(undefined) && !values.every(isZoneInterval))
      walk.unknown(`setting ${name} to something computed`)
  } else {
    say(walk, kind, 'dangerous', `setting ${name} is not on the list`)
  }
}

/** `SET TIME ZONE INTERVAL '2' HOUR` is a cast of a constant to the built-in interval. */
function isZoneInterval(value: unknown): boolean {
  const node = unwrap(value)
  if (node?.tag !== 'TypeCast') return constantText(value) !== undefined
  const names = asList(asTree(node.body['typeName'])?.['names']).map(
    (name) => unwrap(name)?.body['sval'],
  )
  return constantText(node.body['arg']) !== undefined && names.join('.') === 'pg_catalog.interval'
}

/** SET and RESET in all their forms. */
export function setVariable(node: Tree, walk: Walk): void {
  const name = lowerAscii(asText(node['name']) ?? '')
  const values = asList(node['args'])
  switch (node['kind']) {
    case 'VAR_SET_VALUE':
      setNamed('set', name, values, walk)
      return
    case 'VAR_SET_DEFAULT':
    case 'VAR_RESET':
      setNamed('reset', name, [], walk)
      return
    case 'VAR_SET_MULTI':
      setTransaction(name, values, walk)
      return
    case 'VAR_RESET_ALL':
      say(walk, 'reset-all', 'dangerous', 'undoes what the gateway has set')
      walk.shake('*')
      return
    default:
      walk.kind('set')
      walk.unknown('a form of SET not known')
  }
}

function setTransaction(name: string, values: readonly unknown[], walk: Walk): void {
  if (name === 'transaction' || name === 'session characteristics') {
    const readWrite = transactionModes(values, walk)
    say(walk, readWrite ? 'set-transaction-read-write' : 'set-transaction', 'session-control')
  } else {
    say(walk, 'set-transaction', 'dangerous', 'takes over the snapshot of another session')
  }
}

/** SHOW: one setting is read; all of them, and settings that people invent, tell more. */
export function showVariable(node: Tree, walk: Walk): void {
  const name = lowerAscii(asText(node['name']) ?? '')
  if (name === 'all' || name === '' || name.includes('.'))
    say(walk, 'show', 'session-control', 'shows settings that may hold anything')
  else say(walk, 'show', 'read')
}
