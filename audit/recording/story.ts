// One session as one story: what its recording holds, and from the audit log what a recording does
// not: how it came about, what people decided, how it ended, and commands whose chunk is lost.

import type { AuditKind } from '../../core/audit.js'
import { WarderError } from '../../core/errors.js'
import type { CommandEvent, RecordingFault, RecordingFinding } from '../../core/recording.js'
import type { Fields } from '../body.js'
import { queryLog, QUERY_COUNT_MAX, inOrder, storyOf } from '../query.js'
import { replay } from '../replay.js'
import { COMMAND_FINISHED, type RecordView } from '../view.js'
import { readRecording, type RecordedItem, type RecordingSources } from './reader.js'
import { textOf, textRows, type TextRow } from './values.js'

/** Ms since the session was opened; what led to it is negative. */
interface Moment {
  readonly offsetMs: number
}

/** One line of a story. */
export type StoryLine =
  | (Moment & {
      /** From the audit log. */
      readonly type: 'record'
      readonly at: number
      readonly chain: string
      readonly seq: number
      readonly kind: string
      readonly fields: Fields
      /** What happened, in one line. */
      readonly text: string
      readonly statement: readonly string[]
    })
  | (Moment & { readonly type: 'command' } & Omit<CommandEvent, 'kind' | 'atMs'>)
  | (Moment & {
      readonly type: 'rows'
      readonly number: number
      readonly columns: readonly { readonly name: string; readonly typeOid: number }[]
      readonly rows: readonly TextRow[]
      readonly omittedRows: number
      /** Why there are no more rows here, when the recorded ones can't be read. */
      readonly unreadable?: string
    })
  | (Moment & {
      readonly type: 'output'
      readonly number: number
      /** UTF-8 as it is, anything else as `\x` and hex. */
      readonly text: string
      readonly omittedBytes: number
    })
  | (Moment & {
      readonly type: 'decision'
      readonly number: number
      readonly reviewId: string
      readonly state: string
      readonly by: string
    })
  | ({ readonly type: 'finding' } & Omit<RecordingFinding, 'kind'>)
  | {
      /** The last line of a story that was told to its end. */
      readonly type: 'end'
      readonly isRecorded: boolean
      /** How many of the findings there were, by fault. */
      readonly faults: Partial<Record<RecordingFault, number>>
    }

/** What a recording does not hold. */
const FRAME_KINDS = [
  'session.opened',
  'session.ended',
  'review.opened',
  'review.decided',
  'review.ended',
] as const satisfies readonly AuditKind[]

/** As they are read: finished commands are written many in one record. */
const COMMAND_KINDS: readonly string[] = ['command.intended', COMMAND_FINISHED, 'command.refused']

/** A session, ready to be told. */
export interface Story {
  readonly isRecorded: boolean
  readonly lines: AsyncIterable<StoryLine>
}

/**
 * The story of a session; undefined when nobody knows it. Needs memory for one chunk, and for the
 * records around it.
 *
 * @throws WarderError `RECORD_UNAVAILABLE` when log, keys or store of chunks can't be reached.
 */
export async function sessionStory(
  sources: RecordingSources,
  sessionId: string,
): Promise<Story | undefined> {
  const recorded = await readRecording(sources, sessionId)
  const { records: store, sealer } = sources
  const kinds = recorded === undefined ? undefined : FRAME_KINDS
  const { records } = await storyOf(store, sealer, sessionId, kinds)
  if (recorded === undefined && records.length === 0) return undefined
  const teller = new Teller(sources, sessionId, records)
  const lines = recorded === undefined ? teller.unrecorded() : teller.recorded(recorded)
  return { isRecorded: recorded !== undefined, lines }
}

class Teller {
  readonly #sources: RecordingSources
  readonly #sessionId: string
  readonly #opened: RecordView | undefined
  #frame: StoryLine[]
  readonly #reviews: ReadonlySet<unknown>
  readonly #faults: Partial<Record<RecordingFault, number>> = {}
  /** Highest number of a command that was told. */
  #told = 0

  constructor(sources: RecordingSources, sessionId: string, frame: readonly RecordView[]) {
    this.#sources = sources
    this.#sessionId = sessionId
    this.#opened = frame.find(({ kind }) => kind === 'session.opened') ?? frame[0]
    this.#frame = frame.filter(({ kind }) => !kind.startsWith('recording.')).flatMap(this.#lineOf)
    this.#reviews = new Set(
      frame.filter(({ kind }) => kind !== 'review.opened').map(({ fields }) => fields['reviewId']),
    )
  }

  async *unrecorded(): AsyncGenerator<StoryLine, void, undefined> {
    // A generator like the other one; the log was read before.
    yield* await Promise.resolve(this.#frame)
    yield { type: 'end', isRecorded: false, faults: {} }
  }

  async *recorded(items: AsyncIterable<RecordedItem>): AsyncGenerator<StoryLine, void, undefined> {
    let isCutShort = false
    for await (const item of items) {
      if (item.kind === 'finding') {
        isCutShort = true
        yield* this.#finding(item)
      } else {
        yield* this.#until(item.atMs)
        this.#told = Math.max(this.#told, item.number)
        if (item.kind === 'decision') yield* this.#decided(item.reviewId, item.atMs)
        const line = this.#eventLine(item)
        if (line !== undefined) yield line
      }
    }
    // What came after the last readable chunk is on the log all the same.
    if (isCutShort) yield* this.#commands(this.#told + 1, Number.MAX_SAFE_INTEGER)
    yield* this.#until(Number.POSITIVE_INFINITY)
    yield { type: 'end', isRecorded: true, faults: this.#faults }
  }

  async *#finding(found: RecordingFinding): AsyncGenerator<StoryLine, void, undefined> {
    const { fault, chunk, commands, text } = found
    this.#faults[fault] = (this.#faults[fault] ?? 0) + 1
    yield {
      ...{ type: 'finding', fault, text },
      ...(chunk === undefined ? {} : { chunk }),
      ...(commands === undefined ? {} : { commands }),
    }
    if (commands === undefined) return
    yield* this.#commands(Math.max(commands.first, this.#told + 1), commands.last)
    this.#told = Math.max(this.#told, commands.last)
  }

  /** What the log has about commands that no chunk tells of, oldest first. */
  async *#commands(first: number, last: number): AsyncGenerator<StoryLine, void, undefined> {
    const { records: store, sealer } = this.#sources
    const found: RecordView[] = []
    const query = { sessionId: this.#sessionId, kinds: COMMAND_KINDS, limitCount: QUERY_COUNT_MAX }
    let page = await queryLog(store, sealer, query)
    for (;;) {
      let highest = 0
      for (const view of page.records) {
        const { command } = view.fields
        if (typeof command !== 'number') continue
        highest = Math.max(highest, command)
        if (command >= first && command <= last) found.push(view)
      }
      // Newest first: what is still to come is older than a whole page of too old ones.
      const isPast = highest < first || found.length >= QUERY_COUNT_MAX
      if (isPast || page.stopped === 'all' || page.next === undefined) break
      page = await queryLog(store, sealer, { ...query, before: page.next })
    }
    for (const line of inOrder(found).flatMap(this.#lineOf)) {
      if (line.type === 'record') yield* this.#until(line.offsetMs)
      yield line
    }
  }

  /** What the log says of a review's end, when the gateway heard of it: the log hears a little later. */
  *#decided(reviewId: string, atMs: number): Generator<StoryLine, void, undefined> {
    const isOfIt = (line: StoryLine) =>
      line.type === 'record' && line.fields['reviewId'] === reviewId
    const told = this.#frame.filter(isOfIt)
    this.#frame = this.#frame.filter((line) => !isOfIt(line))
    for (const line of told) {
      if (line.type === 'record') yield { ...line, offsetMs: Math.min(line.offsetMs, atMs) }
    }
  }

  /** Records around the session that happened up to then; its end comes after all of it, whatever clocks say. */
  *#until(offsetMs: number): Generator<StoryLine, void, undefined> {
    for (let next = this.#frame[0]; next?.type === 'record'; next = this.#frame[0]) {
      const isEnd = next.kind === 'session.ended' && offsetMs !== Number.POSITIVE_INFINITY
      if (isEnd || next.offsetMs > offsetMs) return
      this.#frame.shift()
      yield next
    }
  }

  readonly #lineOf = (view: RecordView): readonly StoryLine[] => {
    const { at, chain, seq, kind, fields } = view
    const pair = this.#opened === undefined || view === this.#opened ? [] : [this.#opened]
    return replay([...pair, view], this.#sessionId)
      .filter((line) => line.chain === chain && line.seq === seq)
      .map(({ offsetMs, text, statement }) => ({
        ...{ type: 'record', offsetMs, at, chain, seq, kind, fields, text, statement },
      }))
  }

  #eventLine(item: Exclude<RecordedItem, RecordingFinding>): StoryLine | undefined {
    switch (item.kind) {
      case 'command': {
        const { kind: type, atMs: offsetMs, ...rest } = item
        return { type, offsetMs, ...rest }
      }
      case 'rows': {
        const { kind: type, atMs: offsetMs, number, omittedRows } = item
        const columns = item.columns.map(({ name, typeOid }) => ({ name, typeOid }))
        return { type, offsetMs, number, columns, omittedRows, ...rowsOf(item) }
      }
      case 'output': {
        const { kind: type, atMs: offsetMs, number, bytes, omittedBytes } = item
        return { type, offsetMs, number, text: textOf(bytes), omittedBytes }
      }
      case 'decision': {
        // The log tells it in full, with channel and reason.
        if (this.#reviews.has(item.reviewId)) return undefined
        const { kind: type, atMs: offsetMs, ...rest } = item
        return { type, offsetMs, ...rest }
      }
    }
  }
}

function rowsOf({ columns, bytes }: Extract<RecordedItem, { kind: 'rows' }>): {
  rows: readonly TextRow[]
  unreadable?: string
} {
  const rows: TextRow[] = []
  try {
    for (const row of textRows(columns, bytes)) rows.push(row)
    return { rows }
  } catch (failure) {
    if (!(failure instanceof WarderError)) throw failure
    return { rows, unreadable: failure.details.why ?? failure.message }
  }
}
