// A database in which every masked cell holds a value that stands nowhere else, and the policy that
// masks them. Other cells hold plain words.

import type { ExtraPolicy } from '../../postgres-world.js'
import type { Token } from './canary-search.js'

const ROWS = 12
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** What a column holds, as far as expressions care. */
export type ColumnKind = 'text' | 'number' | 'time' | 'json' | 'array' | 'bytes' | 'uuid'

/** A column as statements may name it. */
export interface TownColumn {
  readonly name: string
  readonly kind: ColumnKind
  readonly isMasked: boolean
}

const columnOf = (word: string): TownColumn => {
  const [, name = '', kind = 'text', star] = /^(\w+)(?::(\w+))?(\*)?$/.exec(word) ?? []
  return { name, kind: kind as ColumnKind, isMasked: star === '*' }
}

const columns = (words: string): readonly TownColumn[] => words.split(' ').map(columnOf)

/** What can be read. A star marks what is masked, or made from it. */
export const RELATIONS: ReadonlyMap<string, readonly TownColumn[]> = new Map(
  Object.entries({
    customers:
      'id:number name city ssn* card* email* token* note* pin:number* born:time* doc:json* tags:array* raw:bytes* ref:uuid*',
    orders: 'id:number customer_id:number label total:number card* at:time info:json',
    people: 'id:number label code*',
    staff: 'id:number label code* extra',
    events: 'id:number what secret*',
    events_1: 'id:number what secret*',
    events_2: 'what secret* id:number',
    plain_v: 'id:number label number*',
    computed_v: 'id:number label mixed* fixed',
    joined_v: 'id:number a* label b*',
    union_v: 'id:number label any_of*',
    above_v: 'label moved* id:number',
    kept: 'id:number label copy*',
    sink: 'id:number label other',
  }).map(([name, words]) => [name, columns(words)]),
)

const SCHEMA = `
create table customers (id int primary key check (id > 0), name text not null, city text, ssn text,
  card text unique, email text, token text, note text, pin numeric, born timestamptz, doc jsonb,
  tags text[], raw bytea, ref uuid);
create unique index on customers (lower(email));
create table orders (id int primary key, customer_id int references customers, label text, total numeric,
  card text references customers (card) deferrable initially deferred, at timestamptz default '2020-01-01',
  info jsonb default '{"a": [1, "b"]}');
create table people (id int, label text, code text);
create table staff (extra text) inherits (people);
create table events (id int, what text, secret text) partition by range (id);
create table events_1 partition of events for values from (0) to (6);
create table events_2 (what text, secret text, id int);
alter table events attach partition events_2 for values from (6) to (99);
create table sink (id int primary key, label text, other text default 'o');
create view plain_v as select id, name as label, ssn as number from customers;
create view computed_v as select id, name as label, reverse(ssn) || md5(id::text) as mixed, 'x'::text as fixed from customers;
create view joined_v as select c.id, c.ssn as a, o.label, p.code as b from customers c
  join orders o on o.customer_id = c.id join people p on p.id = c.id;
create view union_v (id, label, any_of) as
  select id, name, token from customers union all select id, label, code from people;
create view above_v as select v.label, v.number as moved, v.id from plain_v v;
create function tell() returns trigger language plpgsql as $$ begin
  raise notice 'changed % to %', old.ssn, new.note; return new; end $$;
create trigger tells before update on customers for each row execute function tell();
`

/** Everything of a town: SQL that makes it, and what must not be seen of it. */
export interface Town {
  readonly sql: string
  readonly tokens: readonly Token[]
}

/** Makes tokens from a generator of chance. */
class Mint {
  readonly tokens: Token[] = []
  readonly #next: () => number

  constructor(next: () => number) {
    this.#next = next
  }

  #below = (count: number): number => Math.floor(this.#next() * count)
  #of = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet[this.#below(alphabet.length)]).join('')

  #keep(text: string, binary?: Buffer): string {
    this.tokens.push(binary === undefined ? { text } : { text, binary })
    return text
  }

  word(): string {
    return this.#keep(this.#of(ALPHABET, 24))
  }

  /** Sixteen digits; as numeric in binary, four groups of four. */
  digits(): string {
    const text = `${String(1 + this.#below(9))}${this.#of('0123456789', 14)}7`
    const binary = Buffer.alloc(8)
    for (let at = 0; at < 4; at += 1) {
      binary.writeUInt16BE(Number(text.slice(4 * at, 4 * at + 4)), 2 * at)
    }
    return this.#keep(text, binary)
  }

  /** A time to the microsecond, far from now, as PostgreSQL writes it in UTC. */
  time(): string {
    const two = (count: number) => String(this.#below(count)).padStart(2, '0')
    const date = `${String(3000 + this.#below(5000))}-1${String(this.#below(3))}-2${String(this.#below(9))}`
    const hours = `1${String(this.#below(10))}:${two(60)}:${two(60)}`
    const micros = `${this.#of('0123456789', 5)}3`
    const binary = Buffer.alloc(8)
    const ms = BigInt(Date.parse(`${date}T${hours}Z`) - Date.UTC(2000, 0, 1))
    binary.writeBigInt64BE(ms * 1000n + BigInt(micros))
    return this.#keep(`${date} ${hours}.${micros}`, binary)
  }

  uuid(): string {
    const hex = this.#of('0123456789abcdef', 32)
    const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)]
    return this.#keep([...parts, hex.slice(20)].join('-'), Buffer.from(hex, 'hex'))
  }
}

/** A town whose tokens come from `next`. */
export function town(next: () => number): Town {
  const mint = new Mint(next)
  const rows: string[] = []
  for (let n = 1; n <= ROWS; n += 1) {
    const id = String(n)
    const card = mint.word()
    const cells = [mint.word(), card, `${mint.word()}@example.com`, mint.word(), mint.word()]
    const quoted = cells.map((cell) => `'${cell}'`).join(', ')
    const doc = `'{"k": "${mint.word()}", "n": [${mint.digits()}]}'`
    const tags = `array['${mint.word()}', '${mint.word()}']`
    const rest = `${mint.digits()}, '${mint.time()}+00', ${doc}, ${tags}, '${mint.word()}'::bytea, '${mint.uuid()}'`
    rows.push(
      `insert into customers values (${id}, 'name ${id}', 'town ${String(n % 3)}', ${quoted}, ${rest});`,
      `insert into orders values (${id}, ${id}, 'label ${String(n % 4)}', ${String(n * 10)}, '${card}');`,
      `insert into ${n % 3 === 0 ? 'staff' : 'people'} values (${id}, 'person ${id}', '${mint.word()}'${n % 3 === 0 ? `, 'extra ${id}'` : ''});`,
      `insert into events values (${id}, 'what ${String(n % 2)}', '${mint.word()}');`,
      `insert into sink values (${id}, 'sunk ${id}');`,
    )
  }
  const kept =
    'create materialized view kept as select id, name as label, ssn as copy from customers;'
  const sql = `set timezone to 'UTC'; ${SCHEMA} ${rows.join('\n')} ${kept} analyze;`
  return { sql, tokens: mint.tokens }
}

/** Conditions on masked columns are refused to `strict`, and allowed to `open`; `cleared` sees all. */
export const CANARY_ROLES = ['strict', 'open', 'cleared'] as const

const of = (names: string): string =>
  names
    .split(' ')
    .map((name) => `db/public.${name}`)
    .join(', ')
const BY_METHOD = {
  last4: of('customers.ssn customers.raw customers.pin people.code'),
  redact: of('customers.card customers.doc events.secret orders.card'),
  hash: of('customers.email customers.tags customers.ref'),
  null: of('customers.token customers.born'),
  'fixed, value: nothing': of('customers.note'),
}

/** The policy of the town. */
export const CANARY_POLICY: ExtraPolicy = {
  roles: CANARY_ROLES.map((name) => ({
    name,
    rules: 'allow: [{ effects: [read, write, session-control, ddl] }]',
  })),
  masks: [
    ...Object.entries(BY_METHOD).flatMap(([how, names]) => [
      `{ columns: [${names}], how: ${how}, except: [open, cleared] }`,
      `{ columns: [${names}], how: ${how}, except: [strict, cleared], conditions: allow }`,
    ]),
    '{ detect: [credit-card, email, jwt, ssn], how: redact, except: [strict, cleared] }',
  ],
}
