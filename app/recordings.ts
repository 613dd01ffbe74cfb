// The recordings of one process: where their chunks go, who writes them, and how an auditor is told
// what they hold. Being told is itself put on the log, first.

import { FileChunkStore } from '../audit/recording/file-store.js'
import { ChunkRecorder } from '../audit/recording/recorder.js'
import { sessionStory, type StoryLine } from '../audit/recording/story.js'
import type { SessionId } from '../core/ids.js'
import type { AuditLog, Clock } from '../core/ports.js'
import type { RecordStore, Sealer } from '../core/record.js'
import type { ChunkStore, RecordingKeys, RecordingService } from '../core/recording.js'
import type { Replays } from '../web/api/ports.js'
import { openPart } from './data-directory.js'
import type { Environment } from './environment.js'

/** What recordings are made of. */
export interface RecordingParts {
  readonly keys: RecordingKeys
  readonly records: RecordStore
  readonly sealer: Sealer
  readonly audit: AuditLog
  readonly clock: Clock
}

/** The writing and the reading end. */
export interface Recordings {
  readonly service: RecordingService
  readonly replays: Replays
}

/** Recordings as the environment wants them kept. */
export async function openRecordings(
  environment: Pick<Environment, 'dataDirectory' | 'recordings'>,
  parts: RecordingParts,
): Promise<Recordings> {
  return recordingsOn(await chunkStoreOf(environment), parts)
}

/** Recordings in a store of chunks. */
export const recordingsOn = (chunks: ChunkStore, parts: RecordingParts): Recordings => ({
  service: new ChunkRecorder({ ...parts, chunks }),
  replays: { replay: (id, by) => replayLines(chunks, parts, id, by) },
})

async function chunkStoreOf({
  dataDirectory,
  recordings,
}: Pick<Environment, 'dataDirectory' | 'recordings'>): Promise<ChunkStore> {
  if (recordings === undefined) return new FileChunkStore(openPart(dataDirectory, 'recordings'))
  // Loaded only here: the client is large, and most installations never need it.
  const { S3ChunkStore } = await import('../audit/recording/s3-store.js')
  return new S3ChunkStore(recordings)
}

async function replayLines(
  chunks: ChunkStore,
  { audit, ...sources }: RecordingParts,
  sessionId: SessionId,
  by: string,
): Promise<AsyncIterable<string> | undefined> {
  const story = await sessionStory({ ...sources, chunks }, sessionId)
  if (story === undefined) return undefined
  if (story.isRecorded) {
    await audit.durable(audit.append({ kind: 'recording.read', fields: { sessionId, by } }))
  }
  return jsonLines(story.lines)
}

async function* jsonLines(lines: AsyncIterable<StoryLine>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`
}
