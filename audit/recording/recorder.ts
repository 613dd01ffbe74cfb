// The writing end of recordings: gathers events, cuts chunks, stores them and puts their hashes on
// the log. What could not be stored is said, on the log and to whoever runs the session.

import { randomBytes } from 'node:crypto'
import { WarderError } from '../../core/errors.js'
import type { AuditLog, Clock } from '../../core/ports.js'
import type {
  ChunkStore,
  Recording,
  RecordingAbout,
  RecordingEvent,
  RecordingKeys,
  RecordingService,
} from '../../core/recording.js'
import { chunkName, RAW_BYTES_MAX, RECORDING_KEY_BYTES, sealChunk } from './chunk.js'
import { EventWriter } from './encoding.js'
import { storeChunk } from './persistence.js'

/** A chunk is cut when it has this many raw bytes: small enough to be read back in one piece. */
const CHUNK_BYTES = 256 * 1024
/** Longest that an event waits for others to share its chunk. */
const CHUNK_MS_MAX = 1_000
/** Raw bytes that one session, and the whole process, may owe; a store that is slower ends sessions. */
const PENDING_BYTES_MAX = 8 * 1024 * 1024
const PROCESS_PENDING_BYTES_MAX = 64 * 1024 * 1024

/** What the recorder is made of. */
export interface RecorderParts {
  readonly chunks: ChunkStore
  readonly keys: RecordingKeys
  readonly audit: Pick<AuditLog, 'append'>
  readonly clock: Clock
  /** Raw bytes of a chunk; 256 KiB when absent. */
  readonly chunkBytes?: number | undefined
  /** Longest wait of an event, ms; 1 s when absent. */
  readonly chunkMsMax?: number | undefined
  /** Raw bytes that one session may owe; 8 MiB when absent. */
  readonly pendingBytesMax?: number | undefined
  /** Raw bytes that all sessions may owe together; 64 MiB when absent. */
  readonly processPendingBytesMax?: number | undefined
  /** Pauses before a write is repeated, ms; 0.1 s to 1.6 s when absent. */
  readonly retryAfterMs?: readonly number[] | undefined
}

/** RecordingService on a store of chunks. */
export class ChunkRecorder implements RecordingService {
  readonly #parts: RecorderParts
  readonly #owed = { bytes: 0 }

  constructor(parts: RecorderParts) {
    this.#parts = parts
  }

  /**
   * Stores the session's key and the header chunk, both before it resolves.
   *
   * @throws WarderError `RECORD_UNAVAILABLE` when either can't be stored.
   */
  async open(about: RecordingAbout): Promise<Recording> {
    const key = randomBytes(RECORDING_KEY_BYTES)
    const { sessionId, startedAt } = about
    const recording = new ChunkRecording(this.#parts, about, key, this.#owed)
    try {
      await this.#parts.keys.open({ sessionId, key, startedAt })
      await recording.start()
      return recording
    } catch (cause) {
      // A key without a recording does no harm; it is only tidied away.
      await this.#parts.keys.destroy(sessionId).catch(() => false)
      throw unavailable('the recording can’t be opened', cause)
    }
  }
}

/** The commands that a chunk is about, as the log names them. */
interface Span {
  readonly events: number
  readonly firstCommand: number
  readonly lastCommand: number
}

const NOTHING: Span = { events: 0, firstCommand: 0, lastCommand: 0 }

class ChunkRecording implements Recording {
  readonly #parts: RecorderParts
  readonly #about: RecordingAbout
  readonly #key: Uint8Array
  /** What all recordings of the process owe. */
  readonly #owed: { bytes: number }
  readonly #writer = new EventWriter()
  readonly #listeners = new Set<(failure: Error) => void>()
  #span: Span = NOTHING
  #nextChunk = 0
  /** Raw bytes ever taken and ever stored. */
  #takenBytes = 0
  #storedBytes = 0
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #failure: WarderError | undefined
  #closing: Promise<void> | undefined

  constructor(
    parts: RecorderParts,
    about: RecordingAbout,
    key: Uint8Array,
    owed: { bytes: number },
  ) {
    this.#parts = parts
    this.#about = about
    this.#key = key
    this.#owed = owed
  }

  /** The header: who, where, when. Its being stored proves that chunks can be. */
  async start(): Promise<void> {
    await this.#store(Buffer.from(JSON.stringify(this.#about), 'utf8'), NOTHING)
  }

  add(events: readonly RecordingEvent[]): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closing !== undefined) throw unavailable('the recording is closed')
    const before = this.#writer.length
    let { events: count, firstCommand, lastCommand } = this.#span
    for (const event of events) {
      this.#writer.add(event)
      count += 1
      if (firstCommand === 0 || event.number < firstCommand) firstCommand = event.number
      if (event.number > lastCommand) lastCommand = event.number
    }
    this.#span = { events: count, firstCommand, lastCommand }
    const added = this.#writer.length - before
    this.#takenBytes += added
    this.#owed.bytes += added
    this.#checkRoom(added)
    this.#schedule()
  }

  async flush(): Promise<void> {
    const until = this.#takenBytes
    while (this.#storedBytes < until && this.#failure === undefined) {
      this.#write()
      await this.#writing
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** A listener that comes after the failure hears of it too. */
  onFailure(listener: (failure: Error) => void): () => void {
    const own = (failure: Error): void => {
      listener(failure)
    }
    this.#listeners.add(own)
    const failure = this.#failure
    if (failure !== undefined) queueMicrotask(() => this.#tell(own, failure))
    return () => {
      this.#listeners.delete(own)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.flush()
    const { audit, keys, clock } = this.#parts
    const { sessionId } = this.#about
    audit.append({
      kind: 'recording.closed',
      fields: { ...this.#ids(), chunks: this.#nextChunk },
    })
    // The log is what counts; the table repeats it for whoever keeps house there.
    await keys.closed(sessionId, this.#nextChunk, clock.now()).catch(() => undefined)
  }

  /** One batch always fits when nothing was owed before it, up to what can be read back. */
  #checkRoom(added: number): void {
    const { pendingBytesMax = PENDING_BYTES_MAX } = this.#parts
    const { processPendingBytesMax = PROCESS_PENDING_BYTES_MAX } = this.#parts
    const own = this.#takenBytes - this.#storedBytes
    const isTooMuch =
      this.#writer.length > RAW_BYTES_MAX ||
      (own > added && own > pendingBytesMax) ||
      (this.#owed.bytes > added && this.#owed.bytes > processPendingBytesMax)
    if (!isTooMuch) return
    const failure = unavailable('the store is too slow for the recordings')
    this.#fail(failure)
    throw failure
  }

  #schedule(): void {
    if (this.#writer.length === 0 || this.#writing !== undefined) return
    const { chunkBytes = CHUNK_BYTES, chunkMsMax = CHUNK_MS_MAX } = this.#parts
    if (this.#writer.length >= chunkBytes) this.#write()
    else {
      this.#timer ??= setTimeout(() => {
        this.#write()
      }, chunkMsMax)
    }
  }

  /** One chunk at a time; what comes meanwhile is in the next one, however much that is. */
  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#writing !== undefined || this.#failure !== undefined) return
    const raw = this.#writer.take()
    const span = this.#span
    this.#span = NOTHING
    this.#writing = this.#store(raw, span)
      .then(() => {
        // A failure meanwhile has settled what was owed.
        if (this.#failure !== undefined) return
        this.#storedBytes += raw.length
        this.#owed.bytes -= raw.length
      })
      .catch((cause: unknown) => {
        this.#fail(unavailable('the recording can’t be written', cause), span)
      })
      .finally(() => {
        this.#writing = undefined
        if (this.#failure === undefined) this.#schedule()
      })
  }

  /** The hash is on the log only when the chunk is durable. */
  async #store(raw: Uint8Array, span: Span): Promise<void> {
    const { chunks, audit, clock, retryAfterMs } = this.#parts
    const place = { sessionId: this.#about.sessionId, chunk: this.#nextChunk }
    const { bytes, sha256 } = await sealChunk(this.#key, place, raw)
    await storeChunk({ chunks, clock, retryAfterMs }, chunkName(place), bytes)
    this.#nextChunk += 1
    const about = { chunk: place.chunk, sha256, bytes: bytes.length, ...span }
    audit.append({ kind: 'recording.stored', fields: { ...this.#ids(), ...about } })
  }

  /** What waits is lost from here on, and the chunk about `span`; the log says what that is. */
  #fail(failure: WarderError, span: Span = NOTHING): void {
    const lost = joined(span, this.#span)
    this.#span = NOTHING
    if (this.#failure !== undefined) {
      // The chunk that was under way when the store had become too slow.
      this.#putOnRecord(failure, lost)
      return
    }
    this.#failure = failure
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writer.take()
    this.#owed.bytes -= this.#takenBytes - this.#storedBytes
    this.#storedBytes = this.#takenBytes
    this.#putOnRecord(failure, lost)
    for (const listener of [...this.#listeners]) this.#tell(listener, failure)
  }

  #putOnRecord(failure: WarderError, lost: Span): void {
    const why = failure.details.why ?? ''
    try {
      this.#parts.audit.append({
        kind: 'recording.failed',
        fields: { ...this.#ids(), chunk: this.#nextChunk, ...lost, why },
      })
    } catch {
      // The log has failed as well, and ends every session by itself.
    }
  }

  /** Whatever one listener does, the others are told. */
  #tell(listener: (failure: Error) => void, failure: Error): void {
    if (!this.#listeners.delete(listener)) return
    try {
      listener(failure)
    } catch {
      // It has nobody to report to; the failure itself is on the log.
    }
  }

  #ids(): { sessionId: string; grantId?: string; requestId?: string } {
    const { sessionId, grantId, requestId } = this.#about
    return {
      sessionId,
      ...(grantId === undefined ? {} : { grantId }),
      ...(requestId === undefined ? {} : { requestId }),
    }
  }
}

function joined(one: Span, other: Span): Span {
  if (one.events === 0 || other.events === 0) return one.events === 0 ? other : one
  return {
    events: one.events + other.events,
    firstCommand: Math.min(one.firstCommand, other.firstCommand),
    lastCommand: Math.max(one.lastCommand, other.lastCommand),
  }
}

const unavailable = (what: string, cause?: unknown): WarderError => {
  const inner = cause instanceof WarderError ? cause.details.why : undefined
  const why = inner === undefined ? what : `${what}: ${inner}`
  return new WarderError('RECORD_UNAVAILABLE', { why }, { cause })
}
