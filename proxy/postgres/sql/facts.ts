// What the parser worker says about a SQL text: small, cloneable facts instead of parse trees.
// Types only: names are as written (after PostgreSQL's own case folding), nothing is resolved yet.

import type { CommandTrait, Effect } from '../../../core/command.js'
import type { Flow } from './flow.js'

/** A relation named in a statement. Names of CTEs are not relations. */
export interface RelationRef {
  /** Database part of a three-part name. */
  readonly catalog?: string
  readonly schema?: string
  readonly name: string
  /** `create` names something that the statement makes: it is not looked up on the search path. */
  readonly access: 'read' | 'write' | 'create'
  /** False for `ONLY t`: inheritance children and partitions are left out. */
  readonly inherits: boolean
}

/** A function, aggregate, window function or sampling method that a statement calls by name. */
export interface FunctionRef {
  readonly schema?: string
  readonly name: string
  /** Number of arguments, or -1 when any function of that name may be meant. */
  readonly argumentCount: number
  /**
   * `call` is an ordinary call, `sample` a TABLESAMPLE method, `grammar` a construct (`json_value`)
   * that is syntax in newer servers and a plain function call in older ones.
   */
  readonly from: 'call' | 'sample' | 'grammar'
}

/** An operator that a statement uses, also through CASE, IN, BETWEEN, USING or NULLIF. */
export interface OperatorRef {
  readonly schema?: string
  readonly name: string
  readonly arity: 1 | 2
}

/** A type that a statement names; its input function, casts and checks may run. */
export interface TypeRef {
  readonly schema?: string
  readonly name: string
  /** `call`: a one-argument call `t(x)` that becomes a cast when a type has that name. */
  readonly from: 'cast' | 'call'
}

/** Everything the gateway needs to know about one statement of a text. */
export interface StatementFacts {
  /** Kebab-case kind: `select`, `create-table`, `copy-from-stdin`. */
  readonly kind: string
  /** What the statement's own shape does; names that it uses may raise it. */
  readonly effect: Effect
  /** Why the effect is not lower. */
  readonly because: readonly string[]
  readonly traits: readonly CommandTrait[]
  readonly relations: readonly RelationRef[]
  readonly functions: readonly FunctionRef[]
  readonly operators: readonly OperatorRef[]
  readonly types: readonly TypeRef[]
  /** Last names in `a.b` and `(x).b`: columns, or functions of one row argument. */
  readonly columns: readonly string[]
  /** Relation names that mean something else after this statement; `*` when any name may. */
  readonly shakes: readonly string[]
  /** Where values go; absent when nobody can tell. */
  readonly flow?: Flow
}

/** From the first byte to the one after the last. */
export type Span = readonly [start: number, end: number]

/** What the parser says about a text. */
export type TextFacts =
  | {
      readonly outcome: 'facts'
      readonly statements: readonly StatementFacts[]
      /**
       * True when all texts of the same shape (`liftLiterals`) have these facts, whatever their
       * literals; otherwise, or absent, they hold for this very text only.
       */
      readonly shapeIsSafe?: boolean
      /**
       * Where each statement stands in the text, in bytes of UTF-8, without its semicolon; only when
       * it was asked for. What stands before it (blanks, comments) belongs to it.
       */
      readonly spans?: readonly Span[]
    }
  /** PostgreSQL's grammar refuses it; `position` counts characters from 1. */
  | { readonly outcome: 'invalid'; readonly message: string; readonly position: number }
  /** Over a budget, or the parser failed: nothing can be said. */
  | { readonly outcome: 'unknown'; readonly because: string }

/** Names, functions, operators, types and columns per statement beyond which nothing is judged. */
export const referenceCountMax = 2000

/** Statements in one text: far more than any script sends at once, few enough to show people. */
export const statementCountMax = 1000
