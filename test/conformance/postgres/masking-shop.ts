// A shop whose customers are masked, and what its tests look at: rows as they came, and anything in
// them that should not be there.

import { serialize } from 'pg-protocol'

import type { ExtraPolicy } from '../../postgres-world.js'
import { frame, p, s, type Message, type WireClient } from './wire-client.js'

/** Every masked value begins with this word, and nothing else holds it. */
const MARK = 'SECRET'

/** Customers 1 and 2, all masked columns of each; row n ends with its own four digits. */
export const SHOP = `
create table customers (id int primary key check (id > 0), name text not null, ssn text, card text unique,
  email text, token text, note text);
insert into customers select n, 'name' || n, '${MARK}-ssn-678' || n, '${MARK}-card-' || n,
  '${MARK}-email-' || n, '${MARK}-token-' || n, '${MARK}-note-' || n from generate_series(1, 2) n;
create table orders (id int primary key, customer_id int, label text,
  card text references customers (card) deferrable initially deferred);
insert into orders select n, n, 'label' || n, '${MARK}-card-' || n from generate_series(1, 2) n;
create table people (id int, ssn text);
create table staff (extra text) inherits (people);
insert into staff values (1, '${MARK}-staff-6781', 'x');
create table events (id int, hidden text) partition by range (id);
create table events_1 (hidden text, id int);
alter table events attach partition events_1 for values from (0) to (10);
insert into events values (1, '${MARK}-event-6781');
create view v as select id, name as label, ssn as number from customers;
create view over_v as select number as moved, id from v;
create view computed_v as select id, reverse(ssn) as mixed from customers;
create materialized view kept as select id, ssn as copy from customers;
create table sink (id int primary key, label text);
create function tell() returns trigger language plpgsql as $$ begin
  raise notice 'it was %', old.ssn; return new; end $$;
create trigger tells before update on customers for each row execute function tell();
`

const columns = (names: string) =>
  names
    .split(' ')
    .map((name) => `db/public.${name}`)
    .join(', ')

const COLUMNS = [
  `columns: [${columns('customers.ssn people.ssn events.hidden')}], how: last4`,
  `columns: [${columns('customers.card orders.card')}], how: redact`,
  `columns: [${columns('customers.email')}], how: hash`,
  `columns: [${columns('customers.token')}], how: null`,
  `columns: [${columns('customers.note')}], how: fixed, value: gone`,
]

/** `clerk` has the defaults, `asks` and `sorter` one thing more; `boss` sees all but cards and such. */
const ROLES = ['clerk', 'asks', 'sorter', 'boss'] as const

const rulesFor = (role: string, more: string): string[] => {
  const others = ROLES.filter((one) => one !== role).join(', ')
  return COLUMNS.map((mask) => `{ ${mask}, except: [${others}]${more} }`)
}

/** The policy of the shop. */
export const SHOP_POLICY: ExtraPolicy = {
  roles: ROLES.map((name) => ({
    name,
    rules: 'allow: [{ effects: [read, write, session-control, ddl] }]',
  })),
  masks: [
    ...rulesFor('clerk', ''),
    ...rulesFor('asks', ', derived: ask, approvers: db-owners'),
    ...rulesFor('sorter', ', conditions: allow'),
    '{ detect: [credit-card, email, jwt, aws-key, iban], how: redact, except: [clerk, asks, sorter] }',
  ],
}

/** The values of each row; null is NULL. In binary a text is what it is in text. */
export const rowsOf = (messages: readonly Message[]): (string | null)[][] =>
  messages
    .filter(({ type }) => type === 'D')
    .map(({ body }) => {
      let at = 2
      return Array.from({ length: body.readUInt16BE(0) }, () => {
        const length = body.readInt32BE(at)
        at += 4 + Math.max(0, length)
        return length < 0 ? null : body.toString('utf8', at - length, at)
      })
    })

/** The data of a COPY. */
export const copiedOf = (messages: readonly Message[]): string =>
  messages
    .filter(({ type }) => type === 'd')
    .map(({ body }) => body.toString())
    .join('')

/** True when anything in these bytes is of a masked value, forwards or backwards, or its hex. */
export function showsSecret(...parts: readonly Uint8Array[]): boolean {
  const text = parts
    .map((part) => Buffer.from(part).toString('latin1'))
    .join('\n')
    .toUpperCase()
  const forms = [MARK, Buffer.from(MARK).reverse().toString(), Buffer.from(MARK).toString('hex')]
  return forms.some((form) => text.includes(form))
}

/** True when any of these messages shows something. */
export const answerShowsSecret = (messages: readonly Message[]): boolean =>
  showsSecret(...messages.map(({ body }) => body))

/** How a statement can be sent. */
export type Ask = (client: WireClient, sql: string) => Promise<Message[]>

const bound = (format: 0 | 1): Buffer =>
  frame('B', Buffer.from([0, 0, 0, 0, 0, 0, 0, 1, 0, format]))
const described = serialize.describe({ type: 'P', name: '' })

const extended =
  (format: 0 | 1, rows = 0, isDescribed = true): Ask =>
  (client, sql) => {
    const more = rows === 0 ? [] : [serialize.execute({ rows: 0 })]
    const middle = isDescribed ? [described] : []
    client.send(p(sql), bound(format), ...middle, serialize.execute({ rows }), ...more, s)
    return client.ready()
  }

/** Every way, by name. */
export const ASKED: readonly (readonly [string, Ask])[] = [
  ['a query', (client, sql) => client.query(sql)],
  ['text, described', extended(0)],
  ['binary, described', extended(1)],
  ['text, not described', extended(0, 0, false)],
  ['binary, not described', extended(1, 0, false)],
  ['a portal, row by row', extended(0, 1)],
  [
    'a prepared statement',
    async (client, sql) => {
      client.send(p(sql, 'kept'), serialize.describe({ type: 'S', name: 'kept' }), s)
      const first = await client.ready()
      client.send(serialize.bind({ statement: 'kept' }), serialize.execute({}), s)
      const second = await client.ready()
      client.send(serialize.close({ type: 'S', name: 'kept' }), s)
      return [...first, ...second, ...(await client.ready())]
    },
  ],
]
