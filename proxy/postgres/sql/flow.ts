// What the parser worker says about where values go in a statement: names in their places, nothing
// resolved. Small and cloneable; types and their limits. Everything that the lineage of a
// statement depends on stands here, so that statements of equal facts have equal lineage.

import type { CopyForm } from './lineage.js'

/** A column as written: `u.ssn` is ["u", "ssn"]; with `star`, `u.*` is ["u"] and `*` is []. */
export interface NameFacts {
  readonly names: readonly string[]
  readonly star?: true
  /** What follows the parentheses of `(u).ssn`. */
  readonly field?: string
}

/** Everything that an expression takes values from. */
export interface ExpressionFacts {
  readonly names?: readonly NameFacts[]
  /** Subqueries; of EXISTS only the existence of a row matters. */
  readonly queries?: readonly { readonly query: QueryFacts; readonly exists?: true }[]
  /** FILTER, OVER and the ORDER BY of aggregates: they choose and sort, and hand nothing on. */
  readonly conditions?: ExpressionFacts
}

/** One item of a target list, of RETURNING or of a row of VALUES. */
export interface OutputFacts {
  /** Its name, where that is sure and does not follow from `column`. */
  readonly name?: string
  /** Nothing but a column, a row or a star. */
  readonly column?: NameFacts
  /** Anything else; a constant has neither. */
  readonly expression?: ExpressionFacts
}

/** Alias of a FROM item, with the names that it gives to the first columns. */
export interface AliasFacts {
  readonly alias?: string
  readonly columns?: readonly string[]
}

/** A relation, or a CTE in sight that has its name. */
export interface RelationSource extends AliasFacts {
  readonly from: 'relation'
  readonly schema?: string
  readonly name: string
  readonly access: 'read' | 'write'
  readonly inherits: boolean
  /** Arguments of TABLESAMPLE. */
  readonly sample?: ExpressionFacts
}

/** A function in FROM. */
export interface CallFacts {
  /** Absent for what is no plain call (`current_date`, a cast): it gives one column. */
  readonly called?: {
    readonly schema?: string
    readonly name: string
    readonly argumentCount: number
  }
  readonly input: ExpressionFacts
  /** Names of a column definition list. */
  readonly columns?: readonly string[]
  /** All its arguments are constants, parameters or casts: none is of a row type. */
  readonly isScalar: boolean
}

/** How two FROM items are joined. */
export interface JoinSource extends AliasFacts {
  readonly from: 'join'
  readonly type: 'inner' | 'left' | 'right' | 'full'
  readonly left: SourceFacts
  readonly right: SourceFacts
  readonly isNatural?: true
  readonly using?: readonly string[]
  readonly usingAlias?: string
  readonly on?: ExpressionFacts
}

/** A FROM item. */
export type SourceFacts =
  | RelationSource
  | JoinSource
  | (AliasFacts & { readonly from: 'query'; readonly query: QueryFacts; readonly lateral: boolean })
  | (AliasFacts & {
      readonly from: 'calls'
      readonly calls: readonly CallFacts[]
      readonly ordinality: boolean
    })
  /** XMLTABLE, JSON_TABLE: each column may hold any of the input. */
  | (AliasFacts & {
      readonly from: 'table'
      readonly input: ExpressionFacts
      readonly names: readonly string[]
    })

/** One query of a WITH. */
export interface CteFacts {
  readonly name: string
  readonly columns?: readonly string[]
  readonly query: QueryFacts
  /** Columns that SEARCH and CYCLE add. */
  readonly added?: readonly string[]
}

/** SELECT, VALUES, a set operation, or a statement that writes rows and may return them. */
export interface QueryFacts {
  readonly ctes?: readonly CteFacts[]
  readonly isRecursive?: true
  /** Set operation: its arms, in order. */
  readonly arms?: readonly QueryFacts[]
  /** Its rows are compared with each other as a whole: DISTINCT, UNION, INTERSECT, EXCEPT. */
  readonly comparesRows?: true
  /** Rows of VALUES. */
  readonly rows?: readonly (readonly OutputFacts[])[]
  readonly sources?: readonly SourceFacts[]
  /** Target list or RETURNING. */
  readonly outputs?: readonly OutputFacts[]
  /** WHERE, HAVING, GROUP BY, ORDER BY, WINDOW, LIMIT, conditions of MERGE. */
  readonly conditions?: ExpressionFacts
  /** Outputs that sort or group, by number from 1. */
  readonly positions?: readonly number[]
  /** Plain names in ORDER BY and DISTINCT ON: outputs first, else columns. */
  readonly sortNames?: readonly string[]
  /** Plain names in GROUP BY: columns and outputs. */
  readonly groupNames?: readonly string[]
  /** What is written into: INSERT, UPDATE, DELETE, MERGE. */
  readonly target?: RelationSource
  /** INSERT: where its rows come from. */
  readonly inserted?: QueryFacts
  /** INSERT: columns that are given values; absent for all. */
  readonly columns?: readonly string[]
  /** Expressions whose values are written. */
  readonly written?: ExpressionFacts
  readonly conflict?: {
    /** Columns and conditions that decide what conflicts; absent when any unique index does. */
    readonly inferred?: ExpressionFacts
  }
  /** Names for the rows before and after in RETURNING. */
  readonly returned?: readonly string[]
  /** MERGE: a star stands for the source's columns first, then the target's. */
  readonly targetLast?: true
}

/** Where the values of a statement go. */
export type Flow =
  /** No value of a column flows; its result, if any, has so many columns. */
  | { readonly to: 'nothing'; readonly outputCount: number }
  | { readonly to: 'rows' | 'write'; readonly query: QueryFacts }
  | { readonly to: 'plan'; readonly flow: Flow | undefined }
  | { readonly to: 'cursor'; readonly name: string; readonly query: QueryFacts }
  | { readonly to: 'fetched'; readonly name: string }
  /** COPY … TO; without `form`, to where the caller does not see it. */
  | {
      readonly to: 'copy'
      readonly form?: CopyForm
      readonly query?: QueryFacts
      readonly relation?: RelationSource
      /** Absent for all columns. */
      readonly columns?: readonly string[]
    }
  /** DDL that computes with values of a relation, or lets them go on under another name. */
  | {
      readonly to: 'definition'
      readonly relation: RelationSource
      readonly written?: ExpressionFacts
      readonly conditions?: ExpressionFacts
      /** The relation or the column leaves its name. */
      readonly renamed?: string
    }

/** Name that stands for every column of a renamed relation. */
export const ALL_COLUMNS = '*'

/** Names, outputs and FROM items of one statement beyond which its flow is not told. */
export const flowCountMax = 10_000

/** Queries and joins within each other beyond which a flow is not told; resolving recurses. */
export const flowDepthMax = 100

/** Leaves out what is undefined, so that facts stay small. */
export function compact<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  const kept: Partial<T> = {}
  for (const key in value) if (value[key] !== undefined) kept[key] = value[key]
  return kept as T
}
