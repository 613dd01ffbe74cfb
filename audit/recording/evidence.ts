// What the audit log says that a recording must hold. Never touches a chunk, and never verifies the
// log itself: `verify.ts` does, and only a log that verifies proves anything.

import type { AuditKind } from '../../core/audit.js'
import { WarderError } from '../../core/errors.js'
import type { RecordStore, Sealer } from '../../core/record.js'
import { queryLog, QUERY_COUNT_MAX } from '../query.js'
import type { RecordView } from '../view.js'

/** Chunks of one recording: days of a session that never rests, at one a second. */
const CHUNK_COUNT_MAX = 300_000

/** A chunk that was stored. */
export interface ChunkEvidence {
  /** Hex SHA-256 of the bytes as stored. */
  readonly sha256: string
  /** Numbers of the first and the last command with something in it; 0 when there is none. */
  readonly first: number
  readonly last: number
}

/** All that the log says about one recording. */
export interface RecordingEvidence {
  readonly chunks: ReadonlyMap<number, ChunkEvidence>
  /** How many chunks there must be at least, the header included. */
  readonly chunkCount: number
  /** The log says that nothing came after them. */
  readonly isClosed: boolean
  /** What could not be stored, and why. */
  readonly failures: readonly {
    readonly first: number
    readonly last: number
    readonly why: string
  }[]
}

const KINDS = [
  'recording.stored',
  'recording.failed',
  'recording.closed',
] as const satisfies readonly AuditKind[]

/**
 * Collects it, page by page.
 *
 * @throws WarderError `RECORD_UNAVAILABLE` when the log can't be read, `LIMIT_EXCEEDED` when it names
 * more chunks than can be held.
 */
export async function recordingEvidence(
  store: RecordStore,
  opener: Sealer,
  sessionId: string,
): Promise<RecordingEvidence> {
  const chunks = new Map<number, ChunkEvidence>()
  const failures: { first: number; last: number; why: string }[] = []
  let chunkCount = 0
  let isClosed = false
  const query = { sessionId, kinds: KINDS, limitCount: QUERY_COUNT_MAX }
  let page = await queryLog(store, opener, query)
  for (;;) {
    for (const view of page.records) {
      if (view.kind === 'recording.stored') {
        addChunk(chunks, view)
        chunkCount = Math.max(chunkCount, numberOf(view, 'chunk') + 1)
      } else if (view.kind === 'recording.closed') {
        chunkCount = Math.max(chunkCount, numberOf(view, 'chunks'))
        isClosed = true
      } else failures.unshift({ ...spanOf(view), why: textOf(view, 'why') })
    }
    if (chunkCount > CHUNK_COUNT_MAX) {
      throw new WarderError('LIMIT_EXCEEDED', { why: 'the recording has too many chunks' })
    }
    if (page.stopped === 'all' || page.next === undefined) break
    page = await queryLog(store, opener, { ...query, before: page.next })
  }
  return { chunks, chunkCount, isClosed, failures }
}

/** Newest first: of two records about one chunk the older one stays, because it was there first. */
function addChunk(chunks: Map<number, ChunkEvidence>, view: RecordView): void {
  chunks.set(numberOf(view, 'chunk'), { sha256: textOf(view, 'sha256'), ...spanOf(view) })
}

const spanOf = (view: RecordView): { first: number; last: number } => ({
  first: numberOf(view, 'firstCommand'),
  last: numberOf(view, 'lastCommand'),
})

function numberOf({ fields }: RecordView, name: string): number {
  const value = fields[name]
  return typeof value === 'number' ? value : 0
}

function textOf({ fields }: RecordView, name: string): string {
  const value = fields[name]
  return typeof value === 'string' ? value : ''
}
