// Walks a parse tree by its schema and gathers facts. A node or a field that is not listed makes
// the statement unknown; nothing is skipped because it looks harmless. Pure.

import { higherEffect } from '../../../core/command.js'
import type { CommandTrait, Effect } from '../../../core/command.js'
import { referenceCountMax } from './facts.js'
import type { FunctionRef, OperatorRef, RelationRef, StatementFacts, TypeRef } from './facts.js'

/** A JSON object of the parse tree, whose fields are still unproven. */
export type Tree = Readonly<Record<string, unknown>>

/**
 * How a field is read: `scalar` holds no node, `names` only identifiers, `node` and `nodes` hold
 * wrapped nodes (`{"A_Expr": {…}}`), anything else is the type of a bare, unwrapped node.
 */
export type Field = string

/** A node type's fields. */
export type Shape = ReadonlyMap<string, Field>

/** What a node type does besides being walked. */
export interface Grammar {
  readonly shapes: ReadonlyMap<string, Shape>
  /** Called before the fields are walked. */
  readonly emit: ReadonlyMap<string, (node: Tree, walk: Walk) => void>
  /** Called instead of walking the fields; has to see to every field itself. */
  readonly own: ReadonlyMap<string, (node: Tree, walk: Walk) => void>
}

/** Deeper trees than this are not walked. The parser's own budget keeps them far below. */
const depthMax = 20_000
/** Reasons kept per statement: people read them. */
const becauseCountMax = 12

/** The value as an object of the tree, or undefined. */
export const asTree = (value: unknown): Tree | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : undefined

/** The value as a list; an absent list is empty. */
export const asList = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as readonly unknown[]) : []

/** The value as text, or undefined. */
export const asText = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

/** The single tag and body of a wrapped node; undefined for a null node or anything else. */
export function unwrap(value: unknown): { tag: string; body: Tree } | undefined {
  const tree = asTree(value)
  if (tree === undefined) return undefined
  const [tag, ...others] = Object.keys(tree)
  const body = tag === undefined ? undefined : asTree(tree[tag])
  return tag === undefined || body === undefined || others.length > 0 ? undefined : { tag, body }
}

/** The text of a `String` node; undefined for anything else. */
export function stringOf(value: unknown): string | undefined {
  const node = unwrap(value)
  return node?.tag === 'String' ? (asText(node.body['sval']) ?? '') : undefined
}

/** The last two parts of a name: the server itself checks the database part of three. */
function schemaQualified(value: unknown): { schema?: string; name: string } | undefined {
  const found = qualifiedName(value)
  if (found === undefined) return undefined
  const { schema, name } = found
  return schema === undefined ? { name } : { schema, name }
}

/** A possibly qualified name given as a list of `String` nodes; undefined when it is not one. */
export function qualifiedName(
  value: unknown,
): { catalog?: string; schema?: string; name: string } | undefined {
  const parts = asList(value).map(stringOf)
  if (parts.length === 0 || parts.length > 3 || parts.includes(undefined)) return undefined
  const [name = '', schema, catalog] = parts.toReversed()
  return {
    name,
    ...(schema === undefined ? {} : { schema }),
    ...(catalog === undefined ? {} : { catalog }),
  }
}

/** Names of CTEs in sight, innermost first. */
interface Scope {
  readonly names: Set<string>
  readonly outer: Scope | undefined
}

/** Gathers the facts of one statement while its tree is walked. */
export class Walk {
  readonly #grammar: Grammar
  #depth = 0
  #scope: Scope | undefined
  #kind = 'unknown'
  #effect: Effect = 'read'
  readonly #because = new Set<string>()
  readonly #traits = new Set<CommandTrait>()
  readonly #relations = new Map<string, RelationRef>()
  readonly #functions = new Map<string, FunctionRef>()
  readonly #operators = new Map<string, OperatorRef>()
  readonly #types = new Map<string, TypeRef>()
  readonly #columns = new Set<string>()
  readonly #shakes = new Set<string>()

  constructor(grammar: Grammar) {
    this.#grammar = grammar
  }

  /** A walk of its own for a statement inside this one. */
  child(): Walk {
    return new Walk(this.#grammar)
  }

  /** Sets what the statement is called. */
  kind(kind: string): void {
    this.#kind = kind
  }

  /** Raises the effect; the reason is kept when one is given. */
  raise(effect: Effect, because?: string): void {
    this.#effect = higherEffect(this.#effect, effect)
    if (because !== undefined && this.#because.size < becauseCountMax) this.#because.add(because)
  }

  /** Makes the statement unknown. */
  unknown(because: string): void {
    this.raise('unknown', because)
  }

  trait(trait: CommandTrait): void {
    this.#traits.add(trait)
  }

  /** The name means something else once this statement has run; `*` is any name. */
  shake(name: string): void {
    this.#shakes.add(name)
  }

  /** Reads a bare or unwrapped RangeVar as a use of a relation. */
  relation(value: unknown, access: RelationRef['access']): void {
    const node = asTree(value)
    const name = asText(node?.['relname'])
    if (node === undefined || name === undefined) {
      this.unknown('a relation without a name')
      return
    }
    this.fields('RangeVar', node)
    const schema = asText(node['schemaname'])
    if (access === 'read' && schema === undefined && this.#isCte(name)) return
    const catalog = asText(node['catalogname'])
    const temporary = access === 'create' && node['relpersistence'] === 't'
    this.addRelation({
      ...(catalog === undefined ? {} : { catalog }),
      ...(temporary ? { schema: 'pg_temp' } : schema === undefined ? {} : { schema }),
      name,
      access,
      inherits: node['inh'] === true,
    })
  }

  addRelation(ref: RelationRef): void {
    this.#add(this.#relations, JSON.stringify(ref), ref)
    if (ref.access === 'create') this.shake(ref.name)
  }

  /** Notes a call; one of one argument may turn out to be a cast. */
  callFunction(names: unknown, argumentCount: number, from: FunctionRef['from']): void {
    const name = schemaQualified(names)
    if (name === undefined) {
      this.unknown('a function without a name')
      return
    }
    const call = { ...name, argumentCount, from }
    this.#add(this.#functions, JSON.stringify(call), call)
    if (argumentCount === 1 && from === 'call') {
      const type = { ...name, from: 'call' as const }
      this.#add(this.#types, JSON.stringify(type), type)
    }
  }

  /** A construct that servers without its keyword take for a call of a user's function. */
  grammarFunction(name: string): void {
    const ref = { name, argumentCount: -1, from: 'grammar' as const }
    this.#add(this.#functions, JSON.stringify(ref), ref)
  }

  useOperator(names: unknown, arity: 1 | 2): void {
    const name = schemaQualified(names)
    if (name === undefined) {
      this.unknown('an operator without a name')
      return
    }
    const operator = { ...name, arity }
    this.#add(this.#operators, JSON.stringify(operator), operator)
  }

  /** An operator that the grammar uses by its plain name. */
  useOperatorNamed(name: string): void {
    const operator = { name, arity: 2 as const }
    this.#add(this.#operators, JSON.stringify(operator), operator)
  }

  useType(names: unknown): void {
    const name = schemaQualified(names)
    if (name === undefined) {
      this.unknown('a type without a name')
      return
    }
    const type = { ...name, from: 'cast' as const }
    this.#add(this.#types, JSON.stringify(type), type)
  }

  column(name: string): void {
    if (this.#hasRoom()) this.#columns.add(name)
  }

  /** Walks `body` with more CTE names in sight. */
  withScope(names: readonly string[], body: (add: (name: string) => void) => void): void {
    const scope = { names: new Set(names), outer: this.#scope }
    this.#scope = scope
    body((name) => scope.names.add(name))
    this.#scope = scope.outer
  }

  /** Walks a wrapped node. A null node (absent, or `{}` in a list) is nothing. */
  node(value: unknown): void {
    const tree = asTree(value)
    if (value === undefined || (tree !== undefined && Object.keys(tree).length === 0)) return
    const node = unwrap(value)
    if (node === undefined) this.unknown('a malformed node')
    else this.bare(node.tag, node.body)
  }

  nodes(value: unknown): void {
    if (value === undefined) return
    if (!Array.isArray(value)) this.unknown('a malformed list')
    for (const item of asList(value)) this.node(item)
  }

  /** Walks the body of a node whose type is known from where it stands. */
  bare(type: string, body: Tree): void {
    if (!this.#grammar.shapes.has(type)) {
      this.unknown(`node ${type} not known`)
      return
    }
    if (this.#depth >= depthMax) {
      this.unknown('nested too deeply')
      return
    }
    this.#depth += 1
    const own = this.#grammar.own.get(type)
    if (own === undefined) {
      this.#grammar.emit.get(type)?.(body, this)
      this.fields(type, body)
    } else {
      own(body, this)
    }
    this.#depth -= 1
  }

  /** Checks every field against the schema and walks those that hold nodes, except `handled`. */
  fields(type: string, body: Tree, handled: readonly string[] = []): void {
    const shape = this.#grammar.shapes.get(type)
    for (const [name, value] of Object.entries(body)) {
      const field = shape?.get(name)
      if (field === undefined) this.unknown(`field ${type}.${name} not known`)
      else if (!handled.includes(name)) this.#field(`${type}.${name}`, field, value)
    }
  }

  /** Takes over what a child walk found. */
  absorb(facts: StatementFacts): void {
    this.raise(facts.effect)
    for (const because of facts.because) this.raise(facts.effect, because)
    for (const trait of facts.traits) this.trait(trait)
    for (const ref of facts.relations) this.addRelation(ref)
    for (const ref of facts.functions) this.#add(this.#functions, JSON.stringify(ref), ref)
    for (const ref of facts.operators) this.#add(this.#operators, JSON.stringify(ref), ref)
    for (const ref of facts.types) this.#add(this.#types, JSON.stringify(ref), ref)
    for (const name of facts.columns) this.column(name)
    for (const name of facts.shakes) this.shake(name)
  }

  /** The facts so far. */
  facts(): StatementFacts {
    return {
      kind: this.#kind,
      effect: this.#effect,
      because: [...this.#because],
      traits: [...this.#traits],
      relations: [...this.#relations.values()],
      functions: [...this.#functions.values()],
      operators: [...this.#operators.values()],
      types: [...this.#types.values()],
      columns: [...this.#columns],
      shakes: [...this.#shakes],
    }
  }

  #field(path: string, field: Field, value: unknown): void {
    if (field === 'scalar') {
      if (typeof value === 'object') this.unknown(`field ${path} holds a node`)
    } else if (field === 'node') {
      this.node(value)
    } else if (field === 'nodes') {
      this.nodes(value)
    } else if (field === 'names') {
      if (!Array.isArray(value) || asList(value).some((item) => stringOf(item) === undefined))
        this.unknown(`field ${path} holds more than names`)
    } else {
      const body = asTree(value)
      if (body === undefined) this.unknown(`field ${path} holds no node`)
      else this.bare(field, body)
    }
  }

  #isCte(name: string): boolean {
    for (let scope = this.#scope; scope !== undefined; scope = scope.outer)
      if (scope.names.has(name)) return true
    return false
  }

  #add<T>(refs: Map<string, T>, key: string, ref: T): void {
    if (this.#hasRoom()) refs.set(key, ref)
  }

  #hasRoom(): boolean {
    const size =
      this.#relations.size +
      this.#functions.size +
      this.#operators.size +
      this.#types.size +
      this.#columns.size
    if (size < referenceCountMax) return true
    this.unknown('names too much to be judged')
    return false
  }
}
