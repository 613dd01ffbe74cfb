// The story of one session, told from its records. Pure; what peers wrote is made visible before
// it reaches a terminal. Never a judge of the log: verify.ts is.

import { visible, visibleLines } from '../core/visible.js'
import type { AuditValue } from '../core/audit.js'
import { inOrder } from './query.js'
import { ageMsOf, type RecordView } from './view.js'

/** One thing that happened, as replay shows it; also the shape of `--json`. */
export interface ReplayLine {
  /** Ms since the session was opened; what led to it is negative. */
  readonly offsetMs: number
  /** Epoch ms; of a finished command when it was over, not when that was written down. */
  readonly at: number
  readonly event: string
  /** What happened, in one line that is safe for a terminal. */
  readonly text: string
  /** The statement, line by line, when the event has one. */
  readonly statement: readonly string[]
  readonly chain: string
  readonly seq: number
}

/**
 * The records of a session in their order, as lines. Takes what a query for the session returned;
 * records of other sessions are left out, those of its request stay.
 */
export function replay(records: readonly RecordView[], sessionId: string): readonly ReplayLine[] {
  const own = inOrder(records).filter(
    ({ fields }) => fields['sessionId'] === undefined || fields['sessionId'] === sessionId,
  )
  const opened = own.find(({ kind }) => kind === 'session.opened') ?? own[0]
  if (opened === undefined) return []
  return own.map((record) => ({
    offsetMs: offsetOf(record, opened),
    at: record.at - ageMsOf(record),
    event: record.kind,
    text: `${visible(sentenceOf(record))}${unreadable(record)}`,
    statement: statementOf(record),
    chain: record.chain,
    seq: record.seq,
  }))
}

/** A line for people: `+00:00:01.234  text`, the statement below it. */
export const formatReplayLine = (line: ReplayLine): string =>
  [
    `${formatOffset(line.offsetMs)}  ${line.text}`,
    ...line.statement.map((row) => `${' '.repeat(15)}│ ${row}`),
  ].join('\n')

/** Within a chain the monotonic clock tells, between chains only the wall clocks can. */
const offsetOf = (record: RecordView, opened: RecordView): number =>
  (record.chain === opened.chain
    ? record.monotonicMs - opened.monotonicMs
    : record.at - opened.at) - ageMsOf(record)

function formatOffset(offsetMs: number): string {
  const ms = Math.abs(offsetMs)
  const part = (value: number, width: number) => String(Math.floor(value)).padStart(width, '0')
  const clock = `${part(ms / 3_600_000, 2)}:${part((ms / 60_000) % 60, 2)}:${part((ms / 1_000) % 60, 2)}`
  return `${offsetMs < 0 ? '-' : '+'}${clock}.${part(ms % 1_000, 3)}`
}

const statementOf = ({ fields }: RecordView): readonly string[] => {
  const lines =
    textOf(fields['text']) === '' ? [] : visibleLines(textOf(fields['text'])).split('\n')
  const parameters = listOf(fields['parameters'])
  return parameters === '' ? lines : [...lines, `with ${visible(parameters)}`]
}

const unreadable = (record: RecordView): string =>
  record.unreadable === undefined ? '' : ` (not all can be shown: ${visible(record.unreadable)})`

function sentenceOf({ kind, fields }: RecordView): string {
  const tell = SENTENCES[kind]
  const f = (name: string): string => listOf(fields[name])
  return tell === undefined ? `${kind} ${plain(fields)}`.trim() : tell(f).replaceAll(/\s+/g, ' ')
}

type Tell = (f: (name: string) => string) => string

const why = (text: string): string => (text === '' ? '' : `: ${text}`)
const by = (text: string): string => (text === '' ? '' : ` by ${text}`)
const command = (f: (name: string) => string): string => {
  const traits = [f('effect'), f('kinds')].filter((text) => text !== '').join(', ')
  return `command ${f('command')}${traits === '' ? '' : ` (${traits})`}`
}

/** How each kind of event is told; any other is told by its fields. */
const SENTENCES: Readonly<Record<string, Tell>> = {
  'request.opened': (f) =>
    `${f('principal')} asked for ${f('role')} on ${f('resource')}${why(f('reason'))}`,
  'request.judged': (f) => `policy said ${f('outcome')}${why(f('reasons'))}`,
  'request.decided': (f) =>
    `access: ${f('answer')}${by(f('by'))} (${f('channel')})${why(f('reason'))}`,
  'request.ended': (f) => `request ${f('state')}${by(f('by'))}${why(f('reason'))}`,
  'grant.opened': (f) => `grant ${f('grantId')} opened until ${timeOf(f('expiresAt'))}`,
  'grant.extended': (f) => `grant extended until ${timeOf(f('expiresAt'))}${by(f('by'))}`,
  'grant.ended': (f) => `grant ended, ${f('end')}${by(f('by'))}${why(f('why'))}`,
  'session.opened': (f) =>
    `${f('principal')} connected to ${f('resource')} as ${f('role')} from ${f('peer')}`,
  'session.ended': (f) =>
    `session ended, ${f('end')}${why(f('why'))} (${f('commands')} commands, ${f('durationMs')} ms)`,
  'command.intended': (f) => `${command(f)} goes to the target`,
  'command.finished': (f) =>
    `${command(f)} ${f('outcome')} ${f('tag')} ${f('sqlstate')} in ${f('durationMs')} ms`,
  'commands.finished': (f) => `commands ${f('first')} to ${f('last')} finished`,
  'command.refused': (f) => `${command(f)} refused, ${f('code')}${why(f('reasons'))}`,
  'review.opened': (f) => `held for ${f('approvers')}, review ${f('reviewId')} (${f('effect')})`,
  'review.decided': (f) =>
    `review ${f('reviewId')}: ${f('answer')}${by(f('by'))} (${f('channel')})${why(f('reason'))}`,
  'review.ended': (f) => `review ${f('reviewId')} ${f('state')}`,
}

const timeOf = (epochMs: string): string => {
  const date = new Date(Number(epochMs))
  return Number.isNaN(date.getTime()) ? epochMs : date.toISOString()
}

const plain = (fields: RecordView['fields']): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${listOf(value)}`)
    .join(' ')

const textOf = (value: AuditValue | undefined): string => (value === undefined ? '' : String(value))

const listOf = (value: AuditValue | undefined): string =>
  typeof value === 'object' ? value.join(', ') : textOf(value)
