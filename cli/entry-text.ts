// Audit records as people read them: one line each, and the statement under it. Pure. It leaves out
// what a reader can't use (digests, sizes, ids of the wider things); `--json` has every field.

import type { Entry } from '../contract/audit.js'
import { visible, visibleLines } from '../core/visible.js'
import { flowed, timeText } from './output.js'

type Value = Entry['fields'][string]

/** By the first half of the kind: the id that a record is about. */
const ID_OF: Readonly<Record<string, string>> = {
  request: 'requestId',
  grant: 'grantId',
  session: 'sessionId',
  command: 'sessionId',
  commands: 'sessionId',
  review: 'reviewId',
}

const LEFT_OUT = new Set([
  ...['requestId', 'grantId', 'sessionId', 'reviewId', 'command', 'gatewayId'],
  ...['digest', 'policyDigest', 'textBytes', 'startedAt', 'toTargetBytes', 'toCallerBytes'],
])

/** A line that is longer goes on, indented, on the next. */
const LINE_LENGTH_MAX = 110

const TIMES = new Set(['expiresAt', 'deadlineAt'])

/** Lines for the records, in the order given. */
export const entriesText = (entries: readonly Entry[]): string => entries.map(entryText).join('')

function entryText(entry: Entry): string {
  const { at, kind, fields } = entry
  const { text, ...rest } = fields
  const facts = Object.entries(rest)
    .filter(([name, value]) => !LEFT_OUT.has(name) && !isEmpty(value))
    .filter(([name, value]) => !(name === 'chain' && value === fields['principal']))
    .map(([name, value]) => `${visible(name)}=${visible(valueText(name, value))}`)
  const statement = typeof text === 'string' ? visibleLines(text).split('\n') : []
  const parts = [timeText(at), visible(kind), idText(entry), ...facts].filter(Boolean)
  return [
    ...flowed(parts, LINE_LENGTH_MAX).map((line, at) => `${at === 0 ? '' : '    '}${line}\n`),
    ...statement.map((line) => `  | ${line}\n`),
  ].join('')
}

/** `cmd_…`; of a command its session, and which one of it. */
function idText({ kind, fields }: Entry): string {
  const id = fields[ID_OF[kind.split('.')[0] ?? ''] ?? '']
  if (id === undefined) return ''
  const number = kind.startsWith('command.') ? fields['command'] : undefined
  return visible(`${String(id)}${number === undefined ? '' : `#${String(number)}`}`)
}

const isEmpty = (value: Value): boolean =>
  value === '' || (Array.isArray(value) && value.length === 0)

function valueText(name: string, value: Value): string {
  if (Array.isArray(value)) return value.join(',')
  return TIMES.has(name) && typeof value === 'number' ? timeText(value) : String(value)
}
