// Where the values of a result come from: what each column of a statement's result holds, and what the
// columns of the relations it reads hold. Types only; no policy.

/** A column of a base table whose values end up somewhere. */
export interface ColumnSource {
  /** `schema.name` of the table. */
  readonly relation: string
  /** Its name, or `*` when nobody can tell which column of the table it is. */
  readonly column: string
  /** False when the values were changed on the way (a view that computes). */
  readonly exact: boolean
}

/** What the columns of one relation hold, by attribute number (pg_attribute.attnum). */
export interface RelationOrigin {
  /** `schema.name`. */
  readonly relation: string
  /**
   * A table's own columns hold themselves and those of the same name in its parents and children; a
   * view's those that it selects. System columns (ctid …) hold nothing.
   */
  readonly columns: ReadonlyMap<number, readonly ColumnSource[]>
}

/** How COPY … TO STDOUT writes its rows; only what can be rewritten row by row is told apart. */
export type CopyForm = 'text' | 'csv' | 'other'

/** The result of one statement of a text. */
export interface StatementLineage {
  /**
   * What each column of its result holds, in order; empty for a statement without result, undefined
   * when nobody can tell (a procedure, a prepared statement run by name).
   */
  readonly outputs: readonly (readonly ColumnSource[])[] | undefined
  /** Set for COPY … TO STDOUT: its rows come as `outputs`, but without a description. */
  readonly copyForm?: CopyForm
  /** DECLARE: the cursor whose rows will be `outputs`. */
  readonly declares?: string
  /** FETCH: the cursor whose rows come. */
  readonly fetches?: string
}

/** The lineage of a text. */
export interface Lineage {
  /**
   * By OID (pg_class.oid) of every relation that its statements name: the only ones that a result
   * column can have as its origin. A cursor's rows have those of its DECLARE.
   */
  readonly origins: ReadonlyMap<number, RelationOrigin>
  /** One for each statement, in order. */
  readonly statements: readonly StatementLineage[]
}
