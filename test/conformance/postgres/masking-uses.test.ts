// What may not be done with masked columns: computing with them, copying them, and asking about them
// in conditions; and what becomes of it where the policy asks people, or allows it.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import { answerShowsSecret, ASKED, rowsOf, SHOP, SHOP_POLICY } from './masking-shop.js'
import { fieldOf, sqlstateOf, tagsOf, q, valuesOf, WireClient } from './wire-client.js'

let world: PostgresWorld
let client: WireClient

beforeAll(async () => {
  world = await startPostgresWorld({ schema: SHOP, policy: SHOP_POLICY })
})
beforeEach(async () => {
  world.reviews.reset()
  client = await WireClient.login({ port: world.port, role: 'clerk' })
})
afterEach(() => client.close())
afterAll(() => world.stop())

const DERIVED = [
  'select ssn::varchar from customers',
  'select cast(ssn as text) from customers',
  'select ssn::bytea from customers',
  'select ssn::int from customers',
  `select ssn || '' from customers`,
  'select reverse(ssn) from customers',
  'select substr(ssn, 1, 20) from customers',
  'select upper(lower(ssn)) from customers',
  'select md5(ssn) from customers',
  'select length(ssn) from customers',
  'select ssn is null from customers',
  `select ssn = 'x' from customers`,
  `select ssn like 'S%' from customers`,
  'select ssn collate "C" from customers',
  'select max(ssn) from customers',
  `select string_agg(ssn, ',') from customers`,
  'select array_agg(ssn) from customers',
  'select count(ssn) from customers',
  'select count(distinct ssn) from customers',
  'select mode() within group (order by ssn) from customers',
  'select array[ssn] from customers',
  'select row(ssn, 1) from customers',
  'select c from customers c',
  'select customers from customers',
  'select c::text from customers c',
  'select to_json(c) from customers c',
  'select row_to_json(c) from customers c',
  `select to_jsonb(c) ->> 'ssn' from customers c`,
  'select json_agg(c) from customers c',
  `select json_build_object('s', ssn) from customers`,
  'select jsonb_object_agg(id, ssn) from customers',
  'select json_object(array[name], array[ssn]) from customers',
  `select to_tsvector('simple', ssn) from customers`,
  `select format('%s', ssn) from customers`,
  `select concat('a', ssn) from customers`,
  'select quote_literal(ssn) from customers',
  'select xmlelement(name a, ssn) from customers',
  'select xmlforest(ssn) from customers',
  'select case when id = 1 then ssn end from customers',
  `select case ssn when 'x' then 1 else 2 end from customers`,
  `select coalesce(ssn, 'x') from customers`,
  `select nullif(ssn, 'x') from customers`,
  `select greatest(ssn, 'x') from customers`,
  'select first_value(ssn) over (order by id) from customers',
  'select lag(ssn) over (order by id) from customers',
  'select (select ssn from customers where id = 1)',
  'select array(select ssn from customers)',
  'select name, (select max(card) from customers) from customers',
  'select ssn from customers union select name from customers',
  'select name from customers union all select ssn from customers',
  'select ssn from customers intersect select ssn from customers',
  'select ssn from customers except select name from customers',
  'values ((select ssn from customers where id = 1))',
  'select n from customers c, unnest(array[c.ssn]) n',
  `select n from customers c, regexp_split_to_table(c.ssn, '') n`,
  `select n from customers c, lateral (select upper(c.ssn) n) l`,
  'with recursive w (n, v) as (select 1, ssn from customers union all select n + 1, v from w where n < 2) select * from w',
  'select a || a from (select ssn as a from customers) q',
  'with w as (select ssn from customers) select upper(ssn) from w',
  'select upper(number) from v',
  'select reverse(mixed) from computed_v',
  'select upper(copy) from kept',
  'select upper(ssn) from staff',
  'select upper(hidden) from events_1',
  'insert into sink select id + 10, ssn from customers',
  'insert into sink select id + 10, s from (select id, ssn as s from customers) q',
  'insert into sink values (9, (select ssn from customers where id = 1))',
  'update customers set name = ssn',
  'update customers set name = (select max(ssn) from customers)',
  'update sink set label = c.ssn from customers c where c.id = sink.id',
  'update customers set name = upper(card) returning id',
  `update customers set name = 'n' returning upper(ssn)`,
  'merge into sink s using customers c on s.id = c.id when not matched then insert values (c.id, c.ssn)',
  'insert into sink (id, label) select id, name from customers on conflict (id) do update set label = (select ssn from customers limit 1)',
  'create table copied as select ssn from customers',
  'create temp table copied as select ssn from customers',
  'select ssn into copied from customers',
  'create materialized view copied as select ssn from customers',
  'create table copied as table v',
  'copy (select upper(ssn) from customers) to stdout',
  'copy (select c from customers c) to stdout',
  'declare c cursor for select upper(ssn) from customers',
  `select query_to_xml('select ssn from customers', true, true, '')`,
  `select table_to_xml('customers', true, true, '')`,
  'select most_common_vals from pg_stats',
  `prepare p as select ssn from customers`,
  `do $$ begin raise notice '%', (select ssn from customers limit 1); end $$`,
] as const

const CONDITIONS = [
  `select id from customers where id = (select length(ssn) from customers where id = 1)`,
  `select id from customers where ssn = 'x'`,
  `select id from customers where ssn like 'SE%'`,
  `select id from customers where substr(ssn, 1, 1) = 'S'`,
  'select id from customers where ssn is not null',
  `select id from customers where (ssn, id) > ('a', 1)`,
  `select id from customers where id = 1 and (name = 'x' or ssn > 'a')`,
  `select id from customers where ssn in ('a', 'b')`,
  'select id from customers where ssn in (select label from sink)',
  'select id from sink where label in (select ssn from customers)',
  'select id from customers c where exists (select from sink s where s.label = c.ssn)',
  'select c.id from customers c join sink s on s.label = c.ssn',
  'select c.id from customers c join people p using (ssn)',
  'select a.id from customers a natural join customers b',
  'select id from customers order by ssn',
  'select ssn from customers order by 1',
  'select ssn as x from customers order by x',
  'select id from customers order by upper(ssn)',
  'select id, ssn from customers order by id, 2 desc',
  'select ssn from customers group by ssn',
  'select ssn from customers group by 1',
  'select count(*) from customers group by card',
  'select count(*) from customers group by rollup (ssn)',
  'select distinct ssn from customers',
  'select distinct on (ssn) id from customers',
  `select name from customers group by name having max(ssn) > 'a'`,
  'select rank() over (order by ssn) from customers',
  'select count(*) over (partition by ssn) from customers',
  'select count(*) over w from customers window w as (order by ssn)',
  `select count(*) filter (where ssn > 'a') from customers`,
  'select array_agg(id order by ssn) from customers',
  'select id from customers limit (select length(max(ssn)) from customers)',
  'with w as (select ssn as s, id from customers) select id from w order by s',
  `select id from v where number > 'a'`,
  `select id from over_v where moved > 'a'`,
  `select id from computed_v where mixed > 'a'`,
  `select id from kept where copy > 'a'`,
  `select id from staff where ssn > 'a'`,
  `select id from events_1 where hidden > 'a'`,
  `update customers set name = 'n' where ssn > 'a'`,
  `delete from customers where ssn = 'a'`,
  `delete from sink using customers c where c.ssn = sink.label`,
  `insert into customers (id, name, card) values (5, 'n', 'c') on conflict (card) do nothing`,
  `insert into customers (id, name) values (1, 'n') on conflict (id) do update set name = 'm' where customers.ssn > 'a'`,
  `merge into sink s using customers c on s.label = c.ssn when matched then do nothing`,
  `merge into sink s using customers c on s.id = c.id when matched and c.ssn > 'a' then delete`,
  `copy (select id from customers where ssn > 'a') to stdout`,
  `explain select id from customers where ssn > 'a'`,
] as const

test.each([...DERIVED, ...CONDITIONS])('%s is refused, and the session goes on', async (sql) => {
  for (const [how, ask] of ASKED.slice(0, 3)) {
    const answer = await ask(client, sql)
    expect(sqlstateOf(answer), how).toBe('42501')
    expect(rowsOf(answer), how).toEqual([])
    expect(answerShowsSecret(answer), how).toBe(false)
    expect(valuesOf(await client.query('select 7')), how).toEqual(['7'])
  }
})

test('a refusal within a transaction fails it, like any error', async () => {
  await client.query('begin')
  await client.query(`insert into sink values (70, 'kept')`)
  expect(sqlstateOf(await client.query('select upper(ssn) from customers'))).toBe('42501')
  const after = await client.query('select label from sink where id = 70')
  await client.query('rollback')
  expect(sqlstateOf(after)).toBe('25P02')
  expect(valuesOf(await client.query('select ssn from customers where id = 1'))).toEqual([
    '****6781',
  ])
})

test('the refusal names the rule, the column and what to do instead', async () => {
  const answer = await client.query('select upper(ssn) from customers')
  const error = answer.find(({ type }) => type === 'E')
  const text = error && fieldOf(error, 'M')
  expect(text).toMatch(/mask \d+: computing with, or copying, public\.customers\.ssn is blocked/)
  expect(text).toContain('select the column as it is')
})

test.each(CONDITIONS)(
  'where the policy allows conditions, this is no longer refused: %s',
  async (sql) => {
    const sorter = await WireClient.login({ port: world.port, role: 'sorter' })
    await sorter.query('begin')
    const answer = await sorter.query(sql)
    expect(answer.filter(({ type }) => type === 'E').map((error) => fieldOf(error, 'M'))).toEqual(
      [],
    )
    expect(answerShowsSecret(answer)).toBe(false)
    await sorter.query('rollback')
    await sorter.close()
  },
)

test('allowed conditions do not allow computing', async () => {
  const sorter = await WireClient.login({ port: world.port, role: 'sorter' })
  for (const sql of DERIVED) {
    expect(sqlstateOf(await sorter.query(sql)), sql).toBe('42501')
  }
  await sorter.close()
})

test('what is computed passes a person, and then shows what he let through', async () => {
  world.reviews.hold()
  const asks = await WireClient.login({ port: world.port, role: 'asks' })
  for (const sql of [
    'select upper(ssn) from customers where id = 1',
    'select c from customers c where id = 1',
  ]) {
    asks.send(q(sql))
    const held = await world.reviews.next()
    held.approve()
    const answer = await asks.ready()
    expect(sqlstateOf(answer)).toBeUndefined()
    expect(answerShowsSecret(answer)).toBe(true)
  }
  await asks.close()
})

test('an approval for a computed column leaves the plain ones masked', async () => {
  world.reviews.hold()
  const asks = await WireClient.login({ port: world.port, role: 'asks' })
  asks.send(q('select length(ssn), ssn, card from customers where id = 1'))
  const held = await world.reviews.next()
  held.approve()
  expect(rowsOf(await asks.ready())).toEqual([['15', '****6781', '[redacted]']])
  await asks.close()
})

test('nobody is asked about columns as they are, and a denial is a refusal', async () => {
  const asks = await WireClient.login({ port: world.port, role: 'asks' })
  expect(valuesOf(await asks.query('select ssn from customers where id = 1'))).toEqual(['****6781'])
  expect(world.reviews.questions).toEqual([])
  expect(sqlstateOf(await asks.query('select upper(ssn) from customers'))).toBe('42501')
  expect(world.reviews.questions.length).toBe(1)
  expect(sqlstateOf(await asks.query(`select id from customers where ssn > 'a'`))).toBe('42501')
  expect(world.reviews.questions.length).toBe(1)
  await asks.close()
})

test('a copy that a person let happen shows what was copied, and nothing else', async () => {
  world.reviews.hold()
  const asks = await WireClient.login({ port: world.port, role: 'asks' })
  asks.send(q('create temp table copied as select id, ssn from customers'))
  const held = await world.reviews.next()
  held.approve()
  expect(tagsOf(await asks.ready())).toEqual(['SELECT 2'])
  expect(valuesOf(await asks.query('select ssn from copied where id = 1'))).toEqual([
    'SECRET-ssn-6781',
  ])
  const joined = await asks.query(
    'select c.ssn, k.id from copied k join customers c using (id) where id = 1',
  )
  expect(rowsOf(joined)).toEqual([['****6781', '1']])
  await asks.close()
})
