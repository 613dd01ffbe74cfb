// What the columns of relations hold: their own values and those of parents, children and
// partitions; for a view, what its definition selects. Asks only what the catalog answered. Pure.

import { catalogReading } from './allow-list.js'
import type { Catalog, FoundColumn, FoundRelation } from './catalog.js'
import type { CallFacts, RelationSource } from './flow.js'
import type { KnownRelation, Relations } from './following.js'
import type { ColumnSource, RelationOrigin } from './lineage.js'
import { wantedRelation } from './lookup.js'
import type { Wanted } from './lookup.js'
import { QueryTrace } from './query-trace.js'
import type { ViewFacts } from './resolve.js'
import { NotTraceable, SYSTEM_COLUMNS } from './scope.js'
import type { Column } from './scope.js'

/** Columns times relations beyond which children are not told apart by column. */
const familySizeMax = 20_000

type Named = Pick<RelationSource, 'schema' | 'name' | 'access' | 'inherits'>

/** The relations that a text and its views name. */
export class RelationColumns implements Relations {
  readonly #catalog: Catalog
  readonly #views: ViewFacts
  readonly #known = new Map<string, KnownRelation | 'running' | 'untraceable'>()
  readonly #definitionsOnly = new Set<string>()

  constructor(catalog: Catalog, views: ViewFacts) {
    this.#catalog = catalog
    this.#views = views
  }

  /** True for relations of the server itself that hold definitions only. */
  holdsDefinitions(relation: string): boolean {
    return this.#definitionsOnly.has(relation)
  }

  /** The columns given by a function in FROM: how many, or undefined when only a call tells. */
  given(
    { schema = '', name, argumentCount }: NonNullable<CallFacts['called']>,
    isScalar: boolean,
  ): number | undefined {
    // gram.y has no unnest of several arrays: it becomes one column for each (parse_clause.c).
    if (name === 'unnest' && argumentCount > 1) return isScalar ? argumentCount : undefined
    const found = this.#catalog.functions({ what: 'function', schema, name, detail: argumentCount })
    const counts = found.map(({ gives }) =>
      gives === 'scalar' || (gives === 'element' && isScalar) ? 1 : Number(gives ?? NaN),
    )
    const [count] = counts
    return counts.every((other) => other === count) ? count : undefined
  }

  /** What a name leads to. @throws NotTraceable */
  relation(source: Named): KnownRelation {
    const wanted = this.#wanted(source)
    const root = this.#catalog.relations(wanted).find((relation) => relation.root)
    if (root === undefined) throw new NotTraceable()
    const key = `${root.oid} ${String(wanted.detail)}`
    const known = this.#known.get(key)
    if (known === 'running' || known === 'untraceable') throw new NotTraceable()
    if (known !== undefined) return known
    this.#known.set(key, 'running')
    try {
      const read = this.#read(root, wanted)
      this.#known.set(key, read)
      return read
    } catch (failure) {
      this.#known.set(key, 'untraceable')
      throw failure
    }
  }

  /** What a relation's columns hold, by attribute number; `anything` for a view nobody can follow. */
  origin(source: Named, anything: readonly ColumnSource[]): [number, RelationOrigin] | undefined {
    const root = this.#catalog.relations(this.#wanted(source)).find((relation) => relation.root)
    const found = root && this.#catalog.columns(root.oid)
    if (root === undefined || found === undefined) return undefined
    const columns = new Map<number, readonly ColumnSource[]>()
    for (const number of SYSTEM_COLUMNS.values()) columns.set(number, [])
    let known: KnownRelation | undefined
    try {
      known = this.relation(source)
    } catch (failure) {
      if (!(failure instanceof NotTraceable) && !(failure instanceof RangeError)) throw failure
    }
    for (const [at, { number }] of found.entries())
      columns.set(number, known?.columns[at]?.value.sources ?? anything)
    return [Number(root.oid), { relation: `${root.schema}.${root.name}`, columns }]
  }

  /** EXPLAIN looks up as read what its statement would write. */
  #wanted(source: Named): Wanted {
    const wanted = wantedRelation(source)
    return this.#catalog.has(wanted) ? wanted : wantedRelation({ ...source, access: 'read' })
  }

  #read(root: FoundRelation, wanted: Wanted): KnownRelation {
    const { schema, name, oid } = root
    const found = this.#catalog.columns(oid)
    if (found === undefined) throw new NotTraceable()
    if (catalogReading(schema, name, root.builtin) === 'harmless')
      this.#definitionsOnly.add(`${schema}.${name}`)
    const columns =
      root.definition === undefined ? this.#stored(root, found, wanted) : this.#viewed(root, found)
    return { oid: Number(oid), schema, name, columns, found }
  }

  #stored(root: FoundRelation, found: readonly FoundColumn[], wanted: Wanted): Column[] {
    const own = `${root.schema}.${root.name}`
    const children = this.#catalog.relations(wanted).filter((relation) => !relation.root)
    const ancestors = this.#catalog.ancestors(wanted).map(({ schema, name, columns }) => ({
      relation: `${schema}.${name}`,
      columns: new Set(columns.map((column) => column.name)),
    }))
    const isLarge = children.length * found.length > familySizeMax
    const below = (column: string): ColumnSource[] =>
      children.map(({ schema, name }) => ({ relation: `${schema}.${name}`, column, exact: true }))
    const anyBelow = isLarge ? below('*') : []
    const sourcesOf = (name: string, exact: boolean): ColumnSource[] => [
      { relation: own, column: name, exact },
      ...ancestors
        .filter(({ columns }) => columns.has(name))
        .map(({ relation }) => ({ relation, column: name, exact })),
      ...(isLarge ? anyBelow : below(name)).map((source) => ({ ...source, exact })),
    ]
    const nameOf = (number: number) => found.find((column) => column.number === number)?.name ?? '*'
    return found.map(({ name, type, generatedFrom = [] }) => ({
      name,
      value: {
        sources: [
          ...sourcesOf(name, true),
          ...generatedFrom.flatMap((number) => sourcesOf(nameOf(number), false)),
        ],
        isKept: true,
        type,
      },
    }))
  }

  /** The first output of a view's definition is its first column, and so on. */
  #viewed(root: FoundRelation, found: readonly FoundColumn[]): Column[] {
    const facts = this.#views.get(root.oid)
    const flow = typeof facts === 'string' ? undefined : facts?.flow
    if (flow?.to !== 'rows') throw new NotTraceable()
    // Conditions inside are the owner's: nobody is told of them.
    const { list, isOpen } = new QueryTrace(this, () => undefined).query(flow.query)
    if (isOpen || list.length !== found.length) throw new NotTraceable()
    return found.map(({ name, type }, at) => {
      const { sources, isKept } = list[at]?.value ?? { sources: [], isKept: false }
      const exact = isKept ? sources : sources.map((source) => ({ ...source, exact: false }))
      return { name, value: { sources: exact, isKept: true, type } }
    })
  }
}
