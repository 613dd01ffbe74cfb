// A result as psql's aligned format shows it (PostgreSQL manual, psql, "Output format"). Pure.

/** A column of a result. */
export interface Column {
  readonly name: string
  /** Numbers stand to the right. */
  readonly isRight: boolean
}

/** The lines of the table, its count and the empty line that follows. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = columns.map(({ name }, at) =>
    Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)),
  )
  const head = columns.map(({ name }, at) => centred(name, widths[at] ?? 0))
  const body = rows.map((row) =>
    columns.map(({ isRight }, at) => {
      const [text, width] = [row[at] ?? '', widths[at] ?? 0]
      return isRight ? text.padStart(width) : text.padEnd(width)
    }),
  )
  return [
    ` ${head.join(' | ')} `,
    widths.map((width) => '-'.repeat(width + 2)).join('+'),
    ...body.map((cells) => ` ${cells.join(' | ')}`.trimEnd()),
    `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`,
    '',
  ]
}

function centred(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2)
  return `${' '.repeat(left)}${text}`.padEnd(width)
}
