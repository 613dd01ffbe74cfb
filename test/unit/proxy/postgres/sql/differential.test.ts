// What is judged a read is run for real, on a database whose owner left traps everywhere: it must
// change nothing. Statements are generated from a seed, which is printed when something did.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { ALLOWED_FUNCTIONS } from '../../../../../proxy/postgres/sql/allowed-signatures.js'
import { builtinEffect, parameterTypesKnown } from '../../../../../proxy/postgres/sql/allow-list.js'
import { ParserPool } from '../../../../../proxy/postgres/sql/parser.js'
import { startPostgres, type PostgresCluster } from '../../../../postgres-cluster.js'
import { compiledWorkerUrl } from './compiled-worker.js'
import { TRAPS, openShop, type Shop } from './shop.js'

const SEED = 20_261_122

let parser: ParserPool
let cluster: PostgresCluster
let shop: Shop
/** A second session, to look from outside. */
let witness: Shop

beforeAll(async () => {
  parser = new ParserPool({ workerUrl: compiledWorkerUrl() })
  cluster = await startPostgres()
  const url = await cluster.createDatabase()
  shop = await openShop(url, parser)
  witness = await openShop(url, parser)
  await shop.session.query(TRAPS)
  await shop.session.query("set statement_timeout = '2s'")
}, 60_000)
afterAll(async () => {
  await shop.close()
  await witness.close()
  await parser.close()
  await cluster.stop()
})

/** Everything that a statement could have left behind, as text. */
async function traces(): Promise<string> {
  const { rows } = await witness.session.query<{ trace: string }>(`
    select concat_ws('|',
      (select count(*) from log), (select last_value || ' ' || is_called from numbers),
      (select md5(string_agg(u::text, ',' order by id)) from users u),
      (select md5(string_agg(o::text, ',' order by id)) from orders o),
      (select md5(string_agg(c.oid || c.relname || c.relfilenode, ',' order by c.oid)) from pg_class c),
      (select md5(string_agg(p.oid::text || p.proname, ',' order by p.oid)) from pg_proc p),
      (select md5(string_agg(t.oid::text || t.typname, ',' order by t.oid)) from pg_type t),
      (select count(*) from pg_largeobject_metadata), (select count(*) from pg_roles),
      (select count(*) from pg_replication_slots), (select count(*) from pg_locks where locktype = 'advisory')
    ) as trace`)
  const own = await shop.session.query<{ trace: string }>(`
    select concat_ws('|', current_user, session_user, current_schemas(true),
      (select md5(string_agg(name || setting, ',' order by name)) from pg_settings),
      (select count(*) from pg_listening_channels()), (select count(*) from pg_cursors)) as trace`)
  return `${rows[0]?.trace ?? ''}|${own.rows[0]?.trace ?? ''}`
}

/** Runs a statement; what the server refuses has changed nothing. */
async function run(text: string): Promise<boolean> {
  try {
    await shop.session.query(text)
    return true
  } catch {
    return false
  }
}

/** mulberry32: small, seeded, good enough to vary statements. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const VALUES = [
  'u.id',
  'u.ssn',
  'u.nick',
  'u.f',
  'u.any_row',
  'u',
  '(u).size',
  '(u).f',
  'u.size',
  '1',
  "'a'",
  'null',
  "'1'::int",
  "'good'::mood",
  "'x'::checked_text",
  "'sail'::boat",
  'array[1, 2]',
  '\'{"a": 1}\'::jsonb',
  'current_date',
  'row(1, 2)',
  'u.*',
  "checked_text('y')",
  "'5'::small",
]
const UNARY = [
  'upper',
  'lower',
  'md5',
  'length',
  'abs',
  'g',
  'noisy',
  'max',
  'count',
  'to_json',
  'row_to_json',
  'pg_typeof',
  'nextval',
  'pg_sleep',
  'f',
  'any_row',
  'minus',
  'noted',
  'checked',
  'plus',
  'text',
  'pg_catalog.lower',
  'public.lower',
  'pg_notify',
  'unnest',
  'lo_creat',
  'pg_advisory_lock',
  'ssn',
  'current_setting',
  'array_agg',
  'jsonb_pretty',
  'quote_literal',
  'boat_number',
  'small',
]
const BINARY = [
  '+',
  '-',
  '||',
  '=',
  '<',
  'like',
  'is distinct from',
  '->',
  'operator(public.+)',
  'and',
]
const RELATIONS = [
  'users u',
  'plain u',
  'plainer u',
  'calls u',
  'adds u',
  'counts u',
  'casts u',
  'locks u',
  'kept u',
  'sleeps u',
  'checks u',
  'boats u',
  'parts u',
  'orders u',
  'aggregates u',
  'pg_class u',
  'g() u',
  'users u tablesample system (100)',
  'users u natural join orders',
  'generate_series(1, 2) u',
  '(select * from users for update) u',
  '(values (g())) u',
  'lateral (select f(x) from users x) u',
]

function statement(pick: (below: number) => number): string {
  const of = (list: readonly string[]) => list[pick(list.length)] ?? '1'
  const expression = (depth: number): string => {
    const kind = pick(depth > 2 ? 1 : 7)
    if (kind <= 1) return of(VALUES)
    if (kind === 2) return `${of(UNARY)}(${expression(depth + 1)})`
    if (kind === 3) return `(${expression(depth + 1)} ${of(BINARY)} ${expression(depth + 1)})`
    if (kind === 4) return `case when true then ${expression(depth + 1)} end`
    if (kind === 5) return `(select ${expression(depth + 1)} from ${of(RELATIONS)} limit 1)`
    return `coalesce(${expression(depth + 1)}, ${expression(depth + 1)})`
  }
  const forms = [
    () => `select ${expression(0)} from ${of(RELATIONS)}`,
    () => `select 1 from ${of(RELATIONS)} where ${expression(0)} is not null`,
    () => `select 1 from ${of(RELATIONS)} order by ${expression(1)}`,
    () => `explain select ${expression(0)} from ${of(RELATIONS)}`,
    () => `explain analyze select ${expression(1)} from ${of(RELATIONS)}`,
    () => `copy (select ${expression(1)} from ${of(RELATIONS)}) to stdout`,
    () => `with w as (select ${expression(1)} as v from ${of(RELATIONS)}) select v from w`,
    () => `with w as (delete from orders returning id) select ${expression(2)} from users u`,
    () => `values (${expression(1)})`,
    () => `table ${of(RELATIONS).split(' ')[0] ?? 'users'}`,
  ]
  return forms[pick(forms.length)]?.() ?? 'select 1'
}

test('what is judged a read changes nothing', async () => {
  const pick = generator(SEED)
  const before = await traces()
  let reads = 0
  let ran = 0
  for (let count = 0; count < 500; count += 1) {
    const text = statement(pick)
    const judged = await shop.judge(text)
    if (judged.outcome === 'invalid' || judged.command.effect !== 'read') continue
    reads += 1
    // COPY leaves pg's simple client waiting for its data, so its query is run on its own.
    if (await run(text.replace(/^copy (.*) to stdout$/, '$1'))) ran += 1
    if (count % 25 === 0)
      expect(await traces(), `seed ${SEED}, up to number ${count}: ${text}`).toBe(before)
  }
  expect(await traces(), `seed ${SEED}`).toBe(before)
  expect(reads, 'the generator has to make enough reads').toBeGreaterThan(80)
  expect(ran, 'and the server has to run enough of them').toBeGreaterThan(40)
}, 120_000)

test('the traps work: each of them leaves a trace when it is run', async () => {
  for (const text of [
    "select lower('a'::varchar)",
    'select u.f from users u',
    'select u.any_row from users u',
    'select * from calls',
    "select 1 + 'a'::text",
    "select 'x'::checked_text",
    "select 1 from checks where list = '{x}'",
    "select 'sail'::boat::int",
    'select @@- 1',
  ]) {
    const before = await traces()
    expect(await run(text), text).toBe(true)
    expect(await traces(), text).not.toBe(before)
    const judged = await shop.judge(text)
    expect(judged, text).toHaveProperty('command.effect', 'unknown')
  }
})

/** Values of the types that functions take most; other types are given NULL. */
const SAMPLES: Readonly<Record<string, string>> = {
  any: '1',
  anyarray: 'array[1]',
  anyelement: '1',
  anycompatible: '1',
  anycompatiblearray: 'array[1]',
  bool: 'true',
  bytea: "'a'::bytea",
  date: 'current_date',
  float8: '0.5::float8',
  int2: '1::int2',
  int4: '1',
  int8: '1::int8',
  interval: "'1 day'::interval",
  json: "'{}'::json",
  jsonb: "'{}'::jsonb",
  name: "'users'::name",
  numeric: '1::numeric',
  oid: "'users'::regclass::oid",
  record: 'row(1)',
  regclass: "'users'::regclass",
  text: "'users'",
  timestamptz: 'now()',
  _text: "array['a']",
}

test('no allow-listed function changes anything when it is called', async () => {
  const before = await traces()
  let ran = 0
  for (const entry of ALLOWED_FUNCTIONS.trim().split(/\s+/)) {
    const [name = '', ...overloads] = entry.split('(')
    for (const overload of overloads) {
      const types = overload
        .slice(0, -1)
        .split(',')
        .filter((type) => type !== '')
      if (types.includes('internal')) continue
      expect(builtinEffect('pg_catalog', name, `${name}(${overload}`)).toBe('read')
      const values = types.map((type) => SAMPLES[type] ?? `null::pg_catalog."${type}"`)
      if (await run(`select pg_catalog."${name}"(${values.join(', ')})`)) ran += 1
    }
  }
  expect(await traces()).toBe(before)
  expect(ran).toBeGreaterThan(1200)
}, 120_000)

test('parameter types are known when they are built in or left open', () => {
  expect(parameterTypesKnown([])).toBe(true)
  expect(parameterTypesKnown([0, 23, 25, 1007, 1184, 3802, 705])).toBe(true)
  expect(parameterTypesKnown([23, 16_400])).toBe(false)
  // record, anyelement, pg_class's row type: not what a parameter may be.
  for (const oid of [2249, 2283, 83, -1, 1.5]) expect(parameterTypesKnown([oid])).toBe(false)
})
