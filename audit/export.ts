// The log as JSON Lines: checkpoints first, then the records chain by chain, so that the copy
// verifies without a database. Never holds more than a page in memory, and never trusts a line.

import { WarderError } from '../core/errors.js'
import type { AuditRecord, ChainPosition, Checkpoint, RecordStore, Sealer } from '../core/record.js'
import { canonicalJson, type Fields, isFields, openSealed, readBody, SEALED_FIELD } from './body.js'
import type { Anchor, VerifyingKeys } from './checkpoint.js'
import { LogVerifier, type VerifyReport } from './verify.js'
import { COMMANDS_FINISHED, commandsOf } from './view.js'

const PAGE_COUNT = 1_000
/** Far above the longest record; a longer line is no line of ours. */
const LINE_CHARACTERS_MAX = 64 * 1024 * 1024

/** What a verifier is given to hold a log to. */
export interface Trust {
  readonly keys?: VerifyingKeys | undefined
  readonly anchor?: Anchor | undefined
}

/**
 * Every checkpoint and record as a line of JSON, without line breaks. With `opener` each record
 * also carries its sensitive fields in clear, under `opened`, and one with many finished commands
 * each of them with its fields, under `commands`.
 *
 * @throws WarderError `RECORD_UNAVAILABLE` when the store fails in the middle.
 */
export async function* exportLog(
  store: RecordStore,
  opener?: Sealer,
): AsyncGenerator<string, void, undefined> {
  for await (const checkpoint of allCheckpoints(store)) {
    yield JSON.stringify({ type: 'checkpoint', ...checkpoint })
  }
  for await (const record of allRecords(store)) yield recordLine(record, opener)
}

/** Verifies the store itself, columns that records are found by included. */
export async function verifyLog(store: RecordStore, trust: Trust): Promise<VerifyReport> {
  const verifier = new LogVerifier(trust)
  for await (const checkpoint of allCheckpoints(store)) verifier.checkpoint(checkpoint)
  for await (const record of allRecords(store)) verifier.record(record, record.keys)
  return verifier.finish()
}

/**
 * Verifies an exported copy. Checkpoints come before records, and the records of a chain in their
 * order; chains may be mixed. With `opener` the decrypted values are checked too.
 */
export async function verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  trust: Trust,
  opener?: Sealer,
): Promise<VerifyReport> {
  const verifier = new LogVerifier(trust)
  let lineNumber = 0
  let uncheckedCount = 0
  let foreignCount = 0
  for await (const line of lines) {
    lineNumber += 1
    if (line.trim() === '') continue
    const entry = readLine(line)
    if (entry === undefined) {
      verifier.report('line-unreadable', `line ${String(lineNumber)} is no record or checkpoint`)
      continue
    }
    if (entry.foreign) foreignCount += 1
    if (entry.type === 'checkpoint') {
      verifier.checkpoint(entry.checkpoint)
    } else {
      verifier.record(entry.record)
      checkCommands(verifier, entry)
      if (entry.opened === undefined) continue
      if (opener === undefined) uncheckedCount += 1
      else checkOpened(verifier, entry.record, entry.opened, opener)
    }
  }
  const report = verifier.finish()
  return { ...report, caveats: [...report.caveats, ...exportCaveats(uncheckedCount, foreignCount)] }
}

function exportCaveats(uncheckedCount: number, foreignCount: number): string[] {
  const caveats: string[] = []
  if (uncheckedCount > 0) {
    caveats.push(
      `The decrypted values next to ${String(uncheckedCount)} records were not compared with ` +
        'what was sealed: that needs the encryption key.',
    )
  }
  if (foreignCount > 0) {
    caveats.push(
      `${String(foreignCount)} lines carry values that the log does not know: nothing vouches ` +
        'for those.',
    )
  }
  return caveats
}

async function* allCheckpoints(store: RecordStore): AsyncGenerator<Checkpoint, void, undefined> {
  for (let after = 0; ;) {
    const page = await store.checkpoints(after, PAGE_COUNT)
    yield* page
    const last = page.at(-1)
    if (last === undefined) return
    after = last.number
  }
}

async function* allRecords(store: RecordStore) {
  for (let after: ChainPosition | undefined; ;) {
    const page = await store.page(after, PAGE_COUNT)
    yield* page
    const last = page.at(-1)
    if (last === undefined) return
    after = { chain: last.chain, seq: last.seq }
  }
}

function recordLine(record: AuditRecord, opener: Sealer | undefined): string {
  const { chain, seq, at, monotonicMs, kind, body, previous, hash } = record
  const fields = readBody(body)
  // A body that is no longer canonical goes out as it stands, so that the copy shows it too.
  const content = fields === undefined ? { body } : { fields }
  const time = Number.isNaN(new Date(at).getTime()) ? undefined : new Date(at).toISOString()
  const isOpen = opener !== undefined && fields !== undefined && SEALED_FIELD in fields
  const opened = isOpen ? openSealed(fields, opener, record) : undefined
  const isMany = opened !== undefined && kind === COMMANDS_FINISHED
  return JSON.stringify({
    type: 'record',
    time,
    ...{ chain, seq, at, monotonicMs, kind, ...content, previous, hash },
    opened,
    commands: isMany ? commandsOf({ ...fields, ...opened }) : undefined,
  })
}

type Entry = {
  /** The line holds more than an export writes: a collector added it, or somebody else. */
  readonly foreign: boolean
} & ({ readonly type: 'checkpoint'; readonly checkpoint: Checkpoint } | RecordEntry)

interface RecordEntry {
  readonly type: 'record'
  readonly record: AuditRecord
  readonly opened?: Fields | undefined
  readonly commands?: readonly Fields[] | undefined
}

const CHECKPOINT_NAMES = ['type', 'number', 'at', 'previous', 'heads', 'keyId', 'hash', 'signature']
const RECORD_NAMES = [
  ...['type', 'time', 'chain', 'seq', 'at', 'monotonicMs', 'kind', 'fields', 'previous', 'hash'],
  ...['opened', 'commands'],
]

const hasOthers = (entry: object, names: readonly string[]): boolean =>
  Object.keys(entry).some((name) => !names.includes(name))

function readLine(line: string): Entry | undefined {
  if (line.length > LINE_CHARACTERS_MAX) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const entry = parsed as Readonly<Record<string, unknown>>
  if (entry['type'] === 'checkpoint') return readCheckpoint(entry)
  return entry['type'] === 'record' ? readRecord(entry) : undefined
}

function readCheckpoint(entry: Readonly<Record<string, unknown>>): Entry | undefined {
  const { number, at, previous, heads, keyId, hash, signature } = entry
  if (typeof number !== 'number' || typeof at !== 'number' || !Array.isArray(heads)) {
    return undefined
  }
  if (typeof previous !== 'string' || typeof keyId !== 'string') return undefined
  if (typeof hash !== 'string' || typeof signature !== 'string') return undefined
  if (!heads.every((head) => typeof head === 'object' && head !== null)) return undefined
  const checkpoint = { number, at, previous, heads, keyId, hash, signature } as Checkpoint
  return { type: 'checkpoint', checkpoint, foreign: hasOthers(entry, CHECKPOINT_NAMES) }
}

function readRecord(entry: Readonly<Record<string, unknown>>): Entry | undefined {
  const { chain, seq, at, monotonicMs, kind, fields, previous, hash, time, opened, commands } =
    entry
  if (typeof chain !== 'string' || typeof kind !== 'string' || !isFields(fields)) return undefined
  if (typeof seq !== 'number' || typeof at !== 'number' || typeof monotonicMs !== 'number') {
    return undefined
  }
  if (typeof previous !== 'string' || typeof hash !== 'string') return undefined
  // The readable time is a copy of `at`: one that says something else is not ours.
  if (time !== undefined && (typeof time !== 'string' || Date.parse(time) !== at)) return undefined
  if (opened !== undefined && !isFields(opened)) return undefined
  if (commands !== undefined && !isFieldsList(commands)) return undefined
  const body = canonicalJson(fields)
  const record = { chain, seq, at, monotonicMs, kind, body, previous, hash }
  return { type: 'record', record, opened, commands, foreign: hasOthers(entry, RECORD_NAMES) }
}

const isFieldsList = (value: unknown): value is readonly Fields[] =>
  Array.isArray(value) && value.every(isFields)

/** Single commands are only another form of what the line says anyway. */
function checkCommands(verifier: LogVerifier, { record, opened, commands }: RecordEntry): void {
  if (commands === undefined) return
  const said = commandsOf({ ...readBody(record.body), ...opened }) ?? []
  const isSame =
    said.length === commands.length &&
    said.every((fields, at) => canonicalJson(fields) === canonicalJson(commands[at] ?? {}))
  if (isSame) return
  const name = `record ${record.chain}/${String(record.seq)}`
  verifier.report('opened-altered', `${name} shows other commands than it holds`)
}

function checkOpened(
  verifier: LogVerifier,
  record: AuditRecord,
  opened: Fields,
  opener: Sealer,
): void {
  const name = `record ${record.chain}/${String(record.seq)}`
  try {
    const sealed = openSealed(readBody(record.body) ?? {}, opener, record)
    if (canonicalJson(sealed) === canonicalJson(opened)) return
    verifier.report('opened-altered', `${name} shows other values than it sealed`)
  } catch (error) {
    if (!(error instanceof WarderError)) throw error
    verifier.report('opened-altered', `${name} can’t be opened: ${error.details.why ?? ''}`)
  }
}
