// Audit records as people read them: one line each, and the statement under it. Pure.

import { visible, visibleLines } from '../core/visible.js'
import type { Entry } from './answers.js'
import { timeText } from './output.js'

/** Lines for the records, in the order given. */
export const entriesText = (entries: readonly Entry[]): string => entries.map(entryText).join('')

function entryText({ at, kind, fields }: Entry): string {
  const { text, ...rest } = fields
  const facts = Object.entries(rest).map(
    ([name, value]) =>
      `${visible(name)}=${visible(Array.isArray(value) ? value.join(',') : String(value))}`,
  )
  const statement = typeof text === 'string' ? visibleLines(text).split('\n') : []
  return [
    `${timeText(at)}  ${visible(kind)}  ${facts.join(' ')}\n`,
    ...statement.map((line) => `  | ${line}\n`),
  ].join('')
}
