// Recordings in memory: what a session's events were, and a store that refuses or breaks on demand.

import { WarderError } from '../../core/errors.js'
import type {
  Recording,
  RecordingAbout,
  RecordingEvent,
  RecordingService,
} from '../../core/recording.js'

/** One session's recording. */
export class MemoryRecording implements Recording {
  readonly about: RecordingAbout
  readonly events: RecordingEvent[] = []
  isClosed = false
  #onFailure: ((failure: Error) => void) | undefined

  constructor(about: RecordingAbout) {
    this.about = about
  }

  add(events: readonly RecordingEvent[]): void {
    this.events.push(...events)
  }

  flush(): Promise<void> {
    return Promise.resolve()
  }

  onFailure(listener: (failure: Error) => void): () => void {
    this.#onFailure = listener
    return () => {
      this.#onFailure = undefined
    }
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }

  /** Its store can't be written any more. */
  break(): void {
    this.#onFailure?.(new WarderError('RECORD_UNAVAILABLE', { why: 'the store is full' }))
  }
}

/** Records in memory. */
export class MemoryRecordings implements RecordingService {
  readonly recordings: MemoryRecording[] = []
  /** Nothing can be stored: no session may start. */
  isFull = false

  open(about: RecordingAbout): Promise<MemoryRecording> {
    if (this.isFull) {
      return Promise.reject(new WarderError('RECORD_UNAVAILABLE', { why: 'the store is full' }))
    }
    const recording = new MemoryRecording(about)
    this.recordings.push(recording)
    return Promise.resolve(recording)
  }

  /** Everything recorded so far, of all sessions. */
  get events(): readonly RecordingEvent[] {
    return this.recordings.flatMap((recording) => recording.events)
  }
}
