// Walks a parse tree by its schema and gathers facts. A node or a field that is not listed makes
// the statement unknown; nothing is skipped because it looks harmless. Pure.

import { higherEffect } from '../../../core/command.js'
import type { CommandTrait, Effect } from '../../../core/command.js'
import { referenceCountMax } from './facts.js'
import { asList, asText, asTree, isNullNode, schemaQualified, stringOf, unwrap } from './tree.js'
import type { Tree } from './tree.js'
import type { FunctionRef, OperatorRef, RelationRef, StatementFacts, TypeRef } from './facts.js'

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

const isString = (value: unknown): boolean => stringOf(value) !== undefined

/** Identifies a reference, so that each is kept once. */
const keyOf = (...parts: readonly (string | number | undefined)[]): string => parts.join('\0')

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
    this.#shakes.add(this.#shakes.size < referenceCountMax ? name : '*')
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
    const key = keyOf(ref.catalog, ref.schema, ref.name, ref.access, String(ref.inherits))
    this.#add(this.#relations, key, ref)
    if (ref.access === 'create') this.shake(ref.name)
  }

  /** Notes a call; one of one argument may turn out to be a cast. */
  callFunction(names: unknown, argumentCount: number, from: FunctionRef['from']): void {
    const name = schemaQualified(names)
    if (name === undefined) {
      this.unknown('a function without a name')
      return
    }
    this.#addFunction({ ...name, argumentCount, from })
    if (argumentCount === 1 && from === 'call') {
      this.#addType({ ...name, from: 'call' })
    }
  }

  /** A construct that servers without its keyword take for a call of a user's function. */
  grammarFunction(name: string): void {
    this.#addFunction({ name, argumentCount: -1, from: 'grammar' })
  }

  useOperator(names: unknown, arity: 1 | 2): void {
    const name = schemaQualified(names)
    if (name === undefined) {
      this.unknown('an operator without a name')
      return
    }
    this.#addOperator({ ...name, arity })
  }

  /** An operator that the grammar uses by its plain name. */
  useOperatorNamed(name: string): void {
    this.#addOperator({ name, arity: 2 })
  }

  useType(names: unknown): void {
    const name = schemaQualified(names)
    if (name === undefined) {
      this.unknown('a type without a name')
      return
    }
    this.#addType({ ...name, from: 'cast' })
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
    if (value === undefined) return
    const node = unwrap(value)
    if (node !== undefined) this.bare(node.tag, node.body)
    else if (!isNullNode(value)) this.unknown('a malformed node')
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
    for (const name in body) {
      const field = shape?.get(name)
      if (field === undefined) this.unknown(`field ${type}.${name} not known`)
      else if (!handled.includes(name)) this.#field(type, name, field, body[name])
    }
  }

  /** Takes over what a child walk found. */
  absorb(facts: StatementFacts): void {
    this.raise(facts.effect)
    for (const because of facts.because) this.raise(facts.effect, because)
    for (const trait of facts.traits) this.trait(trait)
    for (const ref of facts.relations) this.addRelation(ref)
    for (const ref of facts.functions) this.#addFunction(ref)
    for (const ref of facts.operators) this.#addOperator(ref)
    for (const ref of facts.types) this.#addType(ref)
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

  #field(type: string, name: string, field: Field, value: unknown): void {
    if (field === 'scalar') {
      if (typeof value === 'object') this.unknown(`field ${type}.${name} holds a node`)
    } else if (field === 'node') {
      this.node(value)
    } else if (field === 'nodes') {
      this.nodes(value)
    } else if (field === 'names') {
      if (!Array.isArray(value) || !value.every(isString))
        this.unknown(`field ${type}.${name} holds more than names`)
    } else {
      const body = asTree(value)
      if (body === undefined) this.unknown(`field ${type}.${name} holds no node`)
      else this.bare(field, body)
    }
  }

  #isCte(name: string): boolean {
    for (let scope = this.#scope; scope !== undefined; scope = scope.outer)
      if (scope.names.has(name)) return true
    return false
  }

  #addFunction(ref: FunctionRef): void {
    this.#add(this.#functions, keyOf(ref.schema, ref.name, ref.argumentCount, ref.from), ref)
  }

  #addOperator(ref: OperatorRef): void {
    this.#add(this.#operators, keyOf(ref.schema, ref.name, ref.arity), ref)
  }

  #addType(ref: TypeRef): void {
    this.#add(this.#types, keyOf(ref.schema, ref.name, ref.from), ref)
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
