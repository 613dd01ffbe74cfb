// What the parts that follow values through a statement ask of each other. Types only.

import type { ColumnUseKind } from '../../../core/command.js'
import type { FoundColumn } from './catalog.js'
import type { CallFacts, CteFacts, ExpressionFacts, QueryFacts, RelationSource } from './flow.js'
import type { ColumnSource } from './lineage.js'
import type { Column, Columns, Scope, Value } from './scope.js'

/** Told of every use but the outputs of the query itself; `computed` may matter by failing only. */
export type TellUse = (
  sources: readonly ColumnSource[],
  use: Exclude<ColumnUseKind, 'output'> | 'computed',
) => void

/** A relation as a statement sees it. */
export interface KnownRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly columns: readonly Column[]
  readonly found: readonly FoundColumn[]
}

/** What is known of relations and functions by name. */
export interface Relations {
  /** What a name leads to. @throws NotTraceable */
  relation(source: Pick<RelationSource, 'schema' | 'name' | 'access' | 'inherits'>): KnownRelation
  /** The columns given by a function in FROM: how many, or undefined when only a call tells. */
  given(called: NonNullable<CallFacts['called']>, isScalar: boolean): number | undefined
}

/** A query of a WITH, followed when it is first needed. */
export interface Cte {
  readonly facts: CteFacts
  readonly outer: Scope | undefined
  ctes: Ctes | undefined
  result: Columns | undefined
  isRunning: boolean
  /** What a recursive reference gives so far. */
  soFar: Columns | undefined
  readsItself: boolean
}

/** CTEs in sight, innermost first. */
export interface Ctes {
  readonly byName: ReadonlyMap<string, Cte>
  readonly outer: Ctes | undefined
}

/** Follows values through the queries of one statement. */
export interface Following {
  readonly relations: Relations
  readonly tell: TellUse
  /** The columns that a query gives. @throws NotTraceable */
  query(facts: QueryFacts, outer?: Scope, around?: Ctes): Columns
  /** What an expression is made of; what only chooses in it is told. */
  value(facts: ExpressionFacts | undefined, scope: Scope, ctes: Ctes | undefined): Value
  /** Tells what an expression that filters, joins, groups or sorts is made of. */
  condition(facts: ExpressionFacts | undefined, scope: Scope, ctes: Ctes | undefined): void
  /** The columns of a CTE in sight. */
  cteNamed(name: string, ctes: Ctes | undefined): Columns | undefined
}
