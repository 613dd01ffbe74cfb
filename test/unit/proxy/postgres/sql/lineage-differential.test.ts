// The lineage of generated statements against what a real server tells and shows: origins of result
// columns, tokens in columns that are called clean, and results that change with secrets that are
// called unused. WARDER_LINEAGE_STATEMENTS sets how many (600), WARDER_TEST_SEED repeats a run.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Judged } from '../../../../../proxy/postgres/sql/judge.js'
import type { ColumnSource, Lineage } from '../../../../../proxy/postgres/sql/lineage.js'
import { ParserPool } from '../../../../../proxy/postgres/sql/parser.js'
import { startPostgres, type PostgresCluster } from '../../../../postgres-cluster.js'
import { seedOfRun } from '../../../../random.js'
import { compiledWorkerUrl } from './compiled-worker.js'
import { Statements } from './lineage-statements.js'
import { SECRETS, town } from './lineage-town.js'
import { openShop, type Shop } from './shop.js'

const SEED = seedOfRun()
const COUNT = Number(process.env['WARDER_LINEAGE_STATEMENTS'] ?? 600)

let parser: ParserPool
let cluster: PostgresCluster
let here: Shop
/** The same rows with other secrets. */
let elsewhere: Shop
let tokens: string[]

beforeAll(async () => {
  parser = new ParserPool({ workerUrl: compiledWorkerUrl(), deadlineMs: 20_000 })
  cluster = await startPostgres()
  here = await openShop(await cluster.createDatabase(), parser)
  elsewhere = await openShop(await cluster.createDatabase(), parser)
  // Plans must depend on nothing but the rows, or their order differs for no reason.
  await here.session.query('alter system set autovacuum = off')
  await here.session.query('select pg_reload_conf()')
  await here.session.query(town('red'))
  await elsewhere.session.query(town('blue'))
  for (const { session } of [here, elsewhere]) await session.query('analyze')
  const { rows } = await here.session.query<{ token: string }>(
    'select ssn as token from users union all select pin from people union all select secret from events union all select content from boxes_locked',
  )
  tokens = rows.map(({ token }) => token)
}, 120_000)
afterAll(async () => {
  await here.close()
  await elsewhere.close()
  await parser.close()
  await cluster.stop()
})

interface Result {
  readonly fields: readonly { tableID: number; columnID: number; name: string }[]
  readonly rows: readonly (readonly unknown[])[]
}

/** Runs a statement and takes it back; undefined when the server refuses it. */
async function run({ session }: Shop, text: string): Promise<Result | undefined> {
  await session.query('begin')
  try {
    const result = await session.query<unknown[]>({ text, rowMode: 'array' })
    if (!text.startsWith('declare')) return result
    return await session.query<unknown[]>({ text: 'fetch all from c', rowMode: 'array' })
  } catch {
    return undefined
  } finally {
    await session.query('rollback')
    // Dead rows change plans, and with them the order of rows.
    if (/^(?!select|explain|table)/.test(text)) await session.query('vacuum sink, users, people')
  }
}

const isSecret = ({ relation, column }: { relation: string; column: string }): boolean =>
  column === '*'
    ? [...SECRETS].some((secret) => secret.startsWith(`${relation}.`))
    : SECRETS.has(`${relation}.${column}`)

const named = (sources: readonly ColumnSource[]): string[] =>
  sources.map(({ relation, column }) => `${relation}.${column}`).toSorted()

/** Any eight characters of a token in a row, plain, reversed or as hex or base64, in any case. */
function showsToken(cell: unknown, pieces: ReadonlySet<string>): boolean {
  const text = (typeof cell === 'string' ? cell : JSON.stringify(cell)).toLowerCase()
  for (let at = 0; at + 8 <= text.length; at += 1)
    if (pieces.has(text.slice(at, at + 8))) return true
  return false
}

function piecesOf(all: readonly string[]): Set<string> {
  const pieces = new Set<string>()
  for (const token of all) {
    const reversed = token.split('').toReversed().join('')
    const encoded = ['hex', 'base64'].map((form) =>
      Buffer.from(token)
        .toString(form as BufferEncoding)
        .toLowerCase(),
    )
    for (const form of [token, reversed, ...encoded])
      for (let at = 0; at + 8 <= form.length; at += 1) pieces.add(form.slice(at, at + 8))
  }
  return pieces
}

/** The origins that the server tells must be among the sources, and nothing else where it is exact. */
function checkOrigins(text: string, { fields }: Result, lineage: Lineage): number {
  const { outputs } = lineage.statements[0] ?? {}
  if (outputs === undefined) return 0
  expect(outputs.length, `number of columns of ${text}`).toBe(fields.length)
  let told = 0
  for (const [at, { tableID, columnID }] of fields.entries()) {
    if (tableID === 0 || columnID === 0) continue
    const origin = lineage.origins.get(tableID)?.columns.get(columnID)
    expect(origin, `origin of column ${String(at + 1)} of ${text}`).toBeDefined()
    const sources = named(outputs[at] ?? [])
    // The column that USING makes holds both sides' values, and a row that was written what was
    // written, while the server tells one.
    const expected = named(origin ?? [])
    // With and without ONLY a relation has one number.
    if (/only people/.test(text))
      expect(expected.filter((name) => !sources.includes(name)).length, text).toBeLessThan(
        Math.max(expected.length, 1),
      )
    else if (/using \(id\)|returning/.test(text))
      expect(sources, text).toEqual(expect.arrayContaining(expected))
    else expect(sources, `column ${String(at + 1)} of ${text}`).toEqual(expected)
    expect(sources.length, text).toBeGreaterThanOrEqual(Math.min(expected.length, 1))
    told += 1
  }
  return told
}

/** A column called clean holds no token. */
function checkClean(text: string, result: Result, lineage: Lineage, pieces: Set<string>): number {
  const { outputs } = lineage.statements[0] ?? {}
  if (outputs === undefined) return 0
  let clean = 0
  for (const [at, sources] of outputs.entries()) {
    if (sources.some(isSecret)) continue
    clean += 1
    for (const row of result.rows)
      expect(showsToken(row[at], pieces), `column ${String(at + 1)} of ${text}`).toBe(false)
  }
  return clean
}

/** Without a derived or a condition use of a secret, other secrets give the same rest. */
function checkOracle(text: string, judged: Judged, one?: Result, other?: Result): boolean {
  if (judged.outcome === 'invalid') return false
  // The condition inside this view is its owner's.
  if (/\bfilters\b/.test(text)) return false
  const uses = (judged.command.columns ?? []).filter(isSecret)
  const outputs = judged.lineage?.statements[0]?.outputs
  if (outputs === undefined || uses.some(({ use }) => use !== 'output')) return false
  expect(one === undefined, `runs here, not elsewhere: ${text}`).toBe(other === undefined)
  const rest = (result: Result | undefined) =>
    result?.rows.map((row) => row.map((cell, at) => (outputs[at]?.some(isSecret) ? '' : cell)))
  expect(rest(other), `rows of ${text}`).toEqual(rest(one))
  return true
}

test(`the lineage of generated statements is what the server shows (seed ${String(SEED)})`, async () => {
  const statements = new Statements(SEED)
  const pieces = piecesOf(tokens)
  const counts = { ran: 0, opaque: 0, told: 0, clean: 0, oracle: 0, derived: 0 }
  const refused = new Map<string, number>()
  for (let count = 0; count < COUNT; count += 1) {
    const text = statements.next()
    const judged = await here.judge(text)
    if (judged.outcome === 'invalid') throw new Error(`no SQL: ${text}`)
    const { lineage, command } = judged
    const one = await run(here, text)
    const other = await run(elsewhere, text)
    if (checkOracle(text, judged, one, other) && one !== undefined) counts.oracle += 1
    if (one === undefined || lineage === undefined) continue
    counts.ran += 1
    if (lineage.statements[0]?.outputs === undefined) {
      counts.opaque += 1
      if (process.env['WARDER_LINEAGE_OPAQUE'] !== undefined) refused.set(text, 1)
    }
    if ((command.columns ?? []).some(({ use }) => use === 'derived')) counts.derived += 1
    counts.told += text.startsWith('explain') ? 0 : checkOrigins(text, one, lineage)
    counts.clean += checkClean(text, one, lineage, pieces)
  }
  for (const text of refused.keys()) process.stdout.write(`opaque: ${text}\n`)
  process.stdout.write(
    `lineage of ${String(COUNT)} statements, seed ${String(SEED)}: ${JSON.stringify(counts)}\n`,
  )
  expect(counts.ran, 'the server has to run most of them').toBeGreaterThan(COUNT * 0.5)
  expect(counts.opaque, 'and few may be untold').toBeLessThan(COUNT * 0.05)
  expect(counts.told).toBeGreaterThan(COUNT * 0.5)
  expect(counts.clean).toBeGreaterThan(COUNT * 0.5)
  expect(counts.oracle).toBeGreaterThan(COUNT * 0.05)
}, 600_000)
