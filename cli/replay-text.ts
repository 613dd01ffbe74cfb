// The lines of a replay as people watch them. Pure; all text from outside is made visible.

import type { ReplayLine } from '../contract/replay.js'
import { visible, visibleLines, visibleShort } from '../core/visible.js'
import { table } from './output.js'

type Line<T extends ReplayLine['type']> = Extract<ReplayLine, { type: T }>

/** Longer values are cut; `--json` has them whole. */
const VALUE_CHARACTERS_MAX = 80
/** Below the time, so that the times stand out. */
const INDENT = ' '.repeat(15)

/** What the log says about something around the commands. */
export const recordText = ({ offsetMs, kind, text, statement }: Line<'record'>): string =>
  `${offsetText(offsetMs)}  ${visible(kind)}  ${visible(text)}\n${statementText(statement)}`

/** A command as it was sent. */
export function commandText({
  offsetMs,
  number,
  effect,
  text,
  parameters,
}: Line<'command'>): string {
  const shown = parameters.map((one, at) => `$${at + 1} = ${valueText(one)}`).join(', ')
  const lines = [...text.split('\n'), ...(shown === '' ? [] : [`with ${shown}`])]
  const head = `${offsetText(offsetMs)}  command ${number} (${visible(effect)})\n`
  return head + statementText(lines)
}

/** What came of it. */
export function outcomeText(line: Line<'command'>): string {
  const { offsetMs, number, outcome, tag, sqlstate, durationMs, reviewId, reasons = [] } = line
  const facts = [outcome, tag, sqlstate].filter((fact) => fact !== '').map(visible)
  const review = reviewId === undefined ? '' : `, review ${visible(reviewId)}`
  const why = reasons.length === 0 ? '' : `: ${visible(reasons.join('; '))}`
  const took = outcome === 'refused' ? '' : ` in ${Math.round(durationMs * 10) / 10} ms`
  const at = offsetText(offsetMs + durationMs)
  return `${at}  command ${number} ${facts.join(' ')}${took}${review}${why}\n`
}

/** Rows as a table. */
export function rowsText({ columns, rows, omittedRows, unreadable }: Line<'rows'>): string {
  const head = columns.map(({ name }) => visibleShort(name, VALUE_CHARACTERS_MAX))
  const cells = rows.map((row) => row.map((value) => (value === null ? 'NULL' : valueText(value))))
  const shown = indented(table(head, cells))
  const more = omittedRows === 0 ? '' : `${INDENT}… ${omittedRows} more rows were not recorded\n`
  return `${shown}${more}${unreadable === undefined ? '' : `${INDENT}… ${visible(unreadable)}\n`}`
}

/** Output that is no rows. */
export function outputText({ text, omittedBytes }: Line<'output'>): string {
  const lines = visibleLines(text.replace(/\n$/, ''))
  const more = omittedBytes === 0 ? '' : `${INDENT}… ${omittedBytes} more bytes were not recorded\n`
  return `${indented(`${lines}\n`)}${more}`
}

/** What people decided. */
export const decisionText = ({ offsetMs, number, reviewId, state, by }: Line<'decision'>): string =>
  visible(
    `${offsetText(offsetMs)}  command ${number}, review ${reviewId}: ${state}${by === '' ? '' : ` by ${by}`}`,
  ) + '\n'

/** What is wrong with a recording, as a warning. */
export function findingText({ text, fault, commands }: Line<'finding'>): string {
  const which = commands === undefined ? '' : ` (commands ${commands.first} to ${commands.last})`
  return `warder: ${fault === 'unfinished' ? 'note' : 'WARNING'}: ${visible(text)}${which}\n`
}

const statementText = (lines: readonly string[]): string =>
  lines.map((line) => `${INDENT}│ ${visibleLines(line)}\n`).join('')

const indented = (text: string): string => text.replace(/^(?=.)/gm, INDENT)

const valueText = (value: string): string => visibleShort(value, VALUE_CHARACTERS_MAX)

/** `+00:00:01.234`. */
function offsetText(offsetMs: number): string {
  const ms = Math.abs(offsetMs)
  const part = (value: number, width: number) => String(Math.floor(value)).padStart(width, '0')
  const clock = `${part(ms / 3_600_000, 2)}:${part((ms / 60_000) % 60, 2)}:${part((ms / 1_000) % 60, 2)}`
  return `${offsetMs < 0 ? '-' : '+'}${clock}.${part(ms % 1_000, 3)}`
}
