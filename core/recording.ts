// What a recorded session is made of, and the ports through which it is recorded and kept. Shapes
// only: the form of chunks and their encryption live in audit/recording/, the keys' table in store/.

import type { Effect } from './command.js'
import type { GatewayId, GrantId, RequestId, SessionId } from './ids.js'
import type { Protocol } from './resource.js'

/** What became of a command: as on record, or never forwarded. */
export const RECORDED_OUTCOMES = ['done', 'failed', 'unknown', 'refused'] as const

/** One of them. */
export type RecordedOutcome = (typeof RECORDED_OUTCOMES)[number]

/** A command and what came of it, once that is known. */
export interface CommandEvent {
  readonly kind: 'command'
  /** Ms since the session's start, monotonic; as of every event. Kept to the microsecond. */
  readonly atMs: number
  /** 1, 2, 3 … within the session. */
  readonly number: number
  readonly text: string
  /** As people may see them: masked. */
  readonly parameters: readonly string[]
  readonly effect: Effect
  readonly outcome: RecordedOutcome
  /** What the target said it did (PostgreSQL: the command tag); empty when it said nothing. */
  readonly tag: string
  /** The error's code; empty when there is none. */
  readonly sqlstate: string
  /** Rows that the target counted. */
  readonly rows: number
  readonly durationMs: number
  readonly reviewId?: string | undefined
  /** Why it was refused or held, in policy words. */
  readonly reasons?: readonly string[] | undefined
}

/** A column of recorded rows. */
export interface RecordedColumn {
  readonly name: string
  /** PostgreSQL's OID of the type. */
  readonly typeOid: number
  /** 0 text, 1 binary, as on the wire. */
  readonly format: 0 | 1
}

/** Rows as the caller saw them: masked, and up to a cap. */
export interface RowsEvent {
  readonly kind: 'rows'
  readonly atMs: number
  /** Of the command. */
  readonly number: number
  /** The same array for the same columns is written once per chunk. */
  readonly columns: readonly RecordedColumn[]
  /**
   * DataRow messages as on the wire, one after the other: 'D', Int32 length (itself included), Int16
   * count of values, then of each Int32 length (-1 is NULL) and its bytes.
   */
  readonly bytes: Uint8Array
  /** Rows beyond the cap. */
  readonly omittedRows: number
}

/** Bytes that are no rows: COPY data, what a terminal shows; masked, and up to a cap. */
export interface OutputEvent {
  readonly kind: 'output'
  readonly atMs: number
  readonly number: number
  readonly bytes: Uint8Array
  readonly omittedBytes: number
}

/** What people decided about a held command. */
export interface DecisionEvent {
  readonly kind: 'decision'
  readonly atMs: number
  readonly number: number
  readonly reviewId: string
  readonly state: string
  /** Who; empty when nobody did. */
  readonly by: string
}

/** One thing that happened in a session. */
export type RecordingEvent = CommandEvent | RowsEvent | OutputEvent | DecisionEvent

/** Whose session is recorded. */
export interface RecordingAbout {
  readonly sessionId: SessionId
  readonly gatewayId: GatewayId
  readonly protocol: Protocol
  readonly principal: string
  readonly resource: string
  readonly role: string
  /** Epoch ms. */
  readonly startedAt: number
  /** For the log, which finds records by them. */
  readonly grantId?: GrantId | undefined
  readonly requestId?: RequestId | undefined
}

/** Records sessions. */
export interface RecordingService {
  /** Rejects with `RECORD_UNAVAILABLE` when nothing can be stored: such a session must not start. */
  open(about: RecordingAbout): Promise<Recording>
}

/** The recording of one session, while it runs. */
export interface Recording {
  /**
   * Takes events in their order; copies their bytes. Meant to be called for many at once.
   *
   * @throws WarderError `RECORD_UNAVAILABLE` when the recording has failed, is closed, or owes too
   * much: then the session must end.
   */
  add(events: readonly RecordingEvent[]): void
  /** Writes what is there; resolves when it is stored, rejects with `RECORD_UNAVAILABLE`. */
  flush(): Promise<void>
  /** Called once when something could not be stored; also when that was before. */
  onFailure(listener: (failure: Error) => void): () => void
  /** Writes what is there and ends the recording; rejects with `RECORD_UNAVAILABLE`. Idempotent. */
  close(): Promise<void>
}

/** Where chunks are kept. Names are `SESSION/PART`, written once and never changed. */
export interface ChunkStore {
  /** Resolves when the bytes will survive a crash; half a chunk is never seen under its name. */
  put(name: string, bytes: Uint8Array): Promise<void>
  /** Undefined when there is none. */
  get(name: string): Promise<Uint8Array | undefined>
  /** The names that begin with the prefix, which ends in `/`; in any order. */
  list(prefix: string): Promise<readonly string[]>
}

/** What is known of a recording besides its chunks. */
export interface RecordingEntry {
  readonly sessionId: SessionId
  /** 32 bytes that only this session's chunks are encrypted with; never logged. */
  readonly key: Uint8Array
  /** Epoch ms. */
  readonly startedAt: number
}

/** The keys of recordings: destroying one makes what was recorded with it unreadable for good. */
export interface RecordingKeys {
  open(entry: RecordingEntry): Promise<void>
  closed(sessionId: SessionId, chunkCount: number, at: number): Promise<void>
  /** @throws WarderError `INTERNAL` when the key is there but can't be opened. */
  find(sessionId: string): Promise<RecordingEntry | undefined>
  /** True when there was a key. */
  destroy(sessionId: string): Promise<boolean>
}

/** What is wrong with a recording. Only `unfinished` may be as it should: the session still runs. */
export type RecordingFault =
  'missing' | 'altered' | 'unlogged' | 'unreadable' | 'key-destroyed' | 'unfinished'

/** One thing that is wrong, and where. */
export interface RecordingFinding {
  readonly kind: 'finding'
  readonly fault: RecordingFault
  /** Absent when it is about the whole recording. */
  readonly chunk?: number | undefined
  /** Numbers of the commands that are not shown because of it, as the log has them. */
  readonly commands?: { readonly first: number; readonly last: number } | undefined
  /** One sentence. */
  readonly text: string
}
