// Makes expressions over known columns: deep ones, of any type, most of which a server accepts.

import type { ColumnKind } from './canary-town.js'

/** A column, or a row, as it can be written in an expression. */
export interface Known {
  readonly text: string
  readonly name: string
  /** `any` is of a type that nobody kept. */
  readonly kind: ColumnKind | 'row' | 'any'
  readonly isMasked: boolean
}

/** Makes expressions from chance. */
export class Expressions {
  readonly #next: () => number
  readonly #subquery: (outer: readonly Known[]) => string

  /** @param subquery A query that may name the given columns. */
  constructor(next: () => number, subquery: (outer: readonly Known[]) => string) {
    this.#next = next
    this.#subquery = subquery
  }

  below(count: number): number {
    return Math.floor(this.#next() * count)
  }

  chance(of: number): boolean {
    return this.#next() < of
  }

  of<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)]
    if (item === undefined) throw new Error('an empty list')
    return item
  }

  /** A column, never a row. */
  one(known: readonly Known[]): Known {
    const columns = known.filter(({ kind }) => kind !== 'row')
    if (columns.length > 0) return this.of(columns)
    return { text: `'none'::text`, name: 'none', kind: 'text', isMasked: false }
  }

  #leaf(known: readonly Known[]): string {
    const { text, kind } = known.length === 0 ? this.one(known) : this.of(known)
    return kind === 'text' ? text : `${text}::text`
  }

  #of(known: readonly Known[], kind: ColumnKind, otherwise: string): string {
    const fitting = known.filter((column) => column.kind === kind)
    return fitting.length === 0 ? otherwise : this.of(fitting).text
  }

  /** Of type text. */
  text(known: readonly Known[], depth: number): string {
    const t = () => (depth > 3 ? this.#leaf(known) : this.text(known, depth + 1))
    const n = () => this.number(known, depth + 1)
    const small = () => String(1 + this.below(20))
    return this.of<() => string>([
      ...Array.from({ length: 4 }, () => () => this.#leaf(known)),
      () => `upper(${t()})`,
      () => `reverse(${t()})`,
      () => `(${t()} || ${this.of([t(), `'-'`])})`,
      () => `coalesce(${t()}, ${t()})`,
      () => `nullif(${t()}, 'x')`,
      () => `case when ${this.bool(known, depth + 1)} then ${t()} else ${this.of([t(), `''`])} end`,
      () => `substr(${t()}, ${small()}, ${small()})`,
      () => `split_part(${t()}, ' ', 1)`,
      () => `regexp_replace(${t()}, '(.)', '\\1-', 'g')`,
      () => `translate(${t()}, 'abc', 'cba')`,
      () => `encode(convert_to(${t()}, 'UTF8'), '${this.of(['hex', 'base64', 'escape'])}')`,
      () => `md5(${t()})`,
      () => `format('%s/%L', ${t()}, ${t()})`,
      () => `concat_ws(',', ${t()}, ${n()})`,
      () => `quote_literal(${t()})`,
      () => `array_to_string(array[${t()}, ${t()}], ',')`,
      () => `array_to_string(string_to_array(${t()}, ''), '.')`,
      () => `to_jsonb(${t()})::text`,
      () => `json_build_object('k', ${t()}, 'n', ${n()})::text`,
      () => `row_to_json(row(${t()}, ${t()}))::text`,
      () => `(json_build_array(${t()}) ->> 0)`,
      () => `to_tsvector('simple', ${t()})::text`,
      () => `xmlelement(name a, ${t()})::text`,
      () => `row(${t()}, ${n()})::text`,
      () => `rpad(${t()}, 30, ${t()})`,
      () => `greatest(${t()}, ${t()})`,
      () => `(select ${this.text(known, 4)})`,
      () => `(select string_agg(q::text, ',') from (${this.#subquery(known)}) q)`,
      () => `array(select q::text from (${this.#subquery(known)}) q limit 2)::text`,
      () => `(${t()}::varchar(40) collate "C")`,
      () => `coalesce((${this.#of(known, 'array', `'{}'::text[]`)})[1], ${t()})`,
      () => `(${this.#of(known, 'json', `'{"k": 1}'::jsonb`)} ->> 'k')`,
      () => `left(${t()}, ${n()}::int)`,
      () => `to_char(${this.#of(known, 'time', 'now()')}, 'YYYY-MM-DD HH24:MI')`,
    ])()
  }

  /** Of a numeric type. */
  number(known: readonly Known[], depth: number): string {
    const n = () => (depth > 3 ? this.#of(known, 'number', '1') : this.number(known, depth + 1))
    const t = () => this.text(known, depth + 1)
    return this.of<() => string>([
      ...Array.from({ length: 4 }, () => () => this.#of(known, 'number', '7')),
      () => `(${n()} + ${n()})`,
      () => `(${n()} * 2)`,
      () => `(-${n()})`,
      () => `length(${t()})`,
      () => `ascii(${t()})`,
      () => `strpos(${t()}, 'a')`,
      () => `round(${n()}, 1)`,
      () => `abs(${n()})`,
      () => `coalesce(${n()}, 0)`,
      () => `hashtext(${t()})`,
      () => `extract(year from ${this.#of(known, 'time', 'now()')})`,
      () => `(${n()} % 97)`,
      () => `(select count(*) from (${this.#subquery(known)}) q)`,
    ])()
  }

  /** Of type boolean. */
  bool(known: readonly Known[], depth: number): string {
    const t = () => this.text(known, depth + 1)
    const deep = depth > 3
    return this.of<() => string>([
      () => `${this.one(known).text} is not null`,
      () => `${t()} > 'm'`,
      () => `${t()} like '%a%'`,
      () => `${t()} ~ '[0-9]'`,
      () => `${this.number(known, depth + 1)} between 1 and 900`,
      () => (deep ? 'true' : `(${this.bool(known, depth + 1)} or ${this.bool(known, depth + 1)})`),
      () => (deep ? 'true' : `not ${this.bool(known, depth + 1)}`),
      () => (deep ? 'true' : `exists (${this.#subquery(known)})`),
      () => `${t()} = any (array[${t()}, 'x'])`,
      () => `${this.#of(known, 'json', `'{}'::jsonb`)} ? 'k'`,
      () => `${t()} is distinct from ${t()}`,
    ])()
  }

  /** A window function's value, which can stand among the outputs only. */
  window(known: readonly Known[], by: string): string {
    const t = () => this.text(known, 2)
    return this.of<() => string>([
      () => `first_value(${t()}) over (order by ${by})`,
      () => `upper(lag(${t()}) over (partition by ${by} order by ${by}))`,
      () => `string_agg(${t()}, ',') over (order by ${by} rows 2 preceding)`,
      () => `count(*) filter (where ${this.bool(known, 3)}) over (partition by ${by})`,
      () => `(sum(${this.number(known, 2)}) over () || ${t()})`,
      () => `nth_value(${t()}, 2) over ()`,
      () => `rank() over (order by ${by})`,
    ])()
  }

  /** Of any type at all. */
  any(known: readonly Known[], depth: number): string {
    return this.of<() => string>([
      () => this.text(known, depth),
      () => this.text(known, depth),
      () => this.number(known, depth),
      () => this.bool(known, depth),
      () => this.one(known).text,
      () => `array[${this.text(known, depth + 1)}]`,
      () => `jsonb_build_object('a', ${this.text(known, depth + 1)})`,
      () => `convert_to(${this.text(known, depth + 1)}, 'UTF8')`,
      () => `row(${this.text(known, depth + 1)}, 1)`,
      () => `to_tsvector('simple', ${this.text(known, depth + 1)})`,
    ])()
  }
}
