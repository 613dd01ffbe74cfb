// Masked columns through the real gateway and a real server: whichever way they are selected, the
// caller gets what stands in for them. What may not be done with them is in masking-uses.test.ts.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import {
  answerShowsSecret,
  ASKED,
  copiedOf,
  rowsOf,
  SHOP,
  SHOP_POLICY,
  showsSecret,
} from './masking-shop.js'
import { b, e, fieldOf, p, s, sqlstateOf, tagsOf, valuesOf, WireClient } from './wire-client.js'

let world: PostgresWorld
let client: WireClient

beforeAll(async () => {
  world = await startPostgresWorld({ schema: SHOP, policy: SHOP_POLICY })
})
beforeEach(async () => {
  world.setPolicy(SHOP_POLICY)
  world.reviews.reset()
  client = await WireClient.login({ port: world.port, role: 'clerk' })
})
afterEach(() => client.close())
afterAll(() => world.stop())

const stillWorks = async () => expect(valuesOf(await client.query('select 7'))).toEqual(['7'])
const HASH = /^h:[0-9a-f]{16}$/

test('each method leaves what it says', async () => {
  const [row = []] = rowsOf(await client.query('select * from customers where id = 1'))
  const [id, name, ssn, card, email, token, note] = row
  expect([id, name, ssn, card, token, note]).toEqual([
    ...['1', 'name1', '****6781', '[redacted]', null, 'gone'],
  ])
  expect(email).toMatch(HASH)
})

test('a role that is excepted sees the values', async () => {
  const boss = await WireClient.login({ port: world.port, role: 'boss' })
  const answer = await boss.query('select ssn from customers where id = 1')
  expect(valuesOf(answer)).toEqual(['SECRET-ssn-6781'])
  expect(answerShowsSecret(answer)).toBe(true)
  await boss.close()
})

test('equal values have equal hashes, and others do not', async () => {
  const answer = await client.query('select email, id from customers union all select null, 3')
  expect(sqlstateOf(answer)).toBe('42501')
  const once = valuesOf(await client.query('select email from customers order by id'))
  const again = valuesOf(await client.extended('select email from customers order by id'))
  expect(once).toEqual(again)
  expect(new Set(once).size).toBe(2)
})

/** Forms whose first column is an ssn that ends in 6781 in its first row. */
const SHOWN = [
  ['an alias', 'select ssn as name from customers where id = 1'],
  ['a quoted alias', 'select ssn as "id" from customers where id = 1'],
  ['twice', 'select ssn, ssn from customers where id = 1'],
  ['a table by its alias', 'select c.ssn from customers as c (id, name, ssn) where c.id = 1'],
  ['renamed columns', 'select x from customers as c (id, name, x) where c.id = 1'],
  ['a schema', 'select public.customers.ssn from public.customers where id = 1'],
  ['a subquery', 'select q.a from (select ssn as a, id from customers) q where q.id = 1'],
  [
    'a subquery in a subquery',
    'select z from (select y as z from (select ssn as y from customers where id = 1) a) b',
  ],
  ['a CTE', 'with w as (select ssn, id from customers) select ssn from w where id = 1'],
  [
    'a materialized CTE',
    'with w (n, i) as materialized (select ssn, id from customers) select n from w where i = 1',
  ],
  ['a join', 'select c.ssn from orders o join customers c on c.id = o.customer_id where o.id = 1'],
  ['a join by USING', 'select ssn from customers join orders using (id) where id = 1'],
  ['a left join', 'select c.ssn from orders o left join customers c on c.id = o.id order by o.id'],
  [
    'LATERAL',
    'select l.ssn from orders o, lateral (select c.ssn from customers c where c.id = o.id) l where o.id = 1',
  ],
  ['(row).column', 'select (c).ssn from customers c where c.id = 1'],
  ['beside a set of rows', 'select ssn, generate_series(1, 2) from customers where id = 1'],
  ['under FOR UPDATE', 'select ssn from customers where id = 1 for update'],
  ['under LIMIT', 'select ssn from customers order by id limit 1'],
  [
    'where EXISTS',
    'select ssn from customers c where exists (select from orders o where o.id = c.id) order by id',
  ],
  ['a view', 'select number from v where id = 1'],
  ['a view over a view', 'select moved from over_v where id = 1'],
  ['a materialized view', 'select copy from kept where id = 1'],
  ['a parent', 'select ssn from people where id = 1'],
  ['a child', 'select ssn from staff where id = 1'],
  ['a partitioned table', 'select hidden from events where id = 1'],
  ['a partition', 'select hidden from events_1 where id = 1'],
  ['RETURNING of UPDATE', `update customers set name = 'name1' where id = 1 returning ssn`],
  [
    'RETURNING old and new',
    `update customers set name = 'name1' where id = 1 returning old.ssn, new.ssn`,
  ],
  ['RETURNING of INSERT', `insert into people values (90, 'x-x-x-x-x-6781') returning ssn`],
  ['RETURNING of DELETE', `delete from people where id = 90 returning ssn`],
  [
    'RETURNING of MERGE',
    `merge into customers c using orders o on c.id = o.id and o.id = 1 when matched then update set name = 'name1' returning c.ssn`,
  ],
  [
    'RETURNING in a CTE',
    `with w as (update customers set name = 'name1' where id = 1 returning ssn) select ssn from w`,
  ],
] as const

test.each(SHOWN)('%s shows the last four characters only', async (_, sql) => {
  for (const [how, ask] of ASKED) {
    if (sql.startsWith('delete')) {
      await world.admin(`insert into people values (90, 'SECRET-SECRET-6781')`)
    }
    const answer = await ask(client, sql)
    expect(sqlstateOf(answer), how).toBeUndefined()
    expect(answerShowsSecret(answer), how).toBe(false)
    expect(rowsOf(answer)[0]?.[0], how).toBe('****6781')
    await world.admin('delete from only people')
  }
})

const STARS = [
  ['*', 'select * from customers order by id'],
  ['TABLE', 'table customers'],
  ['a star of an alias', 'select c.* from customers c order by id'],
  ['(row).*', 'select (c).* from customers c order by c.id'],
  ['a star of a subquery', 'select * from (select * from customers) q order by id'],
  ['two stars', 'select c.*, o.* from customers c join orders o on o.id = c.id'],
  ['a natural join', 'select * from orders natural join (select id, ssn from customers) q'],
  ['a star of a computing view', 'select * from computed_v'],
] as const

test.each(STARS)('%s masks every column that is masked', async (_, sql) => {
  for (const [how, ask] of ASKED) {
    const answer = await ask(client, sql)
    expect(sqlstateOf(answer), how).toBeUndefined()
    expect(rowsOf(answer).length, how).toBe(2)
    expect(answerShowsSecret(answer), how).toBe(false)
  }
})

test('of a view that computes not even the last four characters show', async () => {
  expect(valuesOf(await client.query('select mixed from computed_v where id = 1'))).toEqual([
    '[redacted]',
  ])
})

test.each([
  ['', ['fetch 1 from c', 'fetch all from c']],
  ['binary ', ['fetch all from c']],
  ['scroll ', ['fetch last from c', 'fetch first from c', 'fetch absolute 1 from c']],
])('a %scursor gives masked rows', async (kind, fetches) => {
  await client.query('begin')
  expect(
    tagsOf(await client.query(`declare c ${kind}cursor for select ssn from customers order by id`)),
  ).toEqual(['DECLARE CURSOR'])
  for (const fetch of fetches) {
    const answer = await client.query(fetch)
    expect(valuesOf(answer)[0]).toMatch(/^\*{4}678\d$/)
    expect(answerShowsSecret(answer)).toBe(false)
  }
  await client.query('rollback')
  await stillWorks()
})

test('a cursor WITH HOLD outlives its transaction, masked', async () => {
  await client.query('begin')
  await client.query('declare h cursor with hold for select ssn, card from customers order by id')
  expect(tagsOf(await client.query('commit'))).toEqual(['COMMIT'])
  const answer = await client.extended('fetch all from h')
  expect(rowsOf(answer)).toEqual([
    ['****6781', '[redacted]'],
    ['****6782', '[redacted]'],
  ])
  await client.query('close h')
})

test('a portal that was bound is executed in parts, all of them masked', async () => {
  await client.query('begin')
  client.send(p('select ssn from customers order by id'), b('', 'one'), e('one', 1), s)
  expect(valuesOf(await client.ready())).toEqual(['****6781'])
  client.send(e('one', 1), s)
  expect(valuesOf(await client.ready())).toEqual(['****6782'])
  await client.query('rollback')
})

test.each([
  ['copy customers to stdout', '1\tname1\t****6781\t[redacted]\t'],
  ['copy customers (ssn, note) to stdout', '****6781\tgone\n'],
  ['copy (select ssn, token, id from customers order by id) to stdout', '****6781\t\\N\t1\n'],
  ['copy (select ssn, name from customers order by id) to stdout (format csv)', '****6781,name1\n'],
  [
    'copy (select ssn from customers order by id) to stdout (format csv, header)',
    'ssn\n****6781\n',
  ],
  ['copy (select hidden from events) to stdout', '****6781\n'],
])('%s', async (sql, begins) => {
  for (const ask of [
    (text: string) => client.query(text),
    (text: string) => client.extended(text),
  ]) {
    const answer = await ask(sql)
    expect(copiedOf(answer)).toContain(begins)
    expect(answerShowsSecret(answer)).toBe(false)
  }
})

test('several statements of one query are masked each by its own columns', async () => {
  const answer = await client.query(
    'select name from customers where id = 1; select ssn, id from customers where id = 1; select id, ssn from customers where id = 2',
  )
  expect(rowsOf(answer)).toEqual([['name1'], ['****6781', '1'], ['2', '****6782']])
})

const FAILING = [
  [
    'a duplicate key',
    `insert into customers (id, name, card) values (5, 'n', 'SECRET-card-1')`,
    '23505',
  ],
  ['a duplicate key of an update', `update customers set card = 'x'`, '23505'],
  ['a NULL where none may be', 'update customers set name = null where id = 1', '23502'],
  ['a check', 'update customers set id = -1 where id = 1', '23514'],
  ['a row without partition', 'update events set id = 99', '23514'],
  [
    'a number out of range',
    `insert into customers (id, name) select id + 2147483647, name from customers`,
    '22003',
  ],
] as const

test.each(FAILING)('%s fails without a word of the row', async (_, sql, sqlstate) => {
  for (const [how, ask] of ASKED.slice(0, 3)) {
    const answer = await ask(client, sql)
    expect(sqlstateOf(answer), how).toBe(sqlstate)
    expect(answerShowsSecret(answer), how).toBe(false)
    await stillWorks()
  }
})

test.each([
  ['a cast', `select id from customers where ssn::int = 1`, '22P02'],
  ['a date', `select id from customers order by ssn::date`, '22007'],
  ['a name of a table', `select id from customers where ssn::regclass is null`, '42P01'],
  ['an expression', `select id from customers where 'a' ~ ('[' || ssn)`, '2201B'],
  ['a setting', `select id from customers where timezone(ssn, now()) is null`, '22023'],
])('%s of a masked column in a condition fails without its value', async (_, sql, sqlstate) => {
  const sorter = await WireClient.login({ port: world.port, role: 'sorter' })
  const answer = await sorter.query(sql)
  expect(sqlstateOf(answer)).toBe(sqlstate)
  expect(answerShowsSecret(answer)).toBe(false)
  expect(valuesOf(await sorter.query('select 7'))).toEqual(['7'])
  await sorter.close()
})

test('a COMMIT that fails on a deferred constraint does not quote the key', async () => {
  await client.query('begin')
  expect(tagsOf(await client.query('delete from customers where id = 2'))).toEqual(['DELETE 1'])
  const answer = await client.query('commit')
  expect(sqlstateOf(answer)).toBe('23503')
  expect(answerShowsSecret(answer)).toBe(false)
  await stillWorks()
})

test('nor does SET CONSTRAINTS', async () => {
  await client.query('begin')
  await client.query('delete from customers where id = 2')
  const answer = await client.query('set constraints all immediate')
  expect(sqlstateOf(answer)).toBe('23503')
  expect(answerShowsSecret(answer)).toBe(false)
  await client.query('rollback')
  await stillWorks()
})

test('a notice of a trigger says that there was one, not what', async () => {
  const answer = await client.query(`update customers set name = 'name1' where id = 1`)
  const notice = answer.find(({ type }) => type === 'N')
  expect(notice && fieldOf(notice, 'M')).toContain('withheld')
  expect(answerShowsSecret(answer)).toBe(false)
})

test('a policy change between Bind and Execute masks what is executed', async () => {
  world.setPolicy({ ...SHOP_POLICY, masks: [] })
  await client.query('begin')
  client.send(p('select ssn from customers order by id'), b('', 'late'), e('late', 1), s)
  expect(valuesOf(await client.ready())).toEqual(['SECRET-ssn-6781'])
  world.setPolicy(SHOP_POLICY)
  client.send(e('late', 1), s)
  const answer = await client.ready()
  expect(answerShowsSecret(answer)).toBe(false)
})

test('a policy change between two executions of a prepared statement masks the second', async () => {
  world.setPolicy({ ...SHOP_POLICY, masks: [] })
  client.send(p('select ssn from customers where id = 1', 'twice'), b('twice'), e(), s)
  expect(valuesOf(await client.ready())).toEqual(['SECRET-ssn-6781'])
  world.setPolicy(SHOP_POLICY)
  client.send(b('twice'), e(), s)
  expect(valuesOf(await client.ready())).toEqual(['****6781'])
})

test('recordings and the log hold what the caller saw', async () => {
  const from = world.audit.events.length
  const { recordings } = world.recordings
  await client.query('select * from customers')
  await client.query('copy customers to stdout')
  await client.extended('select ssn from customers where id = $1 and name <> $2', ['1', 'nobody'])
  await client.query('update customers set id = -1')
  await client.close()
  const events = recordings.at(-1)?.events ?? []
  const kinds = new Set(events.map(({ kind }) => kind))
  expect([...kinds]).toEqual(expect.arrayContaining(['command', 'rows', 'output']))
  for (const event of events) {
    const bytes = 'bytes' in event ? event.bytes : new Uint8Array()
    expect(showsSecret(Buffer.from(JSON.stringify({ ...event, bytes: '' })), bytes)).toBe(false)
  }
  for (const event of world.audit.events.slice(from)) {
    expect(showsSecret(Buffer.from(JSON.stringify(event)))).toBe(false)
  }
})
