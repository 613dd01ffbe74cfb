import { afterAll, beforeAll, expect, test } from 'vitest'
import { ParserPool } from '../../../../../proxy/postgres/sql/parser.js'
import { compiledWorkerUrl } from './compiled-worker.js'

const workerUrl = compiledWorkerUrl()
let parser: ParserPool

beforeAll(async () => {
  parser = new ParserPool({ workerUrl })
  await parser.ready()
})
afterAll(() => parser.close())

/** Nested comments that never end take the scanner quadratic time: minutes, at this length. */
const endless = `select ${'/*'.repeat(130_000)}`

test('a statement comes back as facts', async () => {
  expect(await parser.facts('select 1')).toMatchObject({
    outcome: 'facts',
    statements: [{ kind: 'select', effect: 'read' }],
  })
})

test.each([
  ['', 0],
  [' ;; -- nothing\n', 0],
  ['select 1; select 2', 2],
])('%j holds %i statements', async (text, count) => {
  const facts = await parser.facts(text)
  expect(facts).toHaveProperty('statements.length', count)
})

test('what the grammar refuses is invalid, with its place', async () => {
  expect(await parser.facts('selekt 1')).toEqual({
    outcome: 'invalid',
    message: 'syntax error at or near "selekt"',
    position: 1,
  })
})

test.each([
  '\\copy t to x',
  'select :x',
  "select 'open",
  'select /* open',
  'ＤＥＬＥＴＥ from t',
  'select\u00a01',
  'delete\u200bfrom t',
])('%j is invalid and is not made valid by tidying it up', async (text) => {
  expect(await parser.facts(text)).toHaveProperty('outcome', 'invalid')
})

test('20 KB of additions a hundred times leave the event loop live and the pool working', async () => {
  const bomb = `select 1${'+1'.repeat(10_000)}`
  let turns = 0
  const timer = setInterval(() => (turns += 1), 1)
  const answers = await Promise.all(Array.from({ length: 100 }, () => parser.facts(bomb)))
  clearInterval(timer)
  expect(answers.every((answer) => answer.outcome === 'unknown')).toBe(true)
  expect(turns).toBeGreaterThan(0)
  expect(await parser.facts('select 1')).toHaveProperty('outcome', 'facts')
})

test('the deepest texts within the budget are parsed, not crashed on', async () => {
  for (const text of [
    `select 1${'+1'.repeat(1990)}`,
    `select ${'('.repeat(1990)}1${')'.repeat(1990)}`,
    `select ${'(select '.repeat(1990)}1${')'.repeat(1990)}`,
    `select 1${' union select 1'.repeat(1990)}`,
    `select ${'case when true then '.repeat(1990)}1${' end'.repeat(1990)}`,
  ])
    expect((await parser.facts(text)).outcome).toBe('facts')
})

test('a text that takes too long is unknown, and its thread is replaced', async () => {
  const pool = new ParserPool({ workerUrl, workerCount: 1, deadlineMs: 100 })
  await pool.ready()
  expect(await pool.facts(endless)).toEqual({
    outcome: 'unknown',
    because: 'parsing took longer than 100 ms',
  })
  await pool.ready()
  expect(await pool.facts('select 1')).toHaveProperty('outcome', 'facts')
  await pool.close()
})

test('a text that runs away does not hold up the others', async () => {
  const pool = new ParserPool({ workerUrl, deadlineMs: 20_000 })
  await pool.ready()
  const late = pool.facts(endless)
  expect(await pool.facts('select 1')).toHaveProperty('outcome', 'facts')
  await pool.close()
  expect(await late).toEqual({ outcome: 'unknown', because: 'the parser is closed' })
})

test('a thread that dies makes its text unknown', async () => {
  const dying = new URL(
    `data:text/javascript,${encodeURIComponent(
      `import { parentPort } from 'node:worker_threads'
     parentPort.on('message', () => process.exit(1))
     parentPort.postMessage({ kind: 'ready' })`,
    )}`,
  )
  const pool = new ParserPool({ workerUrl: dying, workerCount: 1 })
  await pool.ready()
  expect(await pool.facts('select 1')).toEqual({ outcome: 'unknown', because: 'the parser ended' })
  await pool.ready()
  expect(await pool.facts('select 1')).toHaveProperty('outcome', 'unknown')
  await pool.close()
})

test('a thread that runs out of memory makes its text unknown', async () => {
  const hungry = new URL(
    `data:text/javascript,${encodeURIComponent(
      `import { parentPort } from 'node:worker_threads'
     parentPort.on('message', () => { const all = []; for (;;) all.push(new Array(1e6).fill({})) })
     parentPort.postMessage({ kind: 'ready' })`,
    )}`,
  )
  const pool = new ParserPool({ workerUrl: hungry, workerCount: 1, deadlineMs: 30_000 })
  await pool.ready()
  expect(await pool.facts('select 1')).toHaveProperty('outcome', 'unknown')
  await pool.close()
}, 60_000)

test('beyond the queue nothing is parsed, and nothing waits for ever', async () => {
  const silent = new URL('data:text/javascript,setInterval(() => {}, 1000)')
  const pool = new ParserPool({ workerUrl: silent, queueCountMax: 1, queueMsMax: 50 })
  const waiting = pool.facts('select 1')
  expect(await pool.facts('select 2')).toEqual({
    outcome: 'unknown',
    because: 'too many statements wait for the parser',
  })
  expect(await waiting).toEqual({ outcome: 'unknown', because: 'no parser was free in time' })
  await pool.close()
})

test('a closed pool knows nothing', async () => {
  const pool = new ParserPool({ workerUrl, workerCount: 1 })
  await pool.close()
  expect(await pool.facts('select 1')).toHaveProperty('outcome', 'unknown')
  await expect(pool.ready()).resolves.toBeUndefined()
})
