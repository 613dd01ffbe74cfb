// What the session's server answered about names, as maps. Reads rows, checks them, judges
// nothing. A row that makes no sense makes the whole answer useless. Pure.

import { lookupRowCountMax, wantedKey } from './lookup.js'
import type { LookupRow, Wanted } from './lookup.js'

/** A relation that a name leads to: itself, or one of its children. */
export interface FoundRelation {
  readonly oid: string
  /** pg_class.relkind. */
  readonly kind: string
  readonly schema: string
  readonly name: string
  readonly builtin: boolean
  /** True for what was named, false for its inheritance children and partitions. */
  readonly root: boolean
  /** Has rules that turn a write into something else. */
  readonly ruled: boolean
  /** pg_get_viewdef of a user's view or materialized view. */
  readonly definition: string | undefined
}

/** A user column of a relation. */
export interface FoundColumn {
  /** pg_attribute.attnum. */
  readonly number: number
  readonly name: string
  /** Type and modifier, only to be compared. */
  readonly type: string
  /** Numbers of the columns that a generated one is made from; undefined for any other. */
  readonly generatedFrom: readonly number[] | undefined
}

/** A relation that a named one, or one of its children, inherits from. */
export interface FoundAncestor {
  readonly schema: string
  readonly name: string
  readonly columns: readonly FoundColumn[]
}

/** A function, or the function behind an operator, that a name may lead to. */
export interface FoundFunction {
  readonly schema: string
  readonly name: string
  readonly builtin: boolean
  readonly signature: string
  /** Overload that an extension brought for a type of its own. */
  readonly extension: boolean
  /** Its first argument can be a whole row. */
  readonly takesRow: boolean
  /** Columns in FROM: a number of them, `scalar`, `element` (of an array), undefined when open. */
  readonly gives: string | undefined
}

/** A type that a name may lead to. */
export interface FoundType {
  readonly schema: string
  readonly name: string
  readonly builtin: boolean
  /** pg_type.typtype. */
  readonly kind: string
  /** typtype of the elements when it is an array. */
  readonly elementKind: string | undefined
  /** Place of its schema on the search path, smaller first. */
  readonly place: number
}

/** What all answers of one resolution said. */
export class Catalog {
  /** Schema that unqualified creations go to; undefined when there is none. */
  creationSchema: string | undefined
  encoding = ''
  readonly #asked = new Set<string>()
  readonly #relations = new Map<string, FoundRelation[]>()
  readonly #functions = new Map<string, FoundFunction[]>()
  readonly #types = new Map<string, FoundType[]>()
  readonly #columns = new Map<string, readonly FoundColumn[]>()
  readonly #ancestors = new Map<string, FoundAncestor[]>()
  /** Code of users that types of relations read would run. */
  readonly typeCode = new Set<string>()
  /** By OID of a view: functions and operators of users that it runs. */
  readonly viewCode = new Map<string, string>()

  /** True when a name was looked up before. */
  has(wanted: Wanted): boolean {
    return this.#asked.has(wantedKey(wanted))
  }

  relations(wanted: Wanted): readonly FoundRelation[] {
    return this.#relations.get(wantedKey(wanted)) ?? []
  }

  functions(wanted: Wanted): readonly FoundFunction[] {
    return this.#functions.get(wantedKey(wanted)) ?? []
  }

  types(wanted: Wanted): readonly FoundType[] {
    return this.#types.get(wantedKey(wanted)) ?? []
  }

  /** The columns of a relation that was named, by its OID; undefined when they are not known. */
  columns(oid: string): readonly FoundColumn[] | undefined {
    return this.#columns.get(oid)
  }

  /** What the relations found for a name inherit from, these themselves left out. */
  ancestors(wanted: Wanted): readonly FoundAncestor[] {
    return this.#ancestors.get(wantedKey(wanted)) ?? []
  }

  /**
   * Takes in the answer to `wanted`. Returns why it can't be used, or undefined.
   */
  add(wanted: readonly Wanted[], rows: readonly LookupRow[]): string | undefined {
    if (rows.length > lookupRowCountMax) return 'its names lead to too many objects'
    let sessions = 0
    for (const row of rows) {
      if (row[0] === 'session') sessions += 1
      if (!this.#addRow(wanted, row)) return 'the catalog answered in a way not known'
    }
    if (sessions !== 1) return 'the catalog did not answer'
    for (const entry of wanted) this.#asked.add(wantedKey(entry))
    return undefined
  }

  #addRow(wanted: readonly Wanted[], row: LookupRow): boolean {
    const [what, at, a, b, c, d, e, f, g] = row
    if (what === 'session') {
      this.creationSchema = a ?? undefined
      this.encoding = b ?? ''
      return true
    }
    const entry = wanted[Number(at) - 1]
    if (what === 'columns')
      return entry?.what === 'relation' && this.#addColumns(wantedKey(entry), row)
    if (typeof a !== 'string' || typeof b !== 'string') return false
    if (what === 'code') {
      this.typeCode.add(`${a} runs ${b}`)
      return true
    }
    if (what === 'viewcode') {
      this.viewCode.set(a, b)
      return true
    }
    if (entry === undefined || entry.what !== what || typeof c !== 'string') return false
    const key = wantedKey(entry)
    if (what === 'type') {
      const place = Number(e)
      push(this.#types, key, {
        ...{ schema: a, builtin: b === 'true', kind: c, elementKind: d ?? undefined, place },
        name: f ?? '',
      })
      return Number.isInteger(place) && typeof f === 'string'
    }
    if (typeof d !== 'string' || typeof e !== 'string') return false
    if (what === 'relation') {
      push(this.#relations, key, {
        ...{ oid: a, kind: b, schema: normalSchema(c), name: d, root: e === 'true' },
        builtin: Number(a) < 16_384,
        // Anything but a clear "no" counts as a rule.
        ruled: f !== 'false',
        definition: g ?? undefined,
      })
    } else {
      push(this.#functions, key, {
        ...{ schema: a, builtin: b === 'true', signature: c, name: d, extension: e === 'true' },
        takesRow: f !== 'false',
        gives: g ?? undefined,
      })
    }
    return true
  }

  #addColumns(key: string, [, , oid, text, schema, name, above]: LookupRow): boolean {
    const columns = columnsOf(text ?? '[]')
    if (columns === undefined || typeof oid !== 'string') return false
    if (typeof schema !== 'string' || typeof name !== 'string') return false
    if (above === 'true')
      push(this.#ancestors, key, { schema: normalSchema(schema), name, columns })
    else this.#columns.set(oid, columns)
    return true
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

function columnsOf(text: string): readonly FoundColumn[] | undefined {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(list)) return undefined
  const columns = list.map((item: unknown): FoundColumn | undefined => {
    const [number, name, type, generatedFrom] = Array.isArray(item) ? (item as unknown[]) : []
    if (typeof number !== 'number' || typeof name !== 'string') return undefined
    if (typeof type !== 'string') return undefined
    if (generatedFrom === null) return { number, name, type, generatedFrom: undefined }
    return isNumbers(generatedFrom) ? { number, name, type, generatedFrom } : undefined
  })
  return columns.every((column) => column !== undefined) ? columns : undefined
}

/** Each session's own temporary schema is pg_temp, whatever its number. */
const normalSchema = (schema: string): string => (/^pg_temp_\d+$/.test(schema) ? 'pg_temp' : schema)

const isNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'number')
