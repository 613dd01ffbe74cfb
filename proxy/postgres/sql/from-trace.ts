// What stands in FROM: which columns it shows, and which values decide about its rows (joins,
// sampling, functions of columns beside it). Pure.

import type { AliasFacts, CallFacts, JoinSource, RelationSource, SourceFacts } from './flow.js'
import type { Ctes, Following } from './following.js'
import { NO_VALUE, NotTraceable, Scope, mixed, renamed } from './scope.js'
import type { Column, Columns, Item, Value } from './scope.js'

/** What a FROM item brings into sight; `top` is the item itself, for a join around it. */
interface Brought {
  readonly items: readonly Item[]
  readonly top: Item
}

/** Where a FROM item stands. */
interface Place {
  /** What stands before it, for LATERAL. */
  readonly before: readonly Item[]
  readonly outer: Scope | undefined
  readonly ctes: Ctes | undefined
}

/** Follows FROM items. */
export class FromTrace {
  readonly #trace: Following

  constructor(trace: Following) {
    this.#trace = trace
  }

  /** All items of one FROM. */
  items(
    sources: readonly SourceFacts[],
    outer: Scope | undefined,
    ctes: Ctes | undefined,
  ): readonly Item[] {
    let before: readonly Item[] = []
    for (const source of sources)
      before = [...before, ...this.#source(source, { before, outer, ctes }).items]
    return before
  }

  /** A relation, never a CTE. */
  relation(source: RelationSource): Item {
    const { schema, name, columns } = this.#trace.relations.relation(source)
    return {
      name: source.alias ?? name,
      schema: source.alias === undefined ? schema : undefined,
      columns: renamed({ list: columns, isOpen: false }, source.columns),
      seesColumns: true,
      isRelation: true,
    }
  }

  #source(source: SourceFacts, place: Place): Brought {
    switch (source.from) {
      case 'relation':
        return alone(this.#named(source, place))
      case 'query': {
        const scope = source.lateral ? new Scope(place.before, place.outer) : place.outer
        return alone(item(source, this.#trace.query(source.query, scope, place.ctes)))
      }
      case 'calls':
        return alone(this.#calls(source, place))
      case 'table': {
        const scope = new Scope(place.before, place.outer)
        const value = this.#trace.value(source.input, scope, place.ctes)
        this.#trace.tell(value.sources, 'computed')
        const list = source.names.map((name) => ({ name, value }))
        return alone(item(source, { list, isOpen: false }))
      }
      case 'join':
        return this.#join(source, place)
    }
  }

  #named(source: RelationSource, { before, outer, ctes }: Place): Item {
    this.#trace.condition(source.sample, new Scope(before, outer), ctes)
    const cte = source.schema === undefined ? this.#trace.cteNamed(source.name, ctes) : undefined
    if (cte === undefined) return this.relation(source)
    return { ...item(source, cte), name: source.alias ?? source.name }
  }

  /** Functions see what stands before them, and how many rows they give depends on it. */
  #calls(source: SourceFacts & { readonly from: 'calls' }, { before, outer, ctes }: Place): Item {
    const scope = new Scope(before, outer)
    const list: Column[] = []
    let isOpen = false
    for (const call of source.calls) {
      const value = this.#trace.value(call.input, scope, ctes)
      this.#trace.tell(value.sources, 'computed')
      const count = this.#count(call)
      isOpen ||= count === undefined
      for (let at = 0; at < (count ?? 1); at += 1) list.push({ name: call.columns?.[at], value })
    }
    if (source.ordinality) list.push({ name: 'ordinality', value: NO_VALUE })
    return item(source, { list, isOpen })
  }

  #count({ called, columns, isScalar }: CallFacts): number | undefined {
    if (columns !== undefined) return columns.length
    return called === undefined ? 1 : this.#trace.relations.given(called, isScalar)
  }

  #join(source: JoinSource, place: Place): Brought {
    const left = this.#source(source.left, place)
    const before = [...place.before, ...left.items]
    const right = this.#source(source.right, { ...place, before })
    const both = new Scope([...left.items, ...right.items], place.outer)
    this.#trace.condition(source.on, both, place.ctes)
    const names = source.isNatural ? common(left.top, right.top) : (source.using ?? [])
    const { columns, merged } = this.#joined(source, left.top, right.top, names)
    const top = item(source, columns)
    if (source.alias !== undefined) return alone(top)
    const inside = both.items.map((inner) => ({ ...inner, seesColumns: false }))
    const using = { ...item({}, merged), seesColumns: false }
    const extra = source.usingAlias === undefined ? [] : [{ ...using, name: source.usingAlias }]
    return { items: [top, ...inside, ...extra], top }
  }

  /** Columns of a join: the merged ones first, then the others of each side. */
  #joined(
    { type }: JoinSource,
    left: Item,
    right: Item,
    names: readonly string[],
  ): { columns: Columns; merged: Columns } {
    const used = new Set<Column>()
    let isOpen = left.columns.isOpen || right.columns.isOpen
    const take = ({ columns }: Item, name: string): Value => {
      const exact = columns.list.filter((column) => column.name === name)
      const taken =
        exact.length > 0 ? exact : columns.list.filter((column) => column.name === undefined)
      if (taken.length === 0) throw new NotTraceable()
      // Which of several is meant is not sure, and so is what remains.
      if (exact.length !== 1) isOpen = true
      for (const column of taken) used.add(column)
      const value = taken.length === 1 ? taken[0]?.value : undefined
      return value ?? mixed(taken.map((column) => column.value))
    }
    const list = names.map((name) => {
      const [a, b] = [take(left, name), take(right, name)]
      this.#trace.tell([...a.sources, ...b.sources], 'condition')
      return { name, value: merge(type, a, b) }
    })
    const rest = [...left.columns.list, ...right.columns.list].filter((column) => !used.has(column))
    return { columns: { list: [...list, ...rest], isOpen }, merged: { list, isOpen } }
  }
}

/** The one column that USING makes of two (parse_clause.c buildMergedJoinVar). */
function merge(type: JoinSource['type'], left: Value, right: Value): Value {
  const isSame = left.type !== undefined && left.type === right.type
  const isKept = isSame && left.isKept && right.isKept
  if (type === 'left') return { ...left, isKept: isSame && left.isKept }
  if (type === 'right') return { ...right, isKept: isSame && right.isKept }
  const both = mixed([left, right])
  // Where the types differ, the origin told may be either side's.
  return type === 'full' || !isKept ? both : { ...left, sources: both.sources }
}

const alone = (top: Item): Brought => ({ items: [top], top })

const item = (source: AliasFacts, columns: Columns): Item => ({
  name: source.alias,
  schema: undefined,
  columns: renamed(columns, source.columns),
  seesColumns: true,
  isRelation: false,
})

/** NATURAL joins by the names that both sides have, which must be known. */
function common(left: Item, right: Item): string[] {
  const sides = [left.columns, right.columns]
  if (sides.some(({ list, isOpen }) => isOpen || list.some(({ name }) => name === undefined)))
    throw new NotTraceable()
  const names = new Set(right.columns.list.map(({ name }) => name))
  return left.columns.list.map(({ name }) => name ?? '').filter((name) => names.has(name))
}
