// Reads YAML text into plain values, and remembers on which line each of them stands. Bounded before
// anything recurses; aliases, tags, directives and repeated keys are refused. Never throws on text.

import { Composer, isMap, isScalar, isSeq, LineCounter, Parser } from 'yaml'
import type { CST, Document } from 'yaml'
import type { Path, Problem } from './problem.js'
import { pathText } from './problem.js'

/** Nobody writes a longer policy by hand, and parsing stays within seconds whatever the text is. */
export const SOURCE_LENGTH_MAX = 1_048_576
/** The schema is seven levels deep; the composer recurses, so deeper text never reaches it. */
const DEPTH_MAX = 32
/** Longer keys and values have no place in a policy. */
const SCALAR_LENGTH_MAX = 4_096

/** A plain value as YAML can state it. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain }

/** What a text says, and where it says it. */
export interface Source {
  readonly value: Plain
  /** What keeps the text from being read faithfully; empty when `value` is all of it. */
  readonly problems: readonly Problem[]
  /** The line of that place, or of the nearest enclosing one that exists. */
  readonly lineOf: (path: Path) => number | undefined
}

/** Reads one YAML 1.2 document. */
export function readSource(text: string): Source {
  if (text.length > SOURCE_LENGTH_MAX)
    return unread(`is longer than ${SOURCE_LENGTH_MAX} characters`, undefined)
  const lines = new LineCounter()
  const tokens = [...new Parser(lines.addNewLine).parse(text)]
  const lineAt = (offset: number) => lines.linePos(offset).line
  const tooDeep = tokens.find((token) => depthOf(token) > DEPTH_MAX)
  if (tooDeep !== undefined)
    return unread(`is nested deeper than ${DEPTH_MAX} levels`, lineAt(tooDeep.offset))
  const directive = tokens.find((token) => token.type === 'directive')
  if (directive !== undefined)
    return unread('has a YAML directive; take it out', lineAt(directive.offset))
  const composer = new Composer({
    uniqueKeys: false, // compares each key with each other; done below with a set
    stringKeys: true,
    resolveKnownTags: false,
    logLevel: 'silent',
  })
  const documents = [...composer.compose(tokens)]
  const [document] = documents
  if (document === undefined || document.contents === null) return unread('is empty', undefined)
  if (documents.length > 1)
    return unread('holds more than one document; keep one', lineAt(documents[1]?.range[0] ?? 0))
  return read(document, lineAt)
}

const unread = (what: string, line: number | undefined): Source => ({
  value: null,
  problems: [{ path: '', line, what }],
  lineOf: () => undefined,
})

/** Levels of collections in a token tree, counted without recursion, never past the limit by much. */
function depthOf(root: CST.Token): number {
  let depth = 0
  const pending: { token: CST.Token | null | undefined; at: number }[] = [{ token: root, at: 0 }]
  for (let next = pending.pop(); next !== undefined && depth <= DEPTH_MAX; next = pending.pop()) {
    const { token, at } = next
    if (token === null || token === undefined) continue
    depth = Math.max(depth, at)
    if (token.type === 'document') pending.push({ token: token.value, at })
    if (!('items' in token)) continue
    for (const item of token.items) {
      pending.push({ token: item.value, at: at + 1 })
      if ('key' in item) pending.push({ token: item.key, at: at + 1 })
    }
  }
  return depth
}

function read(document: Document.Parsed, lineAt: (offset: number) => number): Source {
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
    path: '',
    line: lineAt(error.pos[0]),
    what: `is not plain YAML: ${error.message.split('\n')[0] ?? ''}`,
  }))
  const complain = (path: Path, node: unknown, what: string): null => {
    problems.push({ path: pathText(path), line: lineAt(offsetOf(node) ?? 0), what })
    return null
  }
  // Recursion is bounded by DEPTH_MAX, checked on the tokens.
  const plain = (node: unknown, path: Path): Plain => {
    if (node === null || node === undefined) return null
    if (isScalar(node)) return scalarOf(node, (what) => complain(path, node, what))
    if (isSeq(node)) return node.items.map((item, at) => plain(item, [...path, at]))
    if (!isMap(node)) return complain(path, node, 'is an alias; write the value itself')
    const entries = new Map<string, Plain>()
    for (const { key, value } of node.items) {
      const name = isScalar(key) && typeof key.value === 'string' ? key.value : ''
      const at = [...path, name]
      if (name === '' || name === '__proto__' || name.length > SCALAR_LENGTH_MAX)
        complain(path, key ?? node, 'has a key that is empty, too long or reserved')
      else if (entries.has(name)) complain(at, key, 'is stated twice')
      else entries.set(name, plain(value, at))
    }
    return Object.fromEntries(entries)
  }
  const value = plain(document.contents, [])
  return { value, problems, lineOf: (path) => lineOf(document.contents, path, lineAt) }
}

/**
 * Text that only looks like a number stays text (`007`, `1.10`, 2⁵³ and beyond): claims are compared
 * with exactly what the author wrote.
 */
function scalarOf(
  node: { value: unknown; source?: string },
  complain: (what: string) => null,
): Plain {
  const { value, source } = node
  if (typeof value === 'number') return String(value) === source ? value : (source ?? String(value))
  if (typeof value === 'boolean' || value === null) return value
  if (typeof value !== 'string') return complain('is not text, a number, true or false')
  return value.length > SCALAR_LENGTH_MAX
    ? complain(`is longer than ${SCALAR_LENGTH_MAX} characters`)
    : value
}

function lineOf(
  contents: unknown,
  path: Path,
  lineAt: (offset: number) => number,
): number | undefined {
  let node = contents
  let offset = offsetOf(contents)
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === String(step))
      if (pair === undefined) break
      offset = offsetOf(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = typeof step === 'number' ? node.items[step] : undefined
      offset = offsetOf(node) ?? offset
    } else break
  }
  return offset === undefined ? undefined : lineAt(offset)
}

function offsetOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined
  const range: unknown = node.range
  const start: unknown = Array.isArray(range) ? range[0] : undefined
  return typeof start === 'number' ? start : undefined
}
