// What the tests of recordings are made of: stores in memory that fail when told to, and a session
// that is recorded and logged as the real thing would be.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AuditEvent, AuditKind } from '../../../../core/audit.js'
import { WarderError } from '../../../../core/errors.js'
import type { RecordFilter, RecordPosition, StoredRecord } from '../../../../core/record.js'
import type {
  ChunkStore,
  CommandEvent,
  RecordingAbout,
  RecordingEntry,
  RecordingEvent,
  RecordingKeys,
  RowsEvent,
} from '../../../../core/recording.js'
import { ChunkRecorder, type RecorderParts } from '../../../../audit/recording/recorder.js'
import {
  readRecording,
  type RecordedItem,
  type RecordingSources,
} from '../../../../audit/recording/reader.js'
import { MemoryRecordStore, openLog, sealer, TickingClock } from '../fixtures.js'

export const ABOUT: RecordingAbout = {
  ...{ sessionId: 'ses_1', gatewayId: 'gwy_1', protocol: 'postgres', principal: 'ci/job' },
  ...{ resource: 'orders-db', role: 'reader', startedAt: 1_800_000_000_000 },
  ...{ requestId: 'req_1', grantId: 'grt_1' },
}

/** ChunkStore in memory. Each `failures` is thrown by one put; `gate` keeps puts waiting. */
export class MemoryChunks implements ChunkStore {
  readonly chunks = new Map<string, Uint8Array>()
  failures: (Error | 'lost answer')[] = []
  isFull = false
  gate: Promise<void> | undefined
  putCount = 0

  async put(name: string, bytes: Uint8Array): Promise<void> {
    this.putCount += 1
    await this.gate
    if (this.isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    const failure = this.failures.shift()
    if (failure instanceof Error) throw failure
    this.chunks.set(name, Uint8Array.from(bytes))
    if (failure !== undefined) throw new Error('the answer was lost')
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.chunks.get(name))
  }

  list(prefix: string): Promise<readonly string[]> {
    return Promise.resolve([...this.chunks.keys()].filter((name) => name.startsWith(prefix)))
  }
}

/** RecordingKeys in memory. */
export class MemoryKeys implements RecordingKeys {
  readonly entries = new Map<string, RecordingEntry>()
  readonly closings: string[] = []
  isDown = false

  open(entry: RecordingEntry): Promise<void> {
    if (this.isDown) return Promise.reject(new WarderError('RECORD_UNAVAILABLE'))
    this.entries.set(entry.sessionId, entry)
    return Promise.resolve()
  }

  closed(sessionId: string, chunkCount: number): Promise<void> {
    this.closings.push(`${sessionId} ${String(chunkCount)}`)
    return Promise.resolve()
  }

  find(sessionId: string): Promise<RecordingEntry | undefined> {
    return Promise.resolve(this.entries.get(sessionId))
  }

  destroy(sessionId: string): Promise<boolean> {
    return Promise.resolve(this.entries.delete(sessionId))
  }
}

/** RecordStore in memory that finds by kind, session and request, as the real one does. */
export class FilteringRecordStore extends MemoryRecordStore {
  override newest(
    filter: RecordFilter,
    before: RecordPosition | undefined,
    limitCount: number,
  ): Promise<readonly StoredRecord[]> {
    const order = (a: RecordPosition, b: RecordPosition) =>
      a.at - b.at || (a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : a.seq - b.seq)
    const found = this.records
      .filter((record) => before === undefined || order(record, before) < 0)
      .filter(({ kind }) => filter.kinds?.includes(kind) ?? true)
      .filter(({ keys }) => (filter.sessionId ?? keys.sessionId) === keys.sessionId)
      .filter(({ keys }) => (filter.requestId ?? keys.requestId) === keys.requestId)
    return Promise.resolve(found.toSorted((a, b) => order(b, a)).slice(0, limitCount))
  }
}

/** A gateway's recorder, its log, and everything that they write to. */
export class Studio {
  readonly chunks = new MemoryChunks()
  readonly keys = new MemoryKeys()
  readonly records = new FilteringRecordStore()
  readonly clock = new TickingClock()
  #log: Awaited<ReturnType<typeof openLog>> | undefined

  /** With small chunks and no patience, unless said otherwise. */
  async recorder(more: Partial<RecorderParts> = {}): Promise<ChunkRecorder> {
    const { chunks, keys, clock } = this
    const audit = await this.log()
    const parts = { chunks, keys, clock, audit, chunkBytes: 200, retryAfterMs: [] }
    return new ChunkRecorder({ ...parts, ...more })
  }

  /** What a reader reads with. */
  get sources(): RecordingSources {
    return { records: this.records, chunks: this.chunks, keys: this.keys, sealer }
  }

  async log(): Promise<Awaited<ReturnType<typeof openLog>>> {
    this.#log ??= await openLog(this.records, 'gwy_1')
    return this.#log
  }

  async write<K extends AuditKind>(kind: K, fields: AuditEvent<K>['fields']): Promise<void> {
    await this.append({ kind, fields })
  }

  async append<K extends AuditKind>(event: AuditEvent<K>): Promise<void> {
    const log = await this.log()
    await log.durable(log.append(event))
  }

  /** Everything that was put on the log so far, by kind. */
  async logged(kind: AuditKind): Promise<readonly Record<string, unknown>[]> {
    const log = await this.log()
    await log.durable(log.append({ kind: 'policy.applied', fields: {} }))
    return this.records.records
      .filter((record) => record.kind === kind)
      .map(({ body }) => JSON.parse(body) as Record<string, unknown>)
  }

  /** Records a session of that many chunks with one command each, and closes it. */
  async recorded(chunkCount: number, about: RecordingAbout = ABOUT): Promise<void> {
    const recorder = await this.recorder()
    const recording = await recorder.open(about)
    for (let number = 1; number <= chunkCount; number += 1) {
      recording.add([command(number)])
      await recording.flush()
    }
    await recording.close()
    await this.logged('recording.closed')
  }

  async read(sessionId = 'ses_1'): Promise<readonly RecordedItem[] | undefined> {
    await this.logged('recording.stored')
    const items = await readRecording(this.sources, sessionId)
    if (items === undefined) return undefined
    const read: RecordedItem[] = []
    for await (const item of items) read.push(item)
    return read
  }

  /** Faults with their chunks, and the numbers of the commands that could be read. */
  async told(): Promise<readonly (string | number)[]> {
    const items = (await this.read()) ?? []
    return items.map((item) =>
      item.kind === 'finding' ? `${item.fault} ${String(item.chunk ?? '-')}` : item.number,
    )
  }
}

/** A read that took 2.5 ms. */
export const command = (number: number, more: Partial<CommandEvent> = {}): CommandEvent => ({
  ...{
    kind: 'command',
    atMs: number * 10,
    number,
    text: 'select $1',
    parameters: [String(number)],
  },
  ...{ effect: 'read', outcome: 'done', tag: 'SELECT 1', sqlstate: '', rows: 1, durationMs: 2.5 },
  ...more,
})

/** Values as the body of a DataRow after its length; null is NULL. */
export function rowBytes(...values: readonly (string | Uint8Array | null)[]): Buffer {
  const parts = values.map((value) => {
    if (value === null) return Buffer.from('ffffffff', 'hex')
    const bytes = Buffer.from(value as string)
    const length = Buffer.alloc(4)
    length.writeInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  })
  const count = Buffer.alloc(2)
  count.writeInt16BE(values.length)
  const body = Buffer.concat([count, ...parts])
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from('D'), length, body])
}

/** Two rows of two columns. */
export const rows = (number: number): RowsEvent => ({
  ...{ kind: 'rows', atMs: number * 10 + 2, number, columns: COLUMNS, omittedRows: 3 },
  bytes: Buffer.concat([rowBytes('1', 'ann'), rowBytes('2', null)]),
})

export const COLUMNS = [
  { name: 'id', typeOid: 23, format: 0 },
  { name: 'name', typeOid: 25, format: 0 },
] as const

/** One of each kind. */
export const EVENTS: readonly RecordingEvent[] = [
  command(1),
  rows(1),
  command(2, { outcome: 'refused', tag: '', reviewId: 'cmd_1', reasons: ['ask line 1', 'no'] }),
  { kind: 'decision', atMs: 21, number: 2, reviewId: 'cmd_1', state: 'denied', by: 'okta/dana' },
  { kind: 'output', atMs: 31.25, number: 3, bytes: Buffer.from('a\tb\n'), omittedBytes: 9 },
]

/** Waits, turn by turn of the event loop, until something is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn()
}
