// Makes statements over the canary town: queries nested in queries, what writes and shows rows, and
// steps that belong together (cursors, definitions, failures). Texts never hold a token.

import { Expressions, type Known } from './canary-expressions.js'
import { failingScript, oddStatement } from './canary-scripts.js'
import { RELATIONS } from './canary-town.js'

/** How a statement is sent. */
export const WAYS = ['query', 'extended', 'binary', 'described', 'limited'] as const
export type Way = (typeof WAYS)[number]

/** One statement of a script. */
export interface Step {
  readonly sql: string
  readonly way: Way
}

interface Source {
  readonly sql: string
  readonly known: readonly Known[]
}

interface Made {
  readonly sql: string
  /** Columns by their names; undefined when they were not counted (`*`). */
  readonly columns: readonly Known[] | undefined
}

/** How freely a statement may use what is masked. */
export interface Freedom {
  /** The chance that an expression among the outputs uses masked columns. */
  readonly derived: number
  /** The same for conditions. */
  readonly conditions: number
}

/** Makes scripts; the same chance gives the same ones. */
export class CanaryStatements {
  readonly #in: Expressions
  #freedom: Freedom = { derived: 0, conditions: 0 }
  #aliases = 0
  #ctes: { name: string; columns: readonly Known[] }[] = []
  #relations: [string, readonly Known[]][] = []

  constructor(next: () => number) {
    this.#in = new Expressions(next, (outer) => this.#query(3, outer).sql)
    for (const [name, columns] of RELATIONS) {
      this.#relations.push([name, columns.map((column) => ({ ...column, text: column.name }))])
    }
  }

  /** One to four statements for one transaction. */
  next(freedom: Freedom): readonly Step[] {
    const pick = this.#in
    this.#freedom = freedom
    this.#aliases = 0
    this.#ctes = []
    const steps = pick.of<() => readonly string[]>([
      ...Array.from({ length: 18 }, () => () => [this.#limited(this.#query(0))]),
      () => [`table ${this.#relation()[0]}`],
      () => [`explain (${this.#explaining()}) ${this.#query(0).sql}`],
      () => [this.#copy()],
      () => [this.#copy()],
      () => this.#cursor(),
      () => this.#defined(),
      () => [this.#written()],
      () => [this.#written()],
      () => [this.#written()],
      () => failingScript(pick),
      () => failingScript(pick),
      () => [oddStatement(pick)],
    ])()
    const way = pick.of(WAYS)
    return steps.map((sql) => ({ sql, way: sql.includes(';') ? 'query' : way }))
  }

  #alias(letter: string): string {
    this.#aliases += 1
    return `${letter}${String(this.#aliases)}`
  }

  #relation(): [string, readonly Known[]] {
    return this.#in.of(this.#relations)
  }

  #limited({ sql }: Made): string {
    return / limit \d+$/.test(sql) ? sql : `${sql} limit 30`
  }

  #explaining(): string {
    return this.#in.of(['costs off', 'verbose', 'analyze, verbose', 'format json', 'settings'])
  }

  #isFree(chance: number): boolean {
    return this.#in.chance(chance)
  }

  /** Columns that an expression may use here. */
  #usable(known: readonly Known[], chance: number): readonly Known[] {
    if (this.#isFree(chance)) return known
    return known.filter(({ isMasked }) => !isMasked)
  }

  #output(known: readonly Known[], depth: number): string {
    const pick = this.#in
    if (pick.chance(0.15)) {
      const by = `${pick.one(this.#usable(known, this.#freedom.conditions)).text}::text`
      return pick.window(this.#usable(known, this.#freedom.derived), by)
    }
    return this.#in.any(this.#usable(known, this.#freedom.derived), depth)
  }

  #condition(known: readonly Known[], depth: number): string {
    return this.#in.bool(this.#usable(known, this.#freedom.conditions), depth)
  }

  #key(known: readonly Known[], depth: number): string {
    return this.#in.any(this.#usable(known, this.#freedom.conditions), depth)
  }

  #query(depth: number, outer: readonly Known[] = []): Made {
    const pick = this.#in
    const around = this.#ctes
    const clause = depth < 3 && pick.chance(0.18) ? this.#with(depth) : ''
    const made = pick.chance(depth < 3 ? 0.1 : 0) ? this.#union(depth) : this.#select(depth, outer)
    this.#ctes = around
    return { ...made, sql: `${clause}${made.sql}` }
  }

  #with(depth: number): string {
    const pick = this.#in
    const name = this.#alias('w')
    if (pick.chance(0.2)) {
      const [relation, known] = this.#relation()
      const text = pick.text(this.#usable(known, this.#freedom.derived), 2)
      const step = pick.of(['v', 'upper(v)', `v || 'x'`, `(select max(label) from sink)`])
      const columns = [known1('n', 'number', false), known1('v', 'text', false)]
      this.#ctes = [...this.#ctes, { name, columns }]
      return `with recursive ${name} (n, v) as (select 1, ${text} from ${relation} union all select n + 1, ${step} from ${name} where n < 3) `
    }
    const made = pick.chance(0.2) ? this.#returning() : this.#query(depth + 1)
    if (made.columns !== undefined) {
      this.#ctes = [...this.#ctes, { name, columns: made.columns }]
    }
    return `with ${name} as ${pick.of(['', 'materialized ', 'not materialized '])}(${made.sql}) `
  }

  #returning(): Made {
    const columns = [known1('id', 'number', false), known1('ssn', 'text', true)]
    const sql = this.#in.of([
      `update customers set city = 'x' where id < 4 returning id, ssn`,
      `delete from orders where id = 2 returning id, card as ssn`,
      `insert into customers (id, name, ssn) values (90, 'n', 's') returning id, ssn`,
    ])
    return { sql, columns }
  }

  /** Set operations compare or mix whatever is in them: of what is masked, mostly refused. */
  #union(depth: number): Made {
    const pick = this.#in
    const arm = () => {
      const from = this.#from(depth + 1, [])
      const usable = this.#usable(from.known, this.#freedom.derived)
      return `select ${pick.text(usable, depth + 1)} as a, ${pick.number(usable, depth + 1)} as b from ${from.sql}`
    }
    const operator = pick.of(['union all', 'union', 'intersect', 'except', 'except all'])
    const sql = `${arm()} ${operator} ${arm()}${pick.of(['', ' order by 1', ' order by b, a', ' limit 5'])}`
    return { sql, columns: [known1('a', 'text', false), known1('b', 'number', false)] }
  }

  #select(depth: number, outer: readonly Known[]): Made {
    const pick = this.#in
    const from = this.#from(depth, outer)
    if (depth < 3 && pick.chance(0.12)) {
      return { sql: `select * from ${from.sql}${this.#where(from, depth)}`, columns: undefined }
    }
    if (pick.chance(0.12)) return this.#grouped(from, depth)
    const items: string[] = []
    const columns: Known[] = []
    for (let count = 1 + pick.below(4); count > 0; count -= 1) {
      const name = this.#alias('c')
      const column = pick.chance(0.6) ? pick.one(from.known) : undefined
      items.push(`${column?.text ?? this.#output(from.known, depth)} as ${name}`)
      columns.push(known1(name, column?.kind ?? 'any', column?.isMasked ?? false))
    }
    const distinct = pick.chance(0.08) && !columns.some(({ isMasked }) => isMasked)
    const sql = `select ${distinct ? 'distinct ' : ''}${items.join(', ')} from ${from.sql}${this.#where(from, depth)}`
    return { sql: `${sql}${distinct ? '' : this.#sorted(from, items.length, columns)}`, columns }
  }

  #sorted(from: Source, count: number, columns: readonly Known[]): string {
    const pick = this.#in
    const clear = columns.findIndex(({ isMasked }) => !isMasked)
    const ordinal = this.#isFree(this.#freedom.conditions) ? 1 + pick.below(count) : clear + 1
    return pick.of([
      () => '',
      () => (ordinal > 0 ? ` order by ${String(ordinal)}` : ''),
      () => ` order by ${this.#key(from.known, 2)} limit 4`,
      () => ' limit 5',
      () => ' for update',
      () => ' offset 1 limit 3',
    ])()
  }

  #grouped(from: Source, depth: number): Made {
    const pick = this.#in
    const key = this.#key(from.known, 2)
    const usable = this.#usable(from.known, this.#freedom.derived)
    const filter = pick.chance(0.3) ? ` filter (where ${this.#condition(from.known, 2)})` : ''
    const sorted = pick.chance(0.3) ? ` order by ${this.#key(from.known, 3)}` : ''
    const value = pick.text(usable, depth + 1)
    const sum = pick.of([
      `count(*)${filter}`,
      `max(${value})${filter}`,
      `string_agg(${value}, ','${sorted})${filter}`,
      `array_agg(${value}${sorted})`,
      `json_agg(${value}${sorted})`,
      `mode() within group (order by ${value})`,
      `json_object_agg(${value}, 1)`,
    ])
    const having = pick.chance(0.2) ? ` having max(${this.#key(from.known, 3)}) is not null` : ''
    const shown = this.#isFree(this.#freedom.derived) ? `${key} as k, ` : ''
    const by = pick.of([key, `rollup (${key})`, `grouping sets ((${key}), ())`])
    return {
      sql: `select ${shown}${sum} as s from ${from.sql}${this.#where(from, depth)} group by ${by}${having}`,
      columns: [known1('s', 'any', false)],
    }
  }

  #where(from: Source, depth: number): string {
    const chance = this.#in.chance(0.45)
    return chance ? ` where ${this.#condition(from.known, depth + 1)}` : ''
  }

  #from(depth: number, outer: readonly Known[]): Source {
    const pick = this.#in
    const first = this.#item(depth, [])
    const withOuter = (source: Source): Source =>
      pick.chance(0.3) ? { ...source, known: [...source.known, ...outer] } : source
    if (pick.chance(0.65) || depth > 2) return withOuter(first)
    if (pick.chance(0.5)) return withOuter(this.#joined(first, this.#item(depth, [])))
    const second = this.#item(depth, first.known)
    return { sql: `${first.sql}, ${second.sql}`, known: [...first.known, ...second.known] }
  }

  #joined(left: Source, right: Source): Source {
    const pick = this.#in
    const known = [...left.known, ...right.known]
    const type = pick.of(['join', 'left join', 'right join', 'full join'])
    const ids = [left, right].every(
      (side) => side.known.filter((k) => k.name === 'id').length === 1,
    )
    if (ids && pick.chance(0.6)) {
      return { sql: `${left.sql} ${type} ${right.sql} using (id)`, known }
    }
    const on = pick.chance(0.5) ? 'true' : this.#condition(known, 2)
    return {
      sql: `${left.sql} ${type === 'full join' ? 'join' : type} ${right.sql} on ${on}`,
      known,
    }
  }

  #item(depth: number, before: readonly Known[]): Source {
    const pick = this.#in
    const alias = this.#alias('t')
    const kind = pick.below(depth > 2 ? 6 : 12)
    if (kind < 3 && this.#ctes.length > 0) {
      const { name, columns } = pick.of(this.#ctes)
      return { sql: `${name} ${alias}`, known: under(alias, columns) }
    }
    if (kind === 8 && before.length > 0) {
      const text = pick.text(this.#usable(before, this.#freedom.derived), 2)
      const sql = `regexp_split_to_table(${text}, '') ${alias} (part)`
      return { sql, known: under(alias, [known1('part', 'text', false)]) }
    }
    if (kind === 9 && before.length > 0) {
      const column = pick.one(before)
      const sql = `lateral (select ${column.text} as lat) ${alias}`
      return { sql, known: under(alias, [{ ...column, name: 'lat' }]) }
    }
    if (kind > 9) {
      const made = this.#query(depth + 1)
      if (made.columns !== undefined) {
        return { sql: `(${made.sql}) ${alias}`, known: under(alias, made.columns) }
      }
    }
    const [name, columns] = this.#relation()
    const whole: Known = { name: alias, text: alias, kind: 'row', isMasked: true }
    const rows = columns.some(({ isMasked }) => isMasked) ? [] : [whole]
    return { sql: `${name} ${alias}`, known: [...under(alias, columns), ...rows] }
  }

  #copy(): string {
    const pick = this.#in
    const option = pick.of([
      '',
      '',
      ' (format csv)',
      ' (format csv, header)',
      ' (format text)',
      ' (format binary)',
      ` (format csv, delimiter '|')`,
    ])
    if (pick.chance(0.6)) return `copy (${this.#limited(this.#query(1))}) to stdout${option}`
    const [name, columns] = this.#relation()
    const list = pick.chance(0.5) ? '' : ` (${columns.map((column) => column.name).join(', ')})`
    return `copy ${name}${list} to stdout${option}`
  }

  #cursor(): readonly string[] {
    const pick = this.#in
    const hold = pick.of(['', '', 'scroll ', 'binary ', 'no scroll '])
    return [
      `declare cur ${hold}cursor for ${this.#query(0).sql}`,
      ...pick.of([
        ['fetch 3 from cur'],
        ['fetch all from cur'],
        ['fetch 1 from cur', 'fetch last from cur', 'close cur'],
      ]),
    ]
  }

  #defined(): readonly string[] {
    const pick = this.#in
    const query = this.#query(1).sql
    const name = pick.of(['public.fresh', 'pg_temp.fresh'])
    const make = pick.of([
      `create view ${name} as ${query}`,
      `create table ${name} as ${query}`,
      `create materialized view public.fresh as ${query}`,
      `select * into ${name} from (${query}) q`,
      `alter view plain_v rename to fresh`,
      `alter table customers rename to fresh`,
      `alter table customers rename column ssn to fresh; create view fresh as select fresh from customers`,
      `create table fresh () inherits (customers); insert into fresh (id, name) values (5, 'f')`,
      `create table fresh (like customers including all)`,
    ])
    const shown = make.includes('view public.fresh') ? 'public.fresh' : 'fresh'
    return [make, `select * from ${shown} limit 20`, `select f from ${shown} f limit 3`]
  }

  #written(): string {
    const pick = this.#in
    const source = this.#from(2, [])
    const value = (known: readonly Known[]) =>
      pick.text(this.#usable(known, this.#freedom.derived), 2)
    const where = (known: readonly Known[]) => this.#condition(known, 2)
    const customers = under('customers', this.#relationNamed('customers'))
    const sink = under('sink', this.#relationNamed('sink'))
    const conflict = pick.of([
      '',
      ' on conflict do nothing',
      ` on conflict (id) do update set other = excluded.label`,
      ` on conflict (id) do update set label = sink.other where ${where(sink)}`,
    ])
    const shown = (names: string) =>
      pick.of(['', ' returning *', ` returning ${names}`, ' returning old.*, new.*'])
    return pick.of([
      () =>
        `insert into sink (id, label) select row_number() over ()::int + 50, ${value(source.known)} from ${source.sql}${conflict}${shown('id, label')}`,
      () => `insert into sink (id, label) values (1, 'again')${conflict}${shown('label')}`,
      () =>
        `update sink set label = ${value(customers)} from customers where sink.id = customers.id and ${where(customers)}${shown('customers.ssn, sink.label')}`,
      () =>
        `update customers set city = ${value(customers)} where ${where(customers)}${shown('ssn, card, tags, raw')}`,
      () => `update customers set note = ${value(customers)}${shown('note, id')}`,
      () =>
        `delete from sink using customers where ${where([...customers, ...sink])}${shown('customers.token, sink.id')}`,
      () =>
        `delete from orders where ${where(under('orders', this.#relationNamed('orders')))}${shown('card')}`,
      () => `update events set what = 'w'${shown('secret')}`,
      () => `update plain_v set label = 'l'${shown('number')}`,
      () =>
        `merge into sink using customers on sink.id = customers.id when matched and ${where(customers)} then update set label = ${value(customers)} when not matched then do nothing returning customers.card, sink.*`,
    ])()
  }

  #relationNamed(name: string): readonly Known[] {
    return this.#relations.find(([own]) => own === name)?.[1] ?? []
  }
}

const known1 = (name: string, kind: Known['kind'], isMasked: boolean): Known => ({
  ...{ name, text: name, kind, isMasked },
})

const under = (alias: string, columns: readonly Known[]): Known[] =>
  columns
    .filter(({ kind }) => kind !== 'row')
    .map((column) => ({ ...column, text: `${alias}.${column.name}` }))
