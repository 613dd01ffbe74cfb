// Makes statements over a town from a seed: some rich, some with one use of one column only, so that
// no other use hides one that is missed.

import { seeded } from '../../../../random.js'
import { RELATIONS } from './lineage-town.js'

const NUMBERS = new Set(['id', 'user_id'])

interface Known {
  /** As it can be written in an expression. */
  readonly text: string
  readonly name: string
  readonly isNumber: boolean
}

interface Source {
  readonly sql: string
  readonly known: readonly Known[]
  /** Aliases whose whole row may be named. */
  readonly rows: readonly string[]
}

interface Made {
  readonly sql: string
  readonly names: readonly string[]
  readonly numbers: readonly boolean[]
}

/** Makes statements; the same seed gives the same ones. */
export class Statements {
  readonly #next: () => number
  #aliases = 0
  #ctes: { name: string; made: Made }[] = []

  constructor(seed: number) {
    this.#next = seeded(seed)
  }

  next(): string {
    this.#aliases = 0
    this.#ctes = []
    if (this.#below(5) < 2) return this.#lean()
    const kind = this.#below(20)
    if (kind < 2) return this.#insert()
    if (kind < 4) return this.#update()
    if (kind === 4) return this.#delete()
    if (kind === 5) return this.#merge()
    if (kind === 6) return `explain (costs off) ${this.#query(0).sql}`
    if (kind === 7) return `declare c cursor for ${this.#query(0).sql}`
    if (kind === 8) return `table ${this.#relation()}`
    return this.#query(0).sql
  }

  #below(count: number): number {
    return Math.floor(this.#next() * count)
  }

  #of<T>(list: readonly T[]): T {
    const item = list[this.#below(list.length)]
    if (item === undefined) throw new Error('an empty list')
    return item
  }

  #alias(letter: string): string {
    this.#aliases += 1
    return `${letter}${String(this.#aliases)}`
  }

  #relation(): string {
    return this.#of(Object.keys(RELATIONS))
  }

  /** One use of one column and nothing else, so that no other use hides a use that is missed. */
  #lean(): string {
    const [key, column, from] = this.#leanSource()
    const [otherKey, other, others] = this.#leanSource()
    const text = `${column}::text`
    const split = `string_to_array(${text}, 'a')`
    return this.#of([
      `select ${key} from ${from} where ${column}::text > 'f'`,
      `select ${key} from ${from} where left(${text}, 1) in (select chr(n) from generate_series(97, 103) n)`,
      `select ${key} from ${from} where ${text} > any (select 'f')`,
      `select ${key} from ${from} where ${text} <= all (select ${other}::text from ${others})`,
      `select ${key}, exists (select from ${others} where ${otherKey} = 1) from ${from} order by ${column}`,
      `select ${key} from ${from} order by ${column} limit 2`,
      `select ${key}, ${column} from ${from} order by 2`,
      `select ${key}, ${column} as z from ${from} order by z desc`,
      `select ${key}, ${column} as z from ${from} order by lower(${text})`,
      `select distinct ${column} from ${from}`,
      `select distinct on (${column}) ${key} from ${from}`,
      `select distinct on (z) ${key}, ${column} as z from ${from}`,
      `select count(*) from ${from} group by ${column}`,
      `select ${column}, count(*) from ${from} group by 1`,
      `select ${column} as z, count(*) from ${from} group by z`,
      `select count(*) from ${from} group by grouping sets ((${column}), ())`,
      `select count(*) from ${from} having max(${text}) > 'n'`,
      `select count(*) filter (where ${text} > 'f') from ${from}`,
      `select ${key}, rank() over (order by ${column}) from ${from} order by 1`,
      `select ${key}, rank() over w from ${from} window w as (order by ${column}) order by 1`,
      `select string_agg(${key}::text, ',' order by ${column}) from ${from}`,
      `select max(${text}) from ${from}`,
      `select a.k, b.k from (select ${key} as k, ${column} as z from ${from}) a join (select ${otherKey} as k, ${other} as z from ${others}) b on a.z::text > b.z::text`,
      `select count(*) from (select ${column} as z from ${from}) a join (select ${column} as z from ${from}) b using (z)`,
      `select count(*) from (select ${column} as z from ${from}) a natural left join (select ${column} as z from ${from}) b`,
      `select count(*) from ${from}, unnest(${split}) p`,
      `select count(*) from (select unnest(${split}) from ${from}) q`,
      `with q as (select unnest(${split}) from ${from}) select count(*) from q`,
      `select exists (select unnest(${split}) from ${from} offset 9)`,
      `select ${key} from ${from} limit (select count(*) from ${others} where ${other}::text > 'f')`,
      `select ${key}::text from ${from} union select ${other}::text from ${others}`,
      `select count(*) from (select ${column}::text from ${from} union select ${other}::text from ${others}) q`,
      `select count(*) from (select ${column}::text from ${from} intersect all select ${other}::text from ${others}) q`,
      `select array(select ${column} from ${from})`,
      `select ${key} from ${from}`,
      `update sink set other = 'x' from (select ${key} as k, ${column} as z from ${from}) q where sink.id = q.k and q.z::text > 'f' returning sink.id`,
      `delete from sink using (select ${key} as k, ${column} as z from ${from}) q where sink.id = q.k and q.z::text > 'f' returning id`,
      `merge into sink s using (select ${key} as k, ${column} as z from ${from}) q on s.id = q.k when matched and q.z::text > 'f' then delete returning s.id`,
      `insert into sink (id, label) select ${key} + 3, ${text} from ${from} on conflict (id) do update set label = 'l' where excluded.label > 'f' returning id`,
    ])
  }

  /** A key that is no secret, any column, and where they are. */
  #leanSource(): readonly [key: string, column: string, from: string] {
    const name = this.#relation()
    const columns = RELATIONS[name] ?? []
    const column = this.#of(columns)
    const alias = this.#alias('s')
    const inner = `select id, ${column} as x from ${name}`
    return this.#of([
      [`${alias}.id`, `${alias}.${column}`, `${name} ${alias}`],
      [`${alias}.id`, `(${alias}).${column}`, `${name} ${alias}`],
      [`${alias}.id`, `${alias}.x`, `(${inner}) ${alias}`],
      [`${alias}.k`, `${alias}.v`, `(${inner}) ${alias} (k, v)`],
      [`${alias}.id`, `${alias}.x`, `lateral (with w as (${inner}) select * from w) ${alias}`],
      [
        `${alias}.k`,
        `${alias}.v`,
        `(with recursive r (k, v, o) as (select id, ${column}::text, 'c' from ${name} union all ` +
          `select k + 10, o, v from r where k < 10) select k, ${this.#of(['v', 'o as v'])} from r) ${alias}`,
      ],
    ] as const)
  }

  /** A SELECT with all that may stand around it. */
  #query(depth: number, outer: readonly Known[] = []): Made {
    const outerCtes = this.#ctes
    const clause = depth < 2 && this.#below(5) === 0 ? this.#with(depth) : ''
    const body = this.#below(8) === 0 && depth < 3 ? this.#union(depth) : this.#select(depth, outer)
    this.#ctes = outerCtes
    return { ...body, sql: `${clause}${body.sql}` }
  }

  #with(depth: number): string {
    const name = this.#alias('w')
    if (this.#below(3) === 0) {
      const [table, value] = this.#of([
        ['users', 'ssn'],
        ['people', 'pin'],
        ['users', 'name'],
        ['events', 'what'],
      ] as const)
      const step = this.#of(['v', 'upper(v)', `(select max(${value}) from ${table})`, `'x'`])
      const sql =
        `with recursive ${name} (n, v, o) as (select id, ${value}, 'c'::text from ${table} where id < 4 ` +
        `union all select n + 1, ${step}, ${this.#of(['o', 'v'])} from ${name} where n < 5) `
      this.#ctes = [
        ...this.#ctes,
        { name, made: { sql, names: ['n', 'v', 'o'], numbers: [true, false, false] } },
      ]
      return sql
    }
    const made = this.#below(4) === 0 ? this.#returning() : this.#query(depth + 1)
    const renames = this.#below(3) === 0 && made.names.length > 0
    const names = renames ? made.names.map((_, at) => `r${String(at)}`) : made.names
    const list = renames ? ` (${names.join(', ')})` : ''
    this.#ctes = [...this.#ctes, { name, made: { ...made, names } }]
    return `with ${name}${list} as ${this.#of(['', 'materialized '])}(${made.sql}) `
  }

  #returning(): Made {
    return this.#of<() => Made>([
      () => ({
        sql: `update users set name = 'n' where id < 3 returning id, ssn`,
        ...{ names: ['id', 'ssn'], numbers: [true, false] },
      }),
      () => ({
        sql: 'delete from people where id = 1 returning label, pin',
        ...{ names: ['label', 'pin'], numbers: [false, false] },
      }),
    ])()
  }

  #union(depth: number): Made {
    const arm = () => {
      const from = this.#from(depth + 1, [])
      return `select ${this.#text(from, depth + 1)}, ${this.#text(from, depth + 1)} from ${from.sql}`
    }
    const operator = this.#of(['union all', 'union', 'intersect', 'except'])
    const sort = this.#of(['', ' order by 1', ' order by 2, 1', ' limit 3'])
    const sql = `${arm()} ${operator} ${arm()}${sort}`
    return { sql, names: [], numbers: [false, false] }
  }

  #select(depth: number, outer: readonly Known[]): Made {
    const from = this.#from(depth, outer)
    const items: string[] = []
    const names: string[] = []
    const numbers: boolean[] = []
    const add = (sql: string, name: string, isNumber: boolean, alias: boolean) => {
      items.push(alias ? `${sql} as ${name}` : sql)
      names.push(name)
      numbers.push(isNumber)
    }
    const count = 1 + this.#below(3)
    for (let at = 0; at < count; at += 1) {
      const name = this.#alias('c')
      const kind = this.#below(12)
      const column = this.#of(from.known)
      if (kind < 6) add(column.text, column.name, column.isNumber, false)
      else if (kind === 6) add(column.text, name, column.isNumber, true)
      else add(this.#text(from, depth), name, false, true)
    }
    const shape = this.#below(10)
    if (shape === 0 && depth < 3) return this.#starred(from)
    if (shape === 1) return this.#grouped(from, depth)
    const where = this.#where(from, depth)
    const distinct = this.#below(10) === 0 ? 'distinct ' : ''
    const sort = distinct === '' ? this.#sort(from, items.length, names, depth) : ''
    return {
      sql: `select ${distinct}${items.join(', ')} from ${from.sql}${where}${sort}`,
      names,
      numbers,
    }
  }

  #starred(from: Source): Made {
    const row = from.rows.length > 0 && this.#below(2) === 0 ? this.#of(from.rows) : undefined
    const star = row === undefined ? '*' : this.#of([`${row}.*`, `(${row}).*`])
    return { sql: `select ${star} from ${from.sql}`, names: [], numbers: [] }
  }

  #grouped(from: Source, depth: number): Made {
    const key = this.#of(from.known)
    const sums = this.#of(['count(*)', `max(${this.#of(from.known).text})`, `min(${key.text})`])
    const having = this.#of([
      '',
      ` having count(*) > 0`,
      ` having max(${this.#text(from, depth)}) > 'a'`,
    ])
    const order = this.#of([' order by 1', ' order by 2, 1', ''])
    return {
      sql: `select ${key.text} as k, ${sums} as s from ${from.sql} group by ${this.#of([key.text, '1', 'k'])}${having}${order}`,
      names: ['k', 's'],
      numbers: [key.isNumber, false],
    }
  }

  #where(from: Source, depth: number): string {
    const value = () => this.#text(from, depth + 1)
    const column = this.#of(from.known)
    return this.#of([
      () => '',
      () => '',
      () => '',
      () => ` where ${column.text} is not null`,
      () => ` where ${value()} > 'a'`,
      () => ` where exists (select ${value()} from ${this.#relation()} limit 1)`,
      () => ` where ${value()} in (select ${this.#of(['ssn', 'name'])} from users)`,
      () => ` where (select count(*) from ${this.#from(2, from.known).sql}) > 0`,
    ])()
  }

  #sort(from: Source, count: number, names: readonly string[], depth: number): string {
    const by = this.#of([
      () => String(1 + this.#below(count)),
      () => this.#of(from.known).text,
      () => this.#of(names),
      () => this.#text(from, depth + 1),
    ])
    return this.#of([
      () => '',
      () => ` order by ${by()}`,
      () => ` order by ${by()} limit 2`,
      () => ' limit 3',
    ])()
  }

  /** An expression of type text. */
  #text(from: Source, depth: number): string {
    const column = this.#of(from.known)
    const text = column.isNumber ? `${column.text}::text` : column.text
    const inner = () => (depth > 2 ? text : this.#text(from, depth + 1))
    const scalar = () => {
      const source = this.#from(3, from.known)
      return this.#text({ ...source, known: [...source.known, this.#of(from.known)] }, 3)
    }
    const row = () => (from.rows.length === 0 ? text : this.#of(from.rows))
    return this.#of([
      () => text,
      () => `'fixed'`,
      () => `upper(${inner()})`,
      () => `(${inner()} || ${inner()})`,
      () => `coalesce(${inner()}, ${inner()})`,
      () => `case when ${inner()} > 'a' then ${inner()} else 'none' end`,
      () => `substring(${inner()}, 1, 9)`,
      () => `(${inner()} collate "C")`,
      () => `encode(convert_to(${inner()}, 'UTF8'), 'hex')`,
      () => `(select ${scalar()} from ${this.#relation()} limit 1)`,
      () => `(select max(${this.#of(['ssn', 'name'])}) from users where id > 2)`,
      () => `array_to_string(array(select ${this.#of(['pin', 'label'])} from people), ',')`,
      () => `row_to_json(${row()})::text`,
      () => `(${row()})::text`,
      () => `(${inner()})::varchar`,
      () => `first_value(${text}) over (order by ${column.text})`,
      () => `nullif(${inner()}, 'x')`,
    ])()
  }

  /** FROM with one or two items; `outer` is in sight for LATERAL only within expressions. */
  #from(depth: number, outer: readonly Known[]): Source {
    const first = this.#item(depth, [])
    if (this.#below(3) > 0 || depth > 2) return withOuter(first, outer, this.#below(6))
    if (this.#below(2) === 0) return withOuter(this.#joined(first, this.#item(depth, [])), outer, 1)
    const second = this.#item(depth, first.known)
    return {
      sql: `${first.sql}, ${second.sql}`,
      known: [...first.known, ...second.known],
      rows: [...first.rows, ...second.rows],
    }
  }

  #joined(left: Source, right: Source): Source {
    const type = this.#of(['join', 'left join', 'right join', 'full join'])
    const merges = [left, right].every(
      ({ known }) => known.filter(({ name }) => name === 'id').length === 1,
    )
    const rows = [...left.rows, ...right.rows]
    const known = [...left.known, ...right.known]
    if (merges && this.#below(3) > 0) {
      const alias = this.#below(3) === 0 ? this.#alias('j') : ''
      const merged = { text: 'id', name: 'id', isNumber: true }
      if (this.#below(4) === 0)
        return {
          sql: `(${left.sql} ${type} ${right.sql} using (id)) as ${alias || 'jj'}`,
          known: [{ ...merged, text: `${alias || 'jj'}.id` }],
          rows: [alias || 'jj'],
        }
      const as = alias === '' ? '' : ` as ${alias}`
      return {
        sql: `${left.sql} ${type} ${right.sql} using (id)${as}`,
        known: [merged, ...known],
        rows,
      }
    }
    const on = this.#of([
      'true',
      `${this.#of(left.known).text}::text = ${this.#of(right.known).text}::text`,
    ])
    const kind = type === 'full join' && on === 'true' ? 'join' : type
    return { sql: `${left.sql} ${kind} ${right.sql} on ${on}`, known, rows }
  }

  #item(depth: number, before: readonly Known[]): Source {
    const kind = this.#below(depth > 2 ? 5 : 12)
    const alias = this.#alias('t')
    if (kind < 4 || (kind < 6 && this.#ctes.length === 0)) return this.#table(alias)
    if (kind < 6) {
      const cte = this.#ctes.length === 0 ? undefined : this.#of(this.#ctes)
      if (cte === undefined || cte.made.names.length === 0) return this.#table(alias)
      return { sql: `${cte.name} ${alias}`, known: known(alias, cte.made), rows: [alias] }
    }
    if (kind === 6 && before.length > 0) {
      const split = `unnest(string_to_array(${this.#of(before).text}::text, '${this.#of(['a', 'm', '1'])}'))`
      return {
        sql: `${split} as ${alias} (part)`,
        known: [plain(`${alias}.part`, 'part')],
        rows: [],
      }
    }
    if (kind === 7 && before.length > 0) {
      const column = this.#of(before)
      const value = this.#of([column.text, `upper(${column.text}::text)`])
      const sql = `lateral (${this.#of(['select', 'values'])} (${value})) ${alias} (lat)`
      return { sql, known: [{ ...column, text: `${alias}.lat`, name: 'lat' }], rows: [alias] }
    }
    if (kind === 8)
      return {
        sql: `generate_series(1, 2) with ordinality as ${alias} (g, o)`,
        known: [{ text: `${alias}.g`, name: 'g', isNumber: true }],
        rows: [],
      }
    if (kind === 9)
      return {
        sql: `(values ('a', 1), ('b', 2)) ${alias} (v, id)`,
        known: [plain(`${alias}.v`, 'v'), { text: `${alias}.id`, name: 'id', isNumber: true }],
        rows: [alias],
      }
    const made = this.#query(depth + 1)
    if (made.names.length === 0) return this.#table(alias)
    return { sql: `(${made.sql}) ${alias}`, known: known(alias, made), rows: [alias] }
  }

  #table(alias: string): Source {
    const name = this.#relation()
    const columns = RELATIONS[name] ?? []
    const only = name === 'people' && this.#below(3) === 0 ? 'only ' : ''
    const renames = this.#below(6) === 0
    const names = columns.map((column, at) => (renames && at < 2 ? `z${String(at)}` : column))
    const list = renames ? ` (${names.slice(0, 2).join(', ')})` : ''
    const bare = this.#below(4) === 0
    return {
      sql: `${only}${name} ${alias}${list}`,
      known: names.map((column, at) => ({
        text: bare && !columns.includes(column) ? column : `${alias}.${column}`,
        name: column,
        isNumber: NUMBERS.has(columns[at] ?? ''),
      })),
      rows: [alias],
    }
  }

  #insert(): string {
    const source = this.#of([
      `select id + 10, name from users`,
      `select id + 10, ssn from users`,
      `select id, label from people`,
      `values (3, 'v'), (30, 'w')`,
    ])
    const conflict = this.#of([
      '',
      ' on conflict do nothing',
      ' on conflict (id) do update set label = excluded.label',
      ` on conflict (id) do update set other = sink.other || 'x' where excluded.label > 'a'`,
    ])
    return `insert into sink (id, label) ${source}${conflict} ${this.#shown('sink', [])}`
  }

  #update(): string {
    const value = this.#of([`'x'`, 'u.name', 'u.ssn', 'sink.other', 'upper(u.ssn)'])
    const where = this.#of(['sink.id = u.id', `u.ssn > 'm' and sink.id = u.id`])
    return `update sink set label = ${value} from users u where ${where} ${this.#shown('sink', ['u'])}`
  }

  #delete(): string {
    return this.#of([
      `delete from users where id < 3 ${this.#shown('users', [])}`,
      `delete from people p using users u where u.id = p.id ${this.#shown('p', ['u'])}`,
      `update plain set label = 'n' ${this.#shown('plain', [])}`,
    ])
  }

  #merge(): string {
    const action = this.#of(['u.name', 'u.ssn', `'x'`])
    return (
      `merge into sink s using users u on s.id = u.id when matched then update set label = ${action} ` +
      `returning ${this.#of(['*', 's.label', 'u.name, u.ssn', 'merge_action(), s.id'])}`
    )
  }

  #shown(target: string, others: readonly string[]): string {
    const name = this.#of([target, ...others])
    return this.#of([
      '',
      'returning *',
      `returning ${name}.*`,
      `returning ${name}.id, ${name}`,
      `returning old.*, new.id`,
    ])
  }
}

const plain = (text: string, name: string): Known => ({ text, name, isNumber: false })

const known = (alias: string, { names, numbers }: Made): Known[] =>
  names.map((name, at) => ({ text: `${alias}.${name}`, name, isNumber: numbers[at] === true }))

/** Now and then columns of the query around are in sight as well. */
const withOuter = (source: Source, outer: readonly Known[], chance: number): Source =>
  chance === 0 && outer.length > 0 ? { ...source, known: [...source.known, ...outer] } : source
