// An audit event as text: public fields in clear, sensitive ones sealed together, in one canonical
// form. Pure but for the sealing. A field that is not classified never gets this far.

import { AUDIT_EVENTS, type AuditEvent, type AuditValue } from '../core/audit.js'
import { assert } from '../core/errors.js'
import type { RecordKeys, Sealer } from '../core/record.js'

/** The name under which the sensitive fields of a record stand together, sealed, in base64. */
export const SEALED_FIELD = 'sealed'

/** Longest text in a column that records are found by; a longer one is found by its beginning. */
const KEY_CHARACTERS_MAX = 200

/** Fields of a record by name, as they stand in its body. */
export type Fields = Readonly<Record<string, AuditValue>>

/** An event, ready to be numbered: the place where it will stand is needed for sealing. */
export interface SplitEvent {
  readonly kind: string
  readonly open: Fields
  /** JSON of the sensitive fields; undefined when there are none. */
  readonly sensitive: string | undefined
}

/**
 * Sorts an event's fields into public and sensitive.
 *
 * @throws WarderError `INTERNAL` for an unknown kind, an unclassified field or a value that is no
 * text, number, boolean or list of texts: such an event is a bug of ours.
 */
export function splitEvent(event: AuditEvent): SplitEvent {
  assert(Object.hasOwn(AUDIT_EVENTS, event.kind), `${event.kind} is a kind of audit event`)
  const classes: Readonly<Record<string, string>> = AUDIT_EVENTS[event.kind]
  const open: Record<string, AuditValue> = {}
  const sensitive: Record<string, AuditValue> = {}
  let hasSensitive = false
  for (const [name, value] of Object.entries(event.fields)) {
    if (value === undefined) continue
    const sensitivity = Object.hasOwn(classes, name) ? classes[name] : undefined
    assert(sensitivity !== undefined, `${event.kind}.${name} is classified`)
    assert(isAuditValue(value), `${event.kind}.${name} is text, number, boolean or a list of texts`)
    if (sensitivity === 'public') {
      open[name] = value
    } else {
      sensitive[name] = value
      hasSensitive = true
    }
  }
  const text = hasSensitive ? canonicalJson(sensitive) : undefined
  return { kind: event.kind, open, sensitive: text }
}

/** The body of a record that will stand at (chain, seq). */
export function bodyOf(event: SplitEvent, sealer: Sealer, chain: string, seq: number): string {
  if (event.sensitive === undefined) return canonicalJson(event.open)
  const plain = Buffer.from(event.sensitive, 'latin1')
  const sealed = sealer.seal(plain, rowOf(chain, seq, event.kind))
  return canonicalJson({
    ...event.open,
    [SEALED_FIELD]: Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).toString(
      'base64',
    ),
  })
}

/** The fields of a body, or undefined when it is not a body in canonical form. */
export function readBody(body: string): Fields | undefined {
  const fields = readFields(body)
  return fields !== undefined && canonicalJson(fields) === body ? fields : undefined
}

/** The sensitive fields of a record. @throws WarderError `INTERNAL` when they can't be opened. */
export function openSealed(
  fields: Fields,
  sealer: Sealer,
  place: { readonly chain: string; readonly seq: number; readonly kind: string },
): Fields {
  const sealed = fields[SEALED_FIELD]
  if (typeof sealed !== 'string') return {}
  const row = rowOf(place.chain, place.seq, place.kind)
  const plain = sealer.open(Buffer.from(sealed, 'base64'), row)
  const opened = readFields(Buffer.from(plain).toString('latin1'))
  assert(opened !== undefined, 'what was sealed are the fields of an event')
  return opened
}

/** What the record is found by: copies of some of its public fields. */
export function keysOf(fields: Fields): RecordKeys {
  return {
    principal: keyText(fields['principal']),
    resource: keyText(fields['resource']),
    sessionId: keyText(fields['sessionId']),
    requestId: keyText(fields['requestId']),
    reviewId: keyText(fields['reviewId']),
  }
}

/** The text that a search for `value` has to look for, as it stands in a key column. */
export function keyText(value: AuditValue | undefined): string | null {
  if (typeof value !== 'string') return null
  // PostgreSQL text holds no NUL, UTF-8 no lone surrogate: one odd name must not stop the log.
  const short = value.slice(0, KEY_CHARACTERS_MAX).replaceAll('\0', '\ufffd')
  return Buffer.from(short, 'utf8').toString('utf8')
}

/** JSON with sorted names and nothing but printable ASCII, so that the same fields are the same bytes. */
export function canonicalJson(fields: Fields): string {
  let text = ''
  for (const name of Object.keys(fields).sort()) {
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(fields[name])}`
  }
  return `{${BEYOND_ASCII.test(text) ? text.replace(ALL_BEYOND_ASCII, escapeUnit) : text}}`
}

const BEYOND_ASCII = /[\u007f-\uffff]/
const ALL_BEYOND_ASCII = /[\u007f-\uffff]/g

const escapeUnit = (unit: string): string =>
  `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** JSON keeps the three apart, whatever characters they hold. */
const rowOf = (chain: string, seq: number, kind: string): string =>
  JSON.stringify(['audit', chain, seq, kind])

function readFields(text: string): Fields | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  return isFields(parsed) ? parsed : undefined
}

/** True for an object whose values are all values that a field can have. */
export function isFields(value: unknown): value is Fields {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(isAuditValue)
  )
}

function isAuditValue(value: unknown): value is AuditValue {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value === 'string' || typeof value === 'boolean') return true
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
