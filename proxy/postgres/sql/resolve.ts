// From facts and the catalog's answers to a Command: names become objects, and what those objects
// are raises the effect. A name counts as harmless only when everything it could mean here is on
// the allow-list. Pure.

import type { Command, CommandPart, Effect, RelationUse } from '../../../core/command.js'
import { higherEffect } from '../../../core/command.js'
import { builtinEffect, catalogReading, isDangerousName } from './allow-list.js'
import type { Catalog, FoundFunction, FoundRelation, FoundType } from './catalog.js'
import type { FunctionRef, OperatorRef, RelationRef, StatementFacts, TypeRef } from './facts.js'
import { wantedRelation } from './lookup.js'
import type { Wanted } from './lookup.js'

/** Facts of the definitions of views, by OID; a text when a definition can't be judged. */
export type ViewFacts = ReadonlyMap<string, StatementFacts | string>

/** Relations that one statement may touch, views and partitions included. */
const relationCountMax = 2000
/** Reasons kept per part: people read them. */
const becauseCountMax = 12

/** Names that earlier statements of the same text have changed. */
interface Shaken {
  /** Any name may have changed. */
  everything: boolean
  /** New functions, types or operators may exist. */
  defined: boolean
  /** Relations that are gone, or were made as `schema.name`, by bare name. */
  readonly relations: Map<string, readonly string[] | 'gone'>
}

/** A judged text. */
export interface Resolved {
  readonly command: Command
  /**
   * For each statement, whether values can reach it on ways that its text does not show: code that
   * is not known, statistics, or names that an earlier statement of the text changes.
   */
  readonly hidden: readonly boolean[]
}

/**
 * Judges the statements of one text, in order: a statement whose names depend on an earlier one of
 * the same text is judged with what that one makes, or is unknown.
 */
export function resolve(
  statements: readonly StatementFacts[],
  catalog: Catalog,
  views: ViewFacts,
): Resolved {
  const shaken: Shaken = { everything: false, defined: false, relations: new Map() }
  const hidden: boolean[] = []
  const parts = statements.map((facts) => {
    const part = new PartResolution(facts.kind, facts.effect, catalog, views, shaken)
    const result = part.resolve(facts)
    hidden.push(part.isHidden || shaken.defined || shaken.everything)
    shake(shaken, facts, catalog)
    return result
  })
  if (parts.length === 0) parts.push(nothing)
  const effect = parts.map((part) => part.effect).reduce(higherEffect)
  return { command: { protocol: 'postgres', effect, parts }, hidden }
}

/** A text without statements: the server answers EmptyQueryResponse. */
const nothing: CommandPart = {
  kind: 'empty',
  effect: 'session-control',
  relations: [],
  traits: [],
  because: [],
}

function shake(shaken: Shaken, facts: StatementFacts, catalog: Catalog): void {
  if (facts.shakes.includes('*')) shaken.everything = true
  if (higherEffect(facts.effect, 'ddl') === facts.effect) shaken.defined = true
  const made = facts.relations.filter((ref) => ref.access === 'create')
  for (const name of facts.shakes) {
    const names = made.filter((ref) => ref.name === name).map((ref) => createdName(ref, catalog))
    shaken.relations.set(name, names.length > 0 ? names : 'gone')
  }
}

const createdName = (ref: RelationRef, catalog: Catalog): string => {
  const schema = ref.schema ?? catalog.creationSchema
  return schema === undefined ? ref.name : `${schema}.${ref.name}`
}

/** True when a statement uses names that have to be looked up. */
const usesNames = (facts: StatementFacts): boolean =>
  facts.relations.length + facts.functions.length + facts.operators.length > 0 ||
  facts.types.length + facts.columns.length > 0

/** Resolves one part; what a view runs is resolved as if it stood in the statement. */
class PartResolution {
  /** Values can reach it on ways that its text does not show. */
  isHidden = false
  readonly #kind: string
  /** Rules rewrite INSERT, UPDATE, DELETE and MERGE; DDL is not rewritten. */
  readonly #rewritten: boolean
  #effect: Effect
  readonly #catalog: Catalog
  readonly #views: ViewFacts
  readonly #shaken: Shaken
  readonly #because = new Set<string>()
  readonly #relations = new Map<string, RelationUse>()
  readonly #seenViews = new Set<string>()

  constructor(kind: string, effect: Effect, catalog: Catalog, views: ViewFacts, shaken: Shaken) {
    this.#kind = kind
    this.#rewritten = higherEffect(effect, 'ddl') !== effect
    this.#effect = effect
    this.#catalog = catalog
    this.#views = views
    this.#shaken = shaken
  }

  resolve(facts: StatementFacts): CommandPart {
    for (const because of facts.because) this.#because.add(because)
    if (this.#shaken.everything && usesNames(facts))
      this.#raise('unknown', 'an earlier statement of the same text changes what its names mean')
    this.#names(facts)
    for (const code of this.#catalog.typeCode)
      if (facts.relations.length + facts.types.length > 0) this.#raise('unknown', `type ${code}`)
    return {
      kind: this.#kind,
      effect: this.#effect,
      relations: [...this.#relations].toSorted(byKey).map(([, use]) => use),
      traits: facts.traits,
      because: [...this.#because].slice(0, becauseCountMax),
    }
  }

  #raise(effect: Effect, because: string): void {
    if (effect === 'unknown' || effect === 'dangerous') this.isHidden = true
    this.#effect = higherEffect(this.#effect, effect)
    this.#because.add(because)
  }

  #names(facts: StatementFacts): void {
    this.#checkEncoding(facts)
    for (const ref of facts.relations) this.#relation(ref)
    for (const ref of facts.functions) this.#function(ref)
    for (const name of facts.columns) this.#column(name)
    for (const ref of facts.operators) this.#operator(ref)
    for (const ref of facts.types) this.#type(ref)
  }

  /** A server that is not UTF8 folds the case of names beyond ASCII; the parser here does not. */
  #checkEncoding(facts: StatementFacts): void {
    const { encoding } = this.#catalog
    if (encoding === '' || encoding === 'UTF8') return
    const names = [...facts.relations, ...facts.functions, ...facts.types].map((ref) => ref.name)
    if ([...names, ...facts.columns].some((name) => /[^\0-\x7f]/.test(name)))
      this.#raise('unknown', `the database's encoding ${encoding} may change its names`)
  }

  #relation(ref: RelationRef): void {
    if (ref.catalog !== undefined) this.#raise('unknown', `names a database: ${ref.catalog}`)
    if (ref.access === 'create') {
      this.#use(createdName(ref, this.#catalog), 'write')
      return
    }
    this.#afterShaking(ref.name, ref.access)
    const found = this.#catalog.relations(wantedRelation(ref))
    // The server will refuse a relation that is not there; the name is kept as it was written.
    if (found.length === 0)
      this.#use(ref.schema === undefined ? ref.name : `${ref.schema}.${ref.name}`, ref.access)
    for (const relation of found) this.#foundRelation(relation, ref.access)
  }

  /** What an earlier statement of the same text has made of the name. */
  #afterShaking(relation: string, access: 'read' | 'write'): void {
    const made = this.#shaken.relations.get(relation)
    if (made !== undefined) this.isHidden = true
    if (made === 'gone')
      this.#raise('unknown', `an earlier statement of the same text changes what ${relation} means`)
    else for (const name of made ?? []) this.#use(name, access)
  }

  #foundRelation(relation: FoundRelation, access: 'read' | 'write'): void {
    const name = `${relation.schema}.${relation.name}`
    const reading = catalogReading(relation.schema, relation.name, relation.builtin)
    if (reading !== 'ordinary') {
      if (access === 'write') this.#raise('dangerous', `writes ${name}`)
      else if (reading === 'dangerous') this.#raise('dangerous', `reads ${name}`)
      if (reading === 'harmless' && access === 'read') return
    }
    this.#use(name, access)
    if (relation.kind === 'f') {
      // What comes back is still what its columns say.
      const { isHidden } = this
      this.#raise('dangerous', `${name} is a foreign table on another server`)
      this.isHidden = isHidden
    }
    if (
      access === 'write' &&
      relation.root &&
      relation.ruled &&
      !relation.builtin &&
      this.#rewritten
    )
      this.#raise('unknown', `${name} has rules that turn a write into something else`)
    if (relation.definition !== undefined) this.#view(relation, name, access)
  }

  /** A view reads, and when it is written through also writes, what its definition names. */
  #view(relation: FoundRelation, name: string, access: 'read' | 'write'): void {
    const key = `${relation.oid} ${access}`
    if (this.#seenViews.has(key)) return
    this.#seenViews.add(key)
    const code = this.#catalog.viewCode.get(relation.oid)
    if (code !== undefined) this.#raise('unknown', `view ${name} runs ${code}, which is not known`)
    const facts = this.#views.get(relation.oid)
    if (facts === undefined || typeof facts === 'string') {
      this.#raise('unknown', `view ${name} can't be judged: ${facts ?? 'not looked up'}`)
      return
    }
    if (facts.effect !== 'read') this.#raise(facts.effect, `view ${name} does more than read`)
    this.#names(facts)
    if (access === 'write' && relation.kind === 'v')
      for (const ref of facts.relations)
        for (const below of ref.access === 'create'
          ? []
          : this.#catalog.relations(wantedRelation(ref)))
          this.#foundRelation(below, 'write')
  }

  #use(relation: string, access: 'read' | 'write'): void {
    if (this.#relations.size < relationCountMax)
      this.#relations.set(`${access} ${relation}`, { relation, access })
    else this.#raise('unknown', 'touches too many relations')
  }

  #function(ref: FunctionRef): void {
    const found = this.#catalog.functions(wantedFunction(ref))
    if (found.length === 0 && isDangerousName(ref.name))
      this.#raise('dangerous', `function ${shown(ref)} is dangerous`)
    if (found.length === 0 && this.#shaken.defined && ref.from !== 'grammar')
      this.#raise('unknown', `function ${shown(ref)} may be made by the same text`)
    this.#candidates(found)
  }

  /** `a.b` runs a function only if one of that name takes a row. */
  #column(name: string): void {
    const wanted: Wanted = { what: 'column', schema: '', name, detail: 1 }
    this.#candidates(this.#catalog.functions(wanted).filter((candidate) => candidate.takesRow))
  }

  #candidates(found: readonly FoundFunction[]): void {
    const overloadsBuiltin = found.some((candidate) => candidate.builtin)
    for (const { schema, name, builtin, extension, signature } of found) {
      // citext brings a max(citext): the overload of a built-in for the extension's own type.
      if (!builtin && extension && overloadsBuiltin) continue
      const effect = builtin ? builtinEffect(schema, name, signature) : 'unknown'
      if (effect === 'unknown') this.#raise(effect, `function ${schema}.${name} is not known`)
      else if (effect !== 'read') this.#raise(effect, `function ${schema}.${name} is ${effect}`)
    }
  }

  #operator(ref: OperatorRef): void {
    const found = this.#catalog.functions(wantedOperator(ref))
    if (found.length === 0 && this.#shaken.defined)
      this.#raise('unknown', `operator ${shown(ref)} may be made by the same text`)
    for (const { schema, name, builtin, extension, signature } of found) {
      // Operators of extensions on types of their own are C code that only a superuser installs.
      if (!builtin && extension) continue
      const functionName = signature.slice(0, signature.indexOf('('))
      if (!builtin || builtinEffect(schema, functionName, signature) !== 'read')
        this.#raise('unknown', `operator ${schema}.${name} is not known`)
    }
  }

  #type(ref: TypeRef): void {
    const found = this.#catalog.types(wantedType(ref))
    if (ref.from === 'call') {
      // `t(x)` is a cast when a type t is in sight; a row type can't be meant (FuncNameAsType).
      for (const type of found) if (type.kind !== 'c') this.#knownType(type)
      return
    }
    if (found.length === 0 && this.#shaken.defined)
      this.#raise('unknown', `type ${shown(ref)} may be made by the same text`)
    const nearest = Math.min(...found.map((type) => type.place))
    for (const type of found) if (type.place === nearest) this.#knownType(type)
  }

  /** Built-in types, enums, and arrays of them: their input runs no code of users. */
  #knownType(type: FoundType): void {
    const kind = type.elementKind ?? type.kind
    const known = kind === 'e' || (type.builtin && BUILTIN_KINDS.has(kind))
    const domain = type.builtin && kind === 'd' && type.schema === 'information_schema'
    if (!known && !domain) this.#raise('unknown', `type ${type.schema}.${type.name} is not known`)
  }
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) =>
  a < b ? -1 : a > b ? 1 : 0

/** typtype of base, range and multirange types. */
const BUILTIN_KINDS: ReadonlySet<string> = new Set(['b', 'r', 'm'])

const shown = (ref: { schema?: string; name: string }): string =>
  ref.schema === undefined ? ref.name : `${ref.schema}.${ref.name}`

const wantedFunction = ({ schema = '', name, argumentCount }: FunctionRef): Wanted => ({
  what: 'function',
  schema,
  name,
  detail: argumentCount,
})

const wantedOperator = ({ schema = '', name, arity }: OperatorRef): Wanted => ({
  what: 'operator',
  schema,
  name,
  detail: arity,
})

const wantedType = ({ schema = '', name }: TypeRef): Wanted => ({
  what: 'type',
  schema,
  name,
  detail: 0,
})
