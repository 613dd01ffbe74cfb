// The reading end of recordings: every chunk is held to the hash on the log before it is decrypted.
// What is missing, altered or more than the log knows is said, and the rest is read all the same.

import { hash } from 'node:crypto'
import { WarderError } from '../../core/errors.js'
import type { RecordStore, Sealer } from '../../core/record.js'
import type {
  ChunkStore,
  RecordingEvent,
  RecordingFault,
  RecordingFinding,
  RecordingKeys,
} from '../../core/recording.js'
import { chunkName, chunkNumber, openChunk } from './chunk.js'
import { readEvents } from './encoding.js'
import { recordingEvidence, type ChunkEvidence, type RecordingEvidence } from './evidence.js'

/** What a reader reads with. */
export interface RecordingSources {
  readonly records: RecordStore
  readonly sealer: Sealer
  readonly chunks: ChunkStore
  readonly keys: RecordingKeys
}

/** An event, or something that is wrong in its place. */
export type RecordedItem = RecordingEvent | RecordingFinding

/**
 * The events of a recording in their order, one chunk in memory at a time; undefined when the
 * session has none.
 *
 * @throws WarderError `RECORD_UNAVAILABLE` when log, keys or store of chunks can't be reached.
 */
export async function readRecording(
  sources: RecordingSources,
  sessionId: string,
): Promise<AsyncIterable<RecordedItem> | undefined> {
  // The chunks before the log: one that is stored meanwhile is then only read, and not missed.
  const names = await sources.chunks.list(`${sessionId}/`)
  const key = await keyOf(sources.keys, sessionId)
  const evidence = await recordingEvidence(sources.records, sources.sealer, sessionId)
  const isNothing = evidence.chunks.size === 0 && evidence.failures.length === 0
  if (isNothing && key === undefined && names.length === 0) return undefined
  return itemsOf(sources, sessionId, evidence, names, key)
}

type Key = Uint8Array | { readonly unreadable: string } | undefined

async function keyOf(keys: RecordingKeys, sessionId: string): Promise<Key> {
  try {
    return (await keys.find(sessionId))?.key
  } catch (failure) {
    if (failure instanceof WarderError && failure.code === 'INTERNAL') {
      return { unreadable: failure.details.why ?? failure.message }
    }
    throw failure
  }
}

async function* itemsOf(
  sources: RecordingSources,
  sessionId: string,
  evidence: RecordingEvidence,
  names: readonly string[],
  key: Key,
): AsyncGenerator<RecordedItem, void, undefined> {
  const usable = key instanceof Uint8Array ? key : undefined
  if (!(key instanceof Uint8Array)) yield keyFinding(key)
  const stored = new Set<number>()
  for (const name of names) {
    const number = chunkNumber(sessionId, name)
    if (number === undefined)
      yield unlogged(undefined, `the store holds ${name}, which is no chunk`)
    else stored.add(number)
  }
  for (let chunk = 0; chunk < evidence.chunkCount; chunk += 1) {
    const isThere = stored.delete(chunk)
    const known = evidence.chunks.get(chunk)
    if (known === undefined) {
      yield isThere
        ? unlogged(chunk, unproven(chunk))
        : finding('missing', `chunk ${chunk} is missing, from the store and from the log`, {
            chunk,
          })
    } else yield* chunkItems(sources, { sessionId, chunk }, known, usable)
  }
  yield* endFindings(
    evidence,
    [...stored].sort((a, b) => a - b),
  )
}

async function* chunkItems(
  { chunks }: RecordingSources,
  place: { readonly sessionId: string; readonly chunk: number },
  known: ChunkEvidence,
  key: Uint8Array | undefined,
): AsyncGenerator<RecordedItem, void, undefined> {
  const { chunk } = place
  const about = { chunk, ...commandsOf(known) }
  try {
    const bytes = await chunks.get(chunkName(place))
    if (bytes === undefined) {
      yield finding('missing', `chunk ${chunk} is missing from the store`, about)
      return
    }
    if (hash('sha256', bytes, 'hex') !== known.sha256) {
      yield finding(
        'altered',
        `chunk ${chunk} was altered: its hash is not the one on the log`,
        about,
      )
      return
    }
    if (key === undefined) return
    const raw = await openChunk(key, place, bytes)
    // The header says who, where and when; the log says so too.
    if (chunk > 0) yield* readEvents(raw)
  } catch (failure) {
    if (!(failure instanceof WarderError)) throw failure
    const why = failure.details.why ?? failure.message
    yield finding('unreadable', `chunk ${chunk} can’t be read: ${why}`, about)
  }
}

/** @param beyond chunks that come after those that the log knows */
function* endFindings(
  { chunks, isClosed, failures }: RecordingEvidence,
  beyond: readonly number[],
): Generator<RecordingFinding, void, undefined> {
  for (const { first, last, why } of failures) {
    yield finding('missing', `a part could not be stored when it happened: ${why}`, {
      ...commandsOf({ first, last }),
    })
  }
  if (isClosed || failures.length > 0) {
    for (const chunk of beyond) yield unlogged(chunk, unproven(chunk))
    return
  }
  // A chunk is stored a moment before its hash is; a gateway may die in that moment.
  const first = beyond[0]
  const what =
    first !== undefined
      ? `goes on with chunk ${first}, which is not on the log yet`
      : chunks.size === 0
        ? 'never began'
        : 'is not closed'
  yield finding('unfinished', `the recording ${what}: the session runs, or its gateway died`)
}

const unproven = (chunk: number): string =>
  `chunk ${chunk} is not on the log, so nothing proves what it holds`

function keyFinding(key: Exclude<Key, Uint8Array>): RecordingFinding {
  return key === undefined
    ? finding(
        'key-destroyed',
        'the key of the recording was destroyed: nobody can read it any more',
      )
    : finding('unreadable', `the key of the recording can’t be opened: ${key.unreadable}`)
}

const unlogged = (chunk: number | undefined, text: string): RecordingFinding =>
  finding('unlogged', text, { chunk })

const finding = (
  fault: RecordingFault,
  text: string,
  about: Pick<RecordingFinding, 'chunk' | 'commands'> = {},
): RecordingFinding => ({ kind: 'finding', fault, text, ...about })

const commandsOf = ({ first, last }: { readonly first: number; readonly last: number }) =>
  last === 0 ? {} : { commands: { first, last } }
