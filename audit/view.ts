// Records as people read them: opened, and commands one by one, however they are stored. Never
// verifies, and never throws for what it can't read: it says so instead.

import { hash } from 'node:crypto'

import type { AuditValue } from '../core/audit.js'
import { WarderError } from '../core/errors.js'
import { unpackCommands } from '../core/finished-commands.js'
import type { AuditRecord, Sealer } from '../core/record.js'
import { type Fields, openSealed, readBody, SEALED_FIELD } from './body.js'

/** The kind under which a finished command is read, and under which older versions wrote it. */
export const COMMAND_FINISHED = 'command.finished'
/** The kind under which many of them are written. */
export const COMMANDS_FINISHED = 'commands.finished'

/** A record as people read it: public and decrypted fields together. */
export interface RecordView extends Pick<
  AuditRecord,
  'chain' | 'seq' | 'at' | 'monotonicMs' | 'kind' | 'hash'
> {
  readonly fields: Fields
  /** Why some fields are not shown: the key is gone, or the record was altered. */
  readonly unreadable?: string | undefined
}

/** The record with its sensitive fields opened, or with the reason why they are not. */
export function viewOf(record: AuditRecord, opener: Sealer): RecordView {
  const { chain, seq, at, monotonicMs, kind, hash: own } = record
  const place = { chain, seq, at, monotonicMs, kind, hash: own }
  const fields = readBody(record.body)
  if (fields === undefined) return { ...place, fields: {}, unreadable: 'the record was altered' }
  const { [SEALED_FIELD]: sealed, ...open } = fields
  if (sealed === undefined) return { ...place, fields: open }
  try {
    return { ...place, fields: { ...open, ...openSealed(fields, opener, record) } }
  } catch (error) {
    if (!(error instanceof WarderError)) throw error
    return { ...place, fields: open, unreadable: error.details.why ?? error.message }
  }
}

/**
 * What the record says, in its order: of many finished commands each as a view of its own, with the
 * record's place, time and hash; of any other record the one view.
 */
export function viewsOf(record: AuditRecord, opener: Sealer): readonly RecordView[] {
  const view = viewOf(record, opener)
  if (view.kind !== COMMANDS_FINISHED) return [view]
  const commands = commandsOf(view.fields)
  if (commands === undefined) {
    return [{ ...view, unreadable: view.unreadable ?? 'its commands don’t fit together' }]
  }
  return commands.map((fields) => ({ ...view, kind: COMMAND_FINISHED, fields }))
}

/**
 * The fields of each command of a `commands.finished`, as a `command.finished` has them; undefined
 * when they don't fit together. What is sealed is absent when `fields` has only what is public.
 */
export function commandsOf(fields: Fields): readonly Fields[] | undefined {
  const session = sessionOf(fields)
  const traits = new Map<string, Fields>()
  return unpackCommands(fields)?.map(({ text, parameters, reviewId, ...command }) => ({
    ...session,
    ...command,
    ...(reviewId === undefined ? {} : { reviewId }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(text === undefined ? {} : traitsOf(text, traits)),
  }))
}

function sessionOf(fields: Fields): Fields {
  const session: Record<string, AuditValue> = {}
  for (const name of ['grantId', 'requestId', 'sessionId']) {
    const id = fields[name]
    if (id !== undefined) session[name] = id
  }
  return session
}

/** A text with what follows from it; commands that share a text share these. */
function traitsOf(text: string, known: Map<string, Fields>): Fields {
  const found = known.get(text)
  if (found !== undefined) return found
  const traits = {
    text,
    textBytes: Buffer.byteLength(text, 'utf8'),
    digest: hash('sha256', text, 'hex'),
  }
  known.set(text, traits)
  return traits
}

/** Longer than this a command does not wait to be put on record: a clock was set in between. */
const UNRECORDED_MS_MAX = 10_000
/** Clocks are read in whole ms: with these it is never told before what it came from. */
const ROUNDED_MS = 2

/** How long before its record was written the thing itself happened, ms: finished commands wait for others. */
export function ageMsOf({ kind, at, fields }: RecordView): number {
  const { startedAt, durationMs } = fields
  if (kind !== COMMAND_FINISHED) return 0
  if (typeof startedAt !== 'number' || typeof durationMs !== 'number') return 0
  const ageMs = at - (startedAt + durationMs) - ROUNDED_MS
  return ageMs > 0 && ageMs <= UNRECORDED_MS_MAX ? ageMs : 0
}
