// How answers look: tables and labelled lines for people. Whatever stood in an answer goes through
// `visible`, so that nothing in it can steer the terminal.

import type { Writable } from 'node:stream'
import { visible } from '../core/visible.js'

/** Columns as wide as their longest cell, two blanks between them. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  columns([head, ...rows])

/** The same without headings. */
export function columns(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(visible))
  const widths = Array.from(
    { length: Math.max(0, ...cells.map((row) => row.length)) },
    (_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  )
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** `label  value` lines; those without a value are left out. */
export function labelled(rows: readonly (readonly [label: string, value: string | undefined])[]) {
  const shown = rows.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(0, ...shown.map(([label]) => label.length))
  return shown.map(([label, value]) => `${label.padEnd(width)}  ${visible(value ?? '')}\n`).join('')
}

/** Prints the answer as JSON (all non-ASCII escaped is the terminal's wish, not JSON's: controls are). */
export const printJson = (stdout: Writable, value: unknown): void => {
  stdout.write(`${asciiJson(value)}\n`)
}

/** The same on one line, for whatever reads line by line. */
export const printJsonLine = (stdout: Writable, value: unknown): void => {
  stdout.write(`${asciiJson(value, 0)}\n`)
}

/** JSON whose text can't steer a terminal; any JSON reader sees the same value. */
const asciiJson = (value: unknown, indent = 2): string =>
  JSON.stringify(value, undefined, indent).replace(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** `2026-11-22 12:00:05Z`. */
export function timeText(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime())
    ? String(ms)
    : `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`
}

/** `2h 5m`, `14m`, `42s`: rounded down, never negative. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${String(seconds)}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${String(minutes)}m`
  const rest = minutes % 60
  return `${String(Math.floor(minutes / 60))}h${rest === 0 ? '' : ` ${String(rest)}m`}`
}

/** Joins the parts by two blanks into lines that are no longer than that, unless one part is. */
export function flowed(parts: readonly string[], lengthMax: number): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    const joined = last === undefined ? undefined : `${last}  ${part}`
    if (joined === undefined || joined.length > lengthMax) lines.push(part)
    else lines.splice(-1, 1, joined)
  }
  return lines
}
