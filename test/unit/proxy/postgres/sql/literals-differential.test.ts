// Shapes against PostgreSQL's own lexer and grammar: texts from a seed, which is printed when one
// fails. Texts of one shape have to be one statement, and one judgement where that is promised.

import { loadModule, parseSync, scanSync } from 'libpg-query'
import { beforeAll, expect, test } from 'vitest'
import { analyze } from '../../../../../proxy/postgres/sql/analyze.js'
import { budgetExceeded } from '../../../../../proxy/postgres/sql/budget.js'
import { freeConstants } from '../../../../../proxy/postgres/sql/free-constants.js'
import {
  liftLiterals,
  literalOffsets,
  shapeIsSafe,
} from '../../../../../proxy/postgres/sql/literals.js'
import { ParserPool } from '../../../../../proxy/postgres/sql/parser.js'
import { seedOfRun, seeded } from '../../../../random.js'
import { compiledWorkerUrl } from './compiled-worker.js'
import { literalText } from './literal-texts.js'

const SEED = seedOfRun()
const TEXT_COUNT = 6_000

/** What the parser says of a text. */
interface Reading {
  readonly text: string
  /** Undefined when the grammar refuses the text. */
  readonly tree: string | undefined
  readonly facts: string | undefined
  readonly isSafe: boolean
}

const PLACES: ReadonlySet<string> = new Set([
  'location',
  'stmt_location',
  'stmt_len',
  'rexpr_list_start',
  'rexpr_list_end',
  'list_start',
  'list_end',
  'name_location',
])
const VALUES: ReadonlySet<string> = new Set(['ival', 'fval', 'sval'])

/** A tree without locations, and with the kinds of its constants instead of their values. */
function bare(value: unknown, inConstant = false): unknown {
  if (Array.isArray(value)) return value.map((item) => bare(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
      if (PLACES.has(name)) return []
      return [[name, inConstant && VALUES.has(name) ? 'any' : bare(inner, name === 'A_Const')]]
    }),
  )
}

function read(text: string): Reading {
  if (text === '' || budgetExceeded(text) !== undefined)
    return { text, tree: undefined, facts: undefined, isSafe: false }
  try {
    const result = parseSync(text)
    return {
      text,
      tree: JSON.stringify(bare(result)),
      facts: JSON.stringify(analyze(result)),
      isSafe: shapeIsSafe(Buffer.from(text), freeConstants(result)),
    }
  } catch {
    return { text, tree: undefined, facts: undefined, isSafe: false }
  }
}

const shapeOf = (text: string): string | undefined => {
  const bytes = Buffer.from(text)
  return liftLiterals(bytes, 0, bytes.length)
}

/** The shape as PostgreSQL's lexer has it: undefined when it refuses the text. */
function scannedShape(text: string): string | undefined {
  let shape = ''
  let end = 0
  try {
    for (const token of scanSync(text).tokens) {
      shape += text.slice(end, token.start)
      end = token.end
      const written = text.slice(token.start, end)
      if (token.tokenName === 'ICONST') shape += '\x01'
      else if (token.tokenName === 'FCONST') shape += written.includes('.') ? '\x02' : '\x04'
      else shape += token.tokenName === 'SCONST' ? '\x03' : written
    }
  } catch {
    return undefined
  }
  return shape + text.slice(end)
}

const OTHER_VALUES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^'(?:[^']|'')*'/, ["'other'", "''", "'2'", "'pg_authid'", "'true'", "'$.a'", "'SELECT 1'"]],
  [/^\d+\.\d+/, ['0.0', '1.0', '12345678901234567890.5']],
  [/^\d{11,}/, ['12345678901', '999999999999999999']],
  [/^\d+/, ['0', '1', '2', '3', '100', '999999999', '1999999999']],
]

/** The text with the literal at `offset` replaced by another one of its kind. */
function mutated(text: string, offset: number, pick: (below: number) => number): string {
  const rest = text.slice(offset)
  for (const [pattern, values] of OTHER_VALUES) {
    const found = pattern.exec(rest)?.[0]
    if (found !== undefined)
      return text.slice(0, offset) + (values[pick(values.length)] ?? '') + rest.slice(found.length)
  }
  throw new Error(`no literal at ${offset} of ${text}`)
}

const readings = new Map<string, Reading[]>()
const texts: string[] = []

beforeAll(async () => {
  await loadModule()
  const random = seeded(SEED)
  const pick = (below: number) => Math.floor(random() * below)
  for (let count = 0; count < TEXT_COUNT / 3; count += 1) {
    const { text, partners } = literalText(pick)
    for (const each of [text, ...partners]) {
      texts.push(each)
      const shape = shapeOf(each)
      if (shape === undefined) continue
      const same = readings.get(shape) ?? []
      if (same.every((reading) => reading.text !== each)) same.push(read(each))
      readings.set(shape, same)
    }
  }
}, 60_000)

test('what is lifted is what PostgreSQL’s lexer takes for a literal', () => {
  let liftedCount = 0
  for (const text of texts) {
    const shape = shapeOf(text)
    const scanned = shape === undefined ? undefined : scannedShape(text)
    if (scanned === undefined) continue
    liftedCount += 1
    expect(shape, `seed ${SEED}: ${text}`).toBe(scanned)
  }
  expect(liftedCount, `seed ${SEED}`).toBeGreaterThan(TEXT_COUNT / 5)
})

test('texts of one shape are safe together, and then differ only in the values of constants', () => {
  let pairCount = 0
  let safeCount = 0
  for (const [first, ...others] of readings.values()) {
    for (const other of first === undefined ? [] : others) {
      const where = `seed ${SEED}: ${first?.text ?? ''} / ${other.text}`
      pairCount += 1
      expect(other.isSafe, where).toBe(first?.isSafe)
      if (!other.isSafe) continue
      safeCount += 1
      expect(other.tree, where).toBe(first?.tree)
      expect(other.facts, where).toBe(first?.facts)
    }
  }
  expect(pairCount, `seed ${SEED}`).toBeGreaterThan(500)
  expect(safeCount, `seed ${SEED}`).toBeGreaterThan(200)
})

test('other values of free literals change neither the tree nor the facts', () => {
  const random = seeded(SEED + 1)
  const pick = (below: number) => Math.floor(random() * below)
  let mutationCount = 0
  for (const [shape, [reading]] of readings) {
    if (reading?.isSafe !== true) continue
    for (const offset of literalOffsets(Buffer.from(reading.text)) ?? []) {
      const text = mutated(reading.text, offset, pick)
      const where = `seed ${SEED}: ${reading.text} / ${text}`
      const other = read(text)
      mutationCount += 1
      expect(shapeOf(text), where).toBe(shape)
      expect(other.isSafe, where).toBe(true)
      expect(other.tree, where).toBe(reading.tree)
      expect(other.facts, where).toBe(reading.facts)
    }
  }
  expect(mutationCount, `seed ${SEED}`).toBeGreaterThan(500)
})

test.each([
  'SELECT abalance FROM pgbench_accounts WHERE aid = 12345;',
  'UPDATE pgbench_accounts SET abalance = abalance + -123 WHERE aid = 12345;',
  'INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 2, 3, -4, CURRENT_TIMESTAMP)',
  'BEGIN; UPDATE t SET a = 1 WHERE b = 2; COMMIT',
  "SELECT a FROM t WHERE b = 'x' AND c IN (1, -2, - (-3)) AND d BETWEEN 1.5 AND 2.5",
  "SELECT a, 'x', -1 FROM t LIMIT 10 OFFSET 20",
  "SELECT '2026-01-01'::date, interval '1 day', '{}'::jsonb, 1::text, date '2026-01-01'",
  "SELECT lower('x'), a LIKE 'x%' ESCAPE '!', date_trunc('day', a), a AT TIME ZONE 'UTC'",
  'SELECT f(1), g(a, 2.5), round(a, 2) FROM t GROUP BY a + 1 ORDER BY a + 1',
  "SELECT CASE a WHEN 1 THEN 'x' ELSE coalesce(b, 'y') END FROM t",
  "SELECT EXTRACT(year FROM a), a[1], ARRAY['x'], ROW(1) FROM t",
  "WITH w AS (SELECT 1 AS x) SELECT x FROM w JOIN t ON t.a = 2 WHERE EXISTS (SELECT 1 WHERE x = 'y')",
  "INSERT INTO t VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET b = 'y' WHERE t.c = 1 RETURNING 1",
  'DELETE FROM t WHERE a = 1 RETURNING *',
  'SELECT a FROM t ORDER BY a',
  'SELECT $1',
  'COMMIT',
])('%s shares its judgement with all texts of its shape', (text) => {
  expect(read(text)).toHaveProperty('isSafe', true)
})

test.each([
  ['a number of a column in ORDER BY', 'SELECT a FROM t ORDER BY 1'],
  ['a number of a column in parentheses', 'SELECT a FROM t ORDER BY (1)'],
  [
    'a number of a column in ORDER BY of a UNION',
    'SELECT a FROM t UNION SELECT b FROM u ORDER BY 1',
  ],
  ['a negative number in ORDER BY', 'SELECT a FROM t ORDER BY -1'],
  ['a number of a column in GROUP BY', 'SELECT a FROM t GROUP BY 1'],
  ['a number of a column in a row of GROUP BY', 'SELECT a FROM t GROUP BY (1, 2)'],
  ['a number of a column in ROLLUP', 'SELECT a FROM t GROUP BY ROLLUP (1)'],
  ['a number of a column in DISTINCT ON', 'SELECT DISTINCT ON (1) a FROM t'],
  ['a cast number in ORDER BY', 'SELECT a FROM t ORDER BY 1::int'],
  ['the length of a type', 'SELECT a::varchar(3) FROM t'],
  ['the precision of a float', 'SELECT a::float(3) FROM t'],
  ['the precision of a typed constant', "SELECT interval(3) '1 day'"],
  ['a relation by name', "SELECT 'pg_authid'::regclass"],
  ['a relation by OID', 'SELECT 1260::regclass'],
  ['a typed relation', "SELECT regclass 'pg_authid'"],
  ['a relation by name in a cast of a cast', "SELECT 'pg_authid'::text::regclass"],
  ['a relation by name in an array', "SELECT ARRAY['pg_authid']::regclass[]"],
  ['a value of a type that is not built in', "SELECT 'a'::mood"],
  ['a value of a type in a schema', "SELECT 'a'::public.text"],
  ['an argument that may be a name', "SELECT nextval('s')"],
  ['an argument of a function in a schema', "SELECT public.lower('s')"],
  ['a named argument that may be a name', "SELECT f(a => 's')"],
  ['a key of a document', "SELECT a -> 'ssn' FROM t"],
  ['an index of a document', 'SELECT a -> 1 FROM t'],
  ['a path of a document', "SELECT a #>> '{ssn}' FROM t"],
  ['a path of JSON', "SELECT JSON_VALUE(a, '$.ssn') FROM t"],
  ['a value beside a path of JSON', "SELECT JSON_VALUE(a, '$' DEFAULT 1 ON EMPTY) FROM t"],
  ['an operator in a schema', "SELECT a OPERATOR(public.=) 'x' FROM t"],
  ['a sample', 'SELECT a FROM t TABLESAMPLE system (1)'],
  ['a window frame', 'SELECT max(a) OVER (ORDER BY a ROWS 1 PRECEDING) FROM t'],
  ['a setting', "SET timezone = 'UTC'"],
  ['a setting that is a number', 'SET extra_float_digits = 3'],
  ['an option of EXPLAIN', 'EXPLAIN (ANALYZE 0) SELECT 1'],
  ['a constant under EXPLAIN', 'EXPLAIN SELECT 1'],
  ['an option of COPY', "COPY t TO STDOUT (FORMAT 'csv')"],
  ['a count of FETCH', 'FETCH 5 FROM c'],
  ['a default', 'CREATE TABLE t (a int DEFAULT 1)'],
  ['the query of a cursor', 'DECLARE c CURSOR FOR SELECT 1'],
  ['code', "DO 'x'"],
  ['a free constant beside one that is not', 'SELECT 1; SET extra_float_digits = 3'],
  ['what is not lifted', 'SELECT 1e5'],
  ['what is beyond ASCII', "SELECT 'ä'"],
])('%s does not share its judgement', (_, text) => {
  expect(read(text)).toMatchObject({ isSafe: false, tree: expect.any(String) as string })
})

test('a constant that stands nowhere, or whose place is not known, is not free', () => {
  const constant = { A_Const: { ival: { ival: 1 }, location: 7 } }
  const select = (statement: unknown) => ({ stmts: [{ stmt: statement }] })
  const where = { SelectStmt: { whereClause: constant } }
  expect(freeConstants(select(where))).toEqual(new Set([7]))
  expect(freeConstants(select({ FutureStmt: { whereClause: constant } }))).toEqual(new Set())
  expect(freeConstants(select({ SelectStmt: { futureClause: constant } }))).toEqual(new Set())
  expect(
    freeConstants(select({ SelectStmt: { whereClause: { Future: { a: constant } } } })),
  ).toEqual(new Set())
  const nowhere = { A_Const: { ival: { ival: 1 } } }
  expect(freeConstants(select({ SelectStmt: { whereClause: nowhere } }))).toEqual(new Set())
  expect(freeConstants(undefined)).toEqual(new Set())
})

test('the parser’s threads say whether a text shares its judgement', async () => {
  const parser = new ParserPool({ workerUrl: compiledWorkerUrl() })
  try {
    expect(await parser.facts('SELECT a FROM t WHERE b = 1')).toMatchObject({ shapeIsSafe: true })
    expect(await parser.facts('SELECT a FROM t ORDER BY 1')).toMatchObject({ shapeIsSafe: false })
    for (const text of ['', `SELECT ${'1'.padStart(9000)}`, 'SELEC', 'SELECT \0'])
      expect(await parser.facts(text), text).not.toHaveProperty('shapeIsSafe')
  } finally {
    await parser.close()
  }
}, 20_000)
