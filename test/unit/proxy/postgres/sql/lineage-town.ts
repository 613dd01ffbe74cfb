// A database whose secret columns hold tokens that nothing else holds. Two towns of different
// secrets tell whether a result depends on them.

/** Secret columns, by resolved name. Children and views are to be traced to these. */
export const SECRETS: ReadonlySet<string> = new Set([
  'public.users.ssn',
  'public.people.pin',
  'public.events.secret',
  // Of a child only: its parent is no secret of its own.
  'public.boxes_locked.content',
])

/** SQL for one town; another `salt` gives other secrets, in another order, to the same rows. */
export const town = (salt: string): string => `
create function token(n int) returns text language sql immutable as
  $$ select translate(md5('${salt}' || n), '0123456789', 'ghijklmnop') $$;
create table users (id int primary key, name text, ssn text, "Odd Name" text,
  upper_name text generated always as (upper(name)) stored);
insert into users select n, 'name' || n, token(n), 'odd' || n % 3 from generate_series(1, 6) n;
create table orders (id int primary key, user_id int, note text, dropped int, total text);
insert into orders select n, n % 6 + 1, 'note' || n % 2, n, 'total' || n from generate_series(1, 6) n;
alter table orders drop column dropped;
create table people (id int, label text, pin text);
create table staff (extra text) inherits (people);
create table guests () inherits (people);
insert into people select n, 'p' || n, token(100 + n) from generate_series(1, 3) n;
insert into staff select n, 's' || n, token(200 + n), 'x' || n from generate_series(4, 6) n;
insert into guests select n, 'g' || n, token(300 + n) from generate_series(7, 8) n;
create table events (id int, what text, secret text) partition by range (id);
create table events_1 partition of events for values from (0) to (4);
create table events_2 (what text, secret text, id int);
alter table events attach partition events_2 for values from (4) to (9);
-- In one town two secrets repeat, in the other three.
insert into events select n, 'w' || n % 2, token(400 + n % (length('${salt}') - 1)) from generate_series(1, 6) n;
create table boxes (id int, content text);
create table boxes_locked () inherits (boxes);
insert into boxes values (1, 'shoes'), (2, 'hats');
insert into boxes_locked select n, token(500 + n) from generate_series(3, 5) n;
create view plain as select id, name as label, ssn as number from users;
create view computes as select id, name as label, reverse(ssn) as mixed, 'x'::text as fixed from users;
create view joins as select u.id, u.ssn as a, o.note as label, p.pin as b
  from users u join orders o on o.user_id = u.id join people p on p.id = u.id;
create view filters as select id, name as label from users where ssn > 'h';
create view unions (id, label, any_of) as
  select id, name, ssn from users union all select id, label, pin from people;
create view above as select v.label, v.number as moved, v.id from plain v;
create materialized view kept as select id, name as label, ssn as copy from users;
create table sink (id int primary key, label text, other text default 'o');
insert into sink select n, 'l' || n, 'o' || n from generate_series(1, 6) n;
`

/** Relations of a town with the columns that statements use. */
export const RELATIONS: Readonly<Record<string, readonly string[]>> = {
  users: ['id', 'name', 'ssn', '"Odd Name"', 'upper_name'],
  orders: ['id', 'user_id', 'note', 'total'],
  people: ['id', 'label', 'pin'],
  staff: ['id', 'label', 'pin', 'extra'],
  guests: ['id', 'label', 'pin'],
  events: ['id', 'what', 'secret'],
  events_1: ['id', 'what', 'secret'],
  events_2: ['what', 'secret', 'id'],
  boxes: ['id', 'content'],
  boxes_locked: ['id', 'content'],
  plain: ['id', 'label', 'number'],
  computes: ['id', 'label', 'mixed', 'fixed'],
  joins: ['id', 'a', 'label', 'b'],
  filters: ['id', 'label'],
  unions: ['id', 'label', 'any_of'],
  above: ['label', 'moved', 'id'],
  kept: ['id', 'label', 'copy'],
  sink: ['id', 'label', 'other'],
}
