// Errors, notices and notifications of a target, as far as the caller may see them: they quote values
// of rows wherever PostgreSQL finds it useful. The gateway's own are not for here.

import { HEADER_BYTES } from '../codec.js'
import { MalformedMessage, message, readError } from '../messages.js'
import type { Search } from './search.js'

/**
 * What the common conditions are (manual, appendix A), since the target's own words may hold values.
 * Other codes of a class are told by the class.
 */
const CONDITIONS: Readonly<Record<string, string>> = {
  '22': 'a value was not valid for what was done with it',
  '23': 'a constraint was violated',
  '23502': 'a not-null constraint was violated',
  '23503': 'a foreign key constraint was violated',
  '23505': 'a unique constraint was violated',
  '23514': 'a check constraint was violated',
  '23P01': 'an exclusion constraint was violated',
  '22001': 'a text is too long for its column',
  '22003': 'a number is out of range',
  '22007': 'a date or time is not valid',
  '22008': 'a date or time is out of range',
  '22012': 'a number was divided by zero',
  '22P02': 'a text is not valid for its type',
  '25': 'the transaction is in a state that does not allow this',
  '25P02': 'the transaction has failed: only its end is accepted',
  '40001': 'the transaction could not be serialized: try it again',
  '40P01': 'a deadlock was found: try it again',
  '42': 'the statement is not valid here, or not allowed',
  '42501': 'the target does not allow this',
  '42601': 'the target found a syntax error',
  '42703': 'a column does not exist',
  '42883': 'a function does not exist',
  '42P01': 'a relation does not exist',
  '53': 'the target is short of something',
  '54': 'a limit of the target was reached',
  '55P03': 'a lock was not free',
  '57014': 'the statement was cancelled',
  '57P01': 'the target is shutting down',
  '57P02': 'another process of the target has failed',
  '57P03': 'the target is not ready',
  '57P05': 'the session was idle for too long',
}
const WITHHELD = '(details withheld: masked columns are read)'
const SQLSTATE_UNKNOWN = 'XX000'

function conditionOf(sqlstate: string): string {
  const known = CONDITIONS[sqlstate] ?? CONDITIONS[sqlstate.slice(0, 2)]
  if (known !== undefined) return known
  return sqlstate.startsWith('00') || sqlstate.startsWith('01')
    ? 'the target has something to say'
    : 'the target reported an error'
}

/** Fields that are looked through: all that could quote a value, names of objects among them. */
const SEARCHED = new Set('MDHWqstcdn')

/**
 * What the caller gets instead of an ErrorResponse or NoticeResponse whose body is `[start, end)`, or
 * undefined when it may be seen as it is.
 *
 * @param touchesMasked True when what was run reads or writes a relation with masked columns: then only
 *   severity, SQLSTATE and position are the target’s, everything else may quote a value, in any field
 *   and under any code.
 * @param search Otherwise, what is looked for in each field.
 * @throws MalformedMessage
 */
export function redactError(
  bytes: Buffer,
  start: number,
  end: number,
  touchesMasked: boolean,
  search: Search | undefined,
): Buffer | undefined {
  const type = bytes[start - HEADER_BYTES] ?? 0
  if (touchesMasked) return fieldsMessage(type, withoutDetails(readError(bytes, start, end)))
  if (search === undefined) return undefined
  const fields = new Map(readError(bytes, start, end))
  let changed = false
  for (const [letter, text] of fields) {
    const clean = SEARCHED.has(letter) ? search.inText(text) : text
    if (clean === text) continue
    fields.set(letter, clean)
    changed = true
  }
  return changed ? fieldsMessage(type, fields) : undefined
}

function withoutDetails(fields: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const sqlstate = /^[0-9A-Z]{5}$/.exec(fields.get('C') ?? '')?.[0] ?? SQLSTATE_UNKNOWN
  const kept = new Map<string, string>()
  for (const letter of 'SV') {
    // Localized severities are words; a word is no value.
    const severity = fields.get(letter)
    if (severity !== undefined && /^[\p{L} ]{1,20}$/u.test(severity)) kept.set(letter, severity)
  }
  kept.set('C', sqlstate)
  kept.set('M', `${conditionOf(sqlstate)} ${WITHHELD}`)
  const position = fields.get('P')
  if (position !== undefined && /^\d{1,10}$/.test(position)) kept.set('P', position)
  return kept
}

function fieldsMessage(type: number, fields: ReadonlyMap<string, string>): Buffer {
  const text = [...fields].map(([letter, value]) => `${letter}${value}\0`).join('')
  return message(type, Buffer.from(`${text}\0`, 'utf8'))
}

/**
 * What the caller gets instead of a NotificationResponse (Int32 process, String channel, String payload)
 * whose body is `[start, end)`, or undefined. Nobody can tell which columns a payload comes from: whoever
 * notified was judged by what his statement read, so only what is found in it is replaced here.
 *
 * @throws MalformedMessage
 */
export function redactNotification(
  bytes: Buffer,
  start: number,
  end: number,
  search: Search | undefined,
): Buffer | undefined {
  if (search === undefined) return undefined
  const channelEnd = bytes.indexOf(0, start + 4)
  if (channelEnd < 0 || channelEnd >= end - 1 || bytes.indexOf(0, channelEnd + 1) !== end - 1) {
    throw new MalformedMessage('a notification is not as described')
  }
  const channel = bytes.toString('utf8', start + 4, channelEnd)
  const payload = bytes.toString('utf8', channelEnd + 1, end - 1)
  const clean = `${search.inText(channel)}\0${search.inText(payload)}\0`
  if (clean === `${channel}\0${payload}\0`) return undefined
  const body = Buffer.concat([bytes.subarray(start, start + 4), Buffer.from(clean, 'utf8')])
  return message(bytes[start - HEADER_BYTES] ?? 0, body)
}
