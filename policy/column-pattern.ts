// `RESOURCE/schema.relation.column` as masks name columns: taken apart, and held against resolved
// names. Where a dot within a name makes it unclear what is meant, the pattern fits.

const ANY = '*'
/** A name as the target stores it; one with a dot, a star or a quote is reached by `*` only. */
const NAME = String.raw`[^.*"\p{Cc}]{1,63}`
const RESOURCE = String.raw`(\*|[a-z0-9][a-z0-9-]{0,62})`

/** What a pattern of columns looks like; groups: resource, schema, relation, column. */
export const COLUMN_PATTERN = new RegExp(
  String.raw`^${RESOURCE}\/(?:\*|(${NAME})\.(\*|${NAME}))\.(\*|${NAME})$`,
  'u',
)

/** A pattern of columns, taken apart. */
export interface ColumnPattern {
  /** Name of a resource, or `*` for any. */
  readonly resource: string
  /** `schema.name` when just one relation is meant, and one column of it. */
  readonly relation?: string | undefined
  /** What else begins with this: `` for all relations, `schema.`, `schema.relation.` for all columns. */
  readonly prefix: string
  /** Name of a column, or `*` for any. */
  readonly column: string
  /** `.column`: a name that ends so may be a dotted column, or one of a dotted relation. */
  readonly suffix: string
}

/** Takes apart a text that fits `COLUMN_PATTERN`; one that does not fit would mean every column. */
export function columnPatternOf(text: string): ColumnPattern {
  const [, resource = ANY, schema, relation = ANY, column = ANY] = COLUMN_PATTERN.exec(text) ?? []
  const prefix =
    schema === undefined ? '' : relation === ANY ? `${schema}.` : `${schema}.${relation}.`
  return {
    resource,
    relation:
      schema === undefined || relation === ANY || column === ANY
        ? undefined
        : `${schema}.${relation}`,
    prefix,
    column,
    suffix: `.${column}`,
  }
}

/**
 * True when the column may be meant.
 *
 * @param relation `schema.name`, resolved
 * @param column `*` asks for any column of the relation
 */
export function fitsColumn(pattern: ColumnPattern, relation: string, column: string): boolean {
  if (pattern.relation !== undefined)
    return relation === pattern.relation && (column === ANY || column === pattern.column)
  const { prefix, suffix } = pattern
  const isInside =
    relation.startsWith(prefix) ||
    (relation.length + 1 === prefix.length && prefix.startsWith(relation))
  if (!isInside) return false
  return (
    column === ANY || pattern.column === ANY || column === pattern.column || column.endsWith(suffix)
  )
}
