// Runs in a worker thread: parses SQL with PostgreSQL's own grammar and answers with facts. A parse
// tree never leaves this thread; anything but a syntax error ends it.

import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { SqlError, loadModule, parseSync, type ParseResult } from 'libpg-query'
import { analyze } from './analyze.js'
import { budgetExceeded } from './budget.js'
import type { Span, TextFacts } from './facts.js'
import { freeConstants } from './free-constants.js'
import { liftedBytesMax, shapeIsSafe } from './literals.js'

/** What the pool sends: one text at a time. */
export interface ParseRequest {
  readonly id: number
  readonly text: string
  /** Say where each statement stands, too. */
  readonly withSpans: boolean
}

/** What the worker answers; `broken` asks to be replaced. */
export type ParseAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'facts'; readonly id: number; readonly facts: TextFacts }
  | { readonly kind: 'broken'; readonly id: number; readonly because: string }

/** Statements that touch much of the grammar, so that the first real one is not the slow one. */
const WARM_UP = [
  'SELECT a, count(*) FROM t JOIN u USING (id) WHERE b = $1 AND c IN (1, 2) GROUP BY a ORDER BY 1',
  'INSERT INTO t (a, b) VALUES (1, now()) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING a',
  'CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT lower($$x$$), CHECK (a > 0))',
  'BEGIN; UPDATE t SET a = 1 WHERE b IS NULL; DELETE FROM t USING u WHERE t.a = u.a; COMMIT',
  'not SQL',
]

/** The parser takes no empty text, and neither comments nor semicolons are statements. */
function factsOf(text: string, withSpans = false): TextFacts {
  if (text === '') return { outcome: 'facts', statements: [] }
  const exceeded = budgetExceeded(text)
  if (exceeded !== undefined) return { outcome: 'unknown', because: exceeded }
  try {
    const tree = parseSync(text)
    const facts = analyze(tree)
    if (facts.outcome !== 'facts') return facts
    if (withSpans) return { ...facts, spans: spansOf(tree, Buffer.byteLength(text)) }
    if (text.length > liftedBytesMax) return facts
    return { ...facts, shapeIsSafe: shapeIsSafe(Buffer.from(text), freeConstants(tree)) }
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    const position = (error.sqlDetails?.cursorPosition ?? 0) + 1
    return { outcome: 'invalid', message: error.message, position }
  }
}

/** libpg_query leaves a location of 0 out, and the length of a statement that goes to the end. */
function spansOf(tree: ParseResult, textBytes: number): Span[] {
  return (tree.stmts ?? []).map(({ stmt_location: start = 0, stmt_len: length = 0 }) => [
    start,
    length === 0 ? textBytes : start + length,
  ])
}

function answer({ id, text, withSpans }: ParseRequest): ParseAnswer {
  try {
    return { kind: 'facts', id, facts: factsOf(text, withSpans) }
  } catch (error) {
    const because = error instanceof Error ? error.name : 'unknown failure'
    return { kind: 'broken', id, because: `the parser failed (${because})` }
  }
}

if (parentPort !== null) {
  const port = parentPort
  await loadModule()
  for (const text of WARM_UP) factsOf(text)
  port.on('message', (request: ParseRequest) => port.postMessage(answer(request)))
  // The thread's first turn of its event loop is slow; it is taken before the pool counts on it.
  await setImmediate()
  port.postMessage({ kind: 'ready' } satisfies ParseAnswer)
}
