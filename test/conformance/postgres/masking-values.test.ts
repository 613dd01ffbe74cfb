// What detectors find in values of any column, wherever they come out; and what changes at the target
// between judging and running. Masks by column are in masking.test.ts.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import { answerShowsSecret, ASKED, copiedOf, rowsOf, SHOP, SHOP_POLICY } from './masking-shop.js'
import {
  fieldOf,
  q,
  sqlstateOf,
  startup,
  valuesOf,
  WireClient,
  type Message,
} from './wire-client.js'

const CARD = '4111111111111111'
const EMAIL = 'ann.example@shop.example.com'
const JWT = [
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9',
  'eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4ifQ',
  'SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c',
].join('.')
const KEY = 'AKIAIOSFODNN7EXAMPLE'
const IBAN = 'DE89370400440532013000'
const FINDS = [
  ['a card', CARD],
  ['a card with spaces', '4111 1111 1111 1111'],
  ['an e-mail address', EMAIL],
  ['a JWT', JWT],
  ['an access key', KEY],
  ['an IBAN', IBAN],
] as const

const LETTERS = `
create table letters (id int primary key, body text unique, doc jsonb, plain json, tags text[], big bigint, much numeric);
${FINDS.map(([, value], at) => `insert into letters values (${String(at)}, 'it is ${value} here', '{"a": ["${value}"]}', '{"b": "${value}"}', array['x', '${value}']);`).join('\n')}
insert into letters (id, big, much) values (50, ${CARD}, ${CARD});
create table clean (id int, body text, doc jsonb, tags text[], at timestamptz);
insert into clean select n, 'order ' || n || ' of day 2024-01-15', '{"n": [1, 2]}', array['a', 'b,c'], '2024-01-15' from generate_series(1, 200) n;
create function shout() returns trigger language plpgsql as $$ begin
  raise notice 'it says %', new.body; return new; end $$;
create trigger shouts before update on letters for each row execute function shout();
`

let world: PostgresWorld
let boss: WireClient

beforeAll(async () => {
  world = await startPostgresWorld({ schema: SHOP + LETTERS, policy: SHOP_POLICY })
})
beforeEach(async () => {
  boss = await WireClient.login({ port: world.port, role: 'boss' })
})
afterEach(() => boss.close())
afterAll(() => world.stop())

const textOf = (messages: readonly Message[]): string =>
  messages.map(({ body }) => body.toString('latin1')).join('\n')
const shows = (messages: readonly Message[], value: string): boolean =>
  textOf(messages).includes(value)

test.each(FINDS)('%s is replaced in texts, JSON and arrays, in both formats', async (_, value) => {
  const at = String(FINDS.findIndex(([, one]) => one === value))
  for (const column of ['body', 'doc', 'plain', 'tags', 'l', `'so: ' || body`]) {
    for (const [how, ask] of ASKED) {
      const answer = await ask(boss, `select ${column} from letters l where id = ${at}`)
      expect(sqlstateOf(answer), `${column} ${how}`).toBeUndefined()
      expect(rowsOf(answer).length, `${column} ${how}`).toBe(1)
      expect(shows(answer, value), `${column} ${how}`).toBe(false)
      expect(shows(answer, value.toUpperCase()), `${column} ${how}`).toBe(false)
    }
  }
})

test.each(FINDS)('of a text with %s the rest stays', async (_, value) => {
  const at = String(FINDS.findIndex(([, one]) => one === value))
  expect(valuesOf(await boss.query(`select body from letters where id = ${at}`))).toEqual([
    'it is [redacted] here',
  ])
})

test('a card that is a number becomes NULL', async () => {
  for (const [how, ask] of ASKED) {
    const answer = await ask(boss, 'select big, much from letters where id = 50')
    expect(rowsOf(answer), how).toEqual([[null, null]])
  }
})

test.each(['', ' (format csv)', ' (format csv, header)'])(
  'COPY%s loses what is found',
  async (option) => {
    const answer = await boss.query(`copy letters (id, body, doc, tags) to stdout${option}`)
    expect(copiedOf(answer)).toContain('it is [redacted] here')
    for (const [, value] of FINDS) expect(shows(answer, value)).toBe(false)
  },
)

test('clean rows pass byte for byte', async () => {
  const [{ name } = {}] = await world.admin('select current_database() as name')
  const target = new WireClient(world.cluster.port)
  target.send(startup({ user: 'warder', database: String(name) }))
  await target.until((type) => type === 'Z')
  for (const sql of ['select * from clean order by id', 'select doc, tags, at, body from clean']) {
    for (const [how, ask] of ASKED) {
      const [through, direct] = [await ask(boss, sql), await ask(target, sql)]
      const bytesOf = (messages: readonly Message[]) =>
        Buffer.concat(messages.filter(({ type }) => type === 'D').map(({ body }) => body))
      expect(rowsOf(through).length, how).toBe(200)
      expect(bytesOf(through).equals(bytesOf(direct)), how).toBe(true)
    }
  }
  const copied = copiedOf(await boss.query('copy clean to stdout (format csv, header)'))
  expect(copied).toBe(copiedOf(await target.query('copy clean to stdout (format csv, header)')))
  await target.close()
})

test('an error that quotes what is found is told without it', async () => {
  const answer = await boss.query(
    `insert into letters (id, body) values (90, 'it is ${EMAIL} here')`,
  )
  expect(sqlstateOf(answer)).toBe('23505')
  expect(shows(answer, EMAIL)).toBe(false)
  const cast = await boss.query('select body::int from letters where id = 2')
  expect(sqlstateOf(cast)).toBe('22P02')
  expect(shows(cast, EMAIL)).toBe(false)
  expect(valuesOf(await boss.query('select 7'))).toEqual(['7'])
})

test('a notice loses what is found', async () => {
  const answer = await boss.query('update letters set id = id where id = 0')
  const notice = answer.find(({ type }) => type === 'N')
  expect(notice && fieldOf(notice, 'M')).toBe('it says it is [redacted] here')
})

test('a notification loses what is found', async () => {
  await boss.query('listen news')
  await world.admin(`notify news, 'card ${CARD} came'`)
  const messages = await boss.until((type) => type === 'A')
  expect(textOf(messages)).toContain('card [redacted] came')
  expect(shows(messages, CARD)).toBe(false)
})

test('recordings lose what is found in texts, parameters and rows', async () => {
  await boss.query(`select 'text ${CARD}', body from letters`)
  await boss.extended('select $1::text, 2', [`parameter ${CARD}`])
  await boss.close()
  const events = world.recordings.recordings.at(-1)?.events ?? []
  expect(events.filter(({ kind }) => kind === 'rows').length).toBe(2)
  for (const event of events) {
    const bytes = 'bytes' in event ? Buffer.from(event.bytes).toString('latin1') : ''
    expect(bytes + JSON.stringify({ ...event, bytes: '' })).not.toContain(CARD)
    expect(bytes).not.toContain(EMAIL)
  }
})

/** Resolves once somebody waits for a lock. */
async function somebodyWaits(): Promise<void> {
  for (;;) {
    const rows = await world.admin('select 1 from pg_locks where not granted')
    if (rows.length > 0) return
  }
}

const SWAPS = [
  [
    'a table recreated',
    'tab1',
    'create table tab1 (id int, body text)',
    'create table tab1 (id int, body text); insert into tab1 select 1, ssn from customers',
    'table',
  ],
  [
    'a table become a view',
    'tab2',
    'create table tab2 (id int, body text)',
    'create view tab2 as select id, ssn as body from customers',
    'table',
  ],
  [
    'a view recreated',
    'view1',
    'create view view1 as select id, name as body from customers',
    'create view view1 as select id, ssn as body from customers',
    'view',
  ],
  [
    'a table that got a column before',
    'tab3',
    'create table tab3 (id int, body text)',
    'create table tab3 (body text, id int); insert into tab3 select ssn, 1 from customers',
    'table',
  ],
] as const

test.each(SWAPS)(
  '%s by another session shows no value while its judgement is remembered',
  async (_, name, before, after, kind) => {
    await world.admin(before)
    const clerk = await WireClient.login({ port: world.port, role: 'clerk' })
    const sql = `select body from ${name}`
    await clerk.query(sql)
    await world.admin(`drop ${kind} ${name}; ${after}`)
    const answer = await clerk.query(sql)
    expect(answerShowsSecret(answer)).toBe(false)
    const error = answer.find(({ type }) => type === 'E')
    expect(error && fieldOf(error, 'M')).toContain('The result was withheld')
    expect(await clerk.next()).toBeUndefined()
    await clerk.close()
  },
)

test('a table recreated while the statement waits for it shows no value', async () => {
  await world.admin('create table late (id int, body text)')
  const clerk = await WireClient.login({ port: world.port, role: 'clerk' })
  await clerk.query('select body from late')
  await world.admin(
    'begin; drop table late; create table late (id int, body text); insert into late select 1, ssn from customers',
  )
  clerk.send(q('select body from late'))
  await somebodyWaits()
  await world.admin('commit')
  const answer = await clerk.until((type) => type === 'Z')
  expect(answerShowsSecret(answer)).toBe(false)
  expect(
    fieldOf(answer.find(({ type }) => type === 'E') ?? { type: '', body: Buffer.alloc(0) }, 'M'),
  ).toContain('withheld')
  await clerk.close()
})

// In place, nothing that the target tells about a result changes: until its judgement is too old
// (LIMITS.viewAgeMsMax) only another text finds out.
test('a view replaced in place by another session is masked once it is judged again', async () => {
  await world.admin('create view view2 as select id, name as body from customers')
  const clerk = await WireClient.login({ port: world.port, role: 'clerk' })
  expect(valuesOf(await clerk.query('select body from view2 where id = 1'))).toEqual(['name1'])
  await world.admin('create or replace view view2 as select id, ssn as body from customers')
  const answer = await clerk.query('select body from view2 as again where id = 1')
  expect(valuesOf(answer)).toEqual(['****6781'])
  await clerk.close()
})

test('a view replaced in place through the gateway is masked at once', async () => {
  const clerk = await WireClient.login({ port: world.port, role: 'clerk' })
  await boss.query('create view view3 as select id, name as body from customers')
  expect(valuesOf(await clerk.query('select body from view3 where id = 1'))).toEqual(['name1'])
  await boss.query('create or replace view view3 as select id, ssn as body from customers')
  expect(valuesOf(await clerk.query('select body from view3 where id = 1'))).toEqual(['****6781'])
  await clerk.close()
})

test('a view replaced through the gateway is masked at once for a session with names of its own', async () => {
  const clerk = await WireClient.login({ port: world.port, role: 'clerk' })
  await boss.query('create view view4 as select id, name as body from customers')
  await clerk.query('create table own (a int)')
  expect(valuesOf(await clerk.query('select body from view4 where id = 1'))).toEqual(['name1'])
  await boss.query('create or replace view view4 as select id, ssn as body from customers')
  expect(valuesOf(await clerk.query('select body from view4 where id = 1'))).toEqual(['****6781'])
  await clerk.close()
})

test('a column generated from a masked one is masked like it, and not by its last characters', async () => {
  const made = 'big text generated always as (upper(ssn)) stored'
  await world.admin(`create table made (id int, ssn text, name text, ${made})`)
  await world.admin("insert into made values (1, '123-45-6789', 'ann')")
  const masks = [...(SHOP_POLICY.masks ?? []), '{ columns: [db/public.made.ssn], how: last4 }']
  world.setPolicy({ ...SHOP_POLICY, masks })
  const clerk = await WireClient.login({ port: world.port, role: 'clerk' })
  expect(valuesOf(await clerk.query('select big from made'))).toEqual(['[redacted]'])
  expect(valuesOf(await clerk.query('select name from made'))).toEqual(['ann'])
  for (const refused of ["select 1 from made where big like '1%'", 'select lower(big) from made'])
    expect(textOf(await clerk.query(refused)), refused).toContain('is not allowed')
  await clerk.close()
  world.setPolicy(SHOP_POLICY)
})

test('a masked column renamed by another session is not shown under its new name', async () => {
  await world.admin(
    'create table named (id int, ssn text, body text); insert into named select id, ssn, name from customers',
  )
  const masks = [...(SHOP_POLICY.masks ?? []), '{ columns: [db/public.named.ssn], how: redact }']
  world.setPolicy({ ...SHOP_POLICY, masks })
  const clerk = await WireClient.login({ port: world.port, role: 'clerk' })
  expect(valuesOf(await clerk.query('select body from named where id = 1'))).toEqual(['name1'])
  await world.admin('alter table named rename body to other; alter table named rename ssn to body')
  expect(answerShowsSecret(await clerk.query('select body from named where id = 1'))).toBe(false)
  await clerk.close()
  world.setPolicy(SHOP_POLICY)
})
