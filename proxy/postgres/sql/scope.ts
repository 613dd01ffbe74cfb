// Names of columns in sight of an expression, and the values that they stand for, as
// parse_relation.c finds them. Where more than one meaning is possible, all of them count. Pure.

import type { NameFacts } from './flow.js'
import type { ColumnSource } from './lineage.js'

/** A value on its way: what it is made of. */
export interface Value {
  readonly sources: readonly ColumnSource[]
  /** True while the target still tells the origin of the result column, and nothing changed it. */
  readonly isKept: boolean
  /** Type and modifier of the column, while kept. */
  readonly type?: string
}

/** A column in sight; without a name it may have any. */
export interface Column {
  readonly name: string | undefined
  readonly value: Value
}

/** Columns in order. When `isOpen`, there may be more of them, in between too, of the same values. */
export interface Columns {
  readonly list: readonly Column[]
  readonly isOpen: boolean
}

/** An entry of FROM, or a target, in sight. */
export interface Item {
  /** Its alias or name; undefined for a join without alias. */
  readonly name: string | undefined
  /** Schema of a relation without alias: it may be named with it. */
  readonly schema: string | undefined
  readonly columns: Columns
  /** False for what is inside a join: its columns are seen through the join. */
  readonly seesColumns: boolean
  /** A relation with system columns. */
  readonly isRelation: boolean
}

/** Thrown and caught within the lineage of one statement: nobody can tell. */
export class NotTraceable extends Error {}

/** A value that holds nothing of any column. */
export const NO_VALUE: Value = { sources: [], isKept: false }

/** System columns (sysattr.h) tell where a row is stored, not what it holds. */
export const SYSTEM_COLUMNS: ReadonlyMap<string, number> = new Map([
  ['ctid', -1],
  ['xmin', -2],
  ['cmin', -3],
  ['xmax', -4],
  ['cmax', -5],
  ['tableoid', -6],
])

const sourceKey = ({ relation, column }: ColumnSource): string => `${relation}\0${column}`

/** All of these sources once; one that is changed anywhere counts as changed. */
export function mergeSources(lists: readonly (readonly ColumnSource[])[]): readonly ColumnSource[] {
  const filled = lists.filter((list) => list.length > 0)
  const [only] = filled
  if (only === undefined) return []
  if (filled.length === 1) return only
  const merged = new Map<string, ColumnSource>()
  for (const list of filled)
    for (const source of list) {
      const key = sourceKey(source)
      if (merged.get(key)?.exact !== false) merged.set(key, source)
    }
  return [...merged.values()]
}

/** A value made of all of these, no longer one column's own. */
export const mixed = (values: readonly Value[]): Value =>
  values.length === 0
    ? NO_VALUE
    : { sources: mergeSources(values.map((value) => value.sources)), isKept: false }

/** The whole row as one value. */
export const rowOf = (columns: Columns): Value => mixed(columns.list.map(({ value }) => value))

/** The columns of a query in a row: each its own, or all mixed when there may be more. */
export const valuesOf = (columns: Columns): readonly Value[] =>
  columns.isOpen ? [rowOf(columns)] : columns.list.map(({ value }) => value)

/** Gives the first columns other names. Where it is not sure which those are, any has any name. */
export function renamed(columns: Columns, names: readonly string[] | undefined): Columns {
  if (names === undefined) return columns
  if (columns.isOpen) return { list: [{ name: undefined, value: rowOf(columns) }], isOpen: true }
  if (names.length > columns.list.length) throw new NotTraceable()
  return {
    list: columns.list.map(({ name, value }, at) => ({ name: names[at] ?? name, value })),
    isOpen: false,
  }
}

/** What is in sight at one query level; the levels around it follow. */
export class Scope {
  readonly items: readonly Item[]
  /** This level and those around it, innermost first. */
  readonly #levels: readonly Scope[]

  constructor(items: readonly Item[], outer: Scope | undefined) {
    this.items = items
    this.#levels = outer === undefined ? [this] : [this, ...outer.#levels]
  }

  /** The value of a name within an expression. */
  value({ names, star, field }: NameFacts): Value {
    if (star === true && field === undefined) return rowOf(this.starred(names))
    const value = this.#named(names, field === '*' ? undefined : field)
    return star === true ? mixed([value]) : value
  }

  /** The columns that `u.*`, `(u).*` or `*` (no names) stands for. */
  starred(names: readonly string[]): Columns {
    if (names.length > 0) {
      const [item] = this.#items(names)
      if (item === undefined) throw new NotTraceable()
      return item.columns
    }
    const seen = this.items.filter((item) => item.seesColumns).map((item) => item.columns)
    return {
      list: seen.flatMap((columns) => columns.list),
      isOpen: seen.some((columns) => columns.isOpen),
    }
  }

  /** True when a plain name stands for a row and can't be a column. */
  isRow(name: string): boolean {
    for (const scope of this.#levels)
      for (const item of scope.items)
        if (
          item.seesColumns &&
          item.columns.list.some((column) => column.name === name || column.name === undefined)
        )
          return false
    return this.#items([name]).length > 0
  }

  /** Columns of this level only that have a name, or may have it. */
  own(name: string): readonly Value[] {
    return this.items.filter((item) => item.seesColumns).flatMap((item) => matching(item, name))
  }

  #named(names: readonly string[], field: string | undefined): Value {
    const [only] = names
    if (names.length === 1 && only !== undefined) return this.#plain(only, field)
    const name = names.at(-1)
    const items = this.#items(names.slice(0, -1))
    if (name === undefined || items.length === 0) throw new NotTraceable()
    const values = items.map((item) => columnOf(item, name))
    const value = values.length === 1 ? values[0] : undefined
    // A field of a column of a row type is a part of that column.
    return value !== undefined && field === undefined ? value : mixed(values)
  }

  /** A name without qualification: a column of the innermost level that has it, or a row. */
  #plain(name: string, field: string | undefined): Value {
    const possible: Value[] = []
    for (const scope of this.#levels) {
      const seen = scope.items.filter((item) => item.seesColumns)
      const exact = seen.flatMap((item) => named(item, name))
      const [only] = exact
      if (only !== undefined) {
        const isSure = exact.length === 1 && possible.length === 0 && field === undefined
        return isSure ? only : mixed([...possible, ...exact])
      }
      possible.push(...seen.flatMap(unnamed))
      if (SYSTEM_COLUMNS.has(name) && seen.some((item) => item.isRelation)) return mixed(possible)
    }
    const [row] = this.#items([name])
    if (row === undefined) {
      if (possible.length === 0) throw new NotTraceable()
      return mixed(possible)
    }
    const value = field === undefined ? rowOf(row.columns) : columnOf(row, field)
    return possible.length === 0 ? value : mixed([...possible, value])
  }

  /** Items by `name` or `schema.name`, of the innermost level that has any. */
  #items(names: readonly string[]): readonly Item[] {
    const name = names.at(-1)
    const schema = names.at(-2)
    for (const scope of this.#levels) {
      const items = scope.items.filter(
        (item) => item.name === name && (schema === undefined || item.schema === schema),
      )
      if (items.length > 0) return items
    }
    return []
  }
}

const named = (item: Item, name: string): Value[] =>
  item.columns.list.filter((column) => column.name === name).map(({ value }) => value)

const unnamed = (item: Item): Value[] =>
  item.columns.list.filter((column) => column.name === undefined).map(({ value }) => value)

const matching = (item: Item, name: string): readonly Value[] => {
  const exact = named(item, name)
  return exact.length > 0 ? exact : unnamed(item)
}

/** `u.name`: a column, a system column, or a function of the row u. */
function columnOf(item: Item, name: string): Value {
  const exact = named(item, name)
  const [only] = exact
  if (only !== undefined) return exact.length === 1 ? only : mixed(exact)
  const possible = unnamed(item)
  if (item.isRelation && SYSTEM_COLUMNS.has(name)) return mixed(possible)
  return rowOf(item.columns)
}
