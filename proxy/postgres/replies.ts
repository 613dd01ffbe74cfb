// The target's side of a session: which replies are awaited, in order, and what each message that
// comes back means. Rows pass by their length alone. No I/O.

import { WarderError } from '../../core/errors.js'
import { LIMITS } from '../limits.js'
import type { Finish } from '../journal.js'
import { Backlog, bodyLength, HEADER_BYTES, type Outbox } from './codec.js'
import type { CopyMasker } from './masking/copy.js'
import type { Change, Portal } from './names.js'
import {
  MalformedMessage,
  readError,
  readParameterStatus,
  readTag,
  readTextRow,
  TARGET,
} from './messages.js'
import type { StatementOccurrence } from './occurrence.js'
import { Captured, type Results, type View } from './results.js'

/** Transaction status of ReadyForQuery: outside any transaction block. */
export const IDLE = 0x49
/** Inside a transaction block. */
export const IN_TRANSACTION = 0x54
/** Inside a transaction block that has failed: nothing but its end is accepted. */
export const FAILED = 0x45

/** Collects the rows of one of the gateway's own lookups; `done` counts once. */
export interface Lookup {
  readonly rows: (string | null)[][]
  done(failure?: Error): void
}

/** What a reply answers. */
export type ReplyKind =
  | 'query'
  | 'parse'
  | 'bind'
  | 'close'
  | 'describe-statement'
  | 'describe-portal'
  | 'execute'
  | 'refusal'
  | 'sync'

/** What an awaited reply may carry besides its kind. */
export interface ReplyDetails {
  /** A message of the gateway's own: its reply is not for the caller. */
  readonly lookup?: Lookup
  /** What the caller gets instead of the error that the gateway provoked. */
  readonly error?: Buffer
  readonly occurrence?: StatementOccurrence
  /** Taken back, should the target skip the message. */
  readonly change?: Change
  /** The portal that is described or run. */
  readonly portal?: Portal
}

const NO_DETAILS: ReplyDetails = {}

/** One awaited reply; an object of fixed form, because every message makes one. */
export class Reply implements Finish {
  readonly kind: ReplyKind
  readonly lookup: Lookup | undefined
  readonly error: Buffer | undefined
  readonly occurrence: StatementOccurrence | undefined
  readonly change: Change | undefined
  readonly portal: Portal | undefined
  /** Epoch ms; 0 for what is no command. */
  readonly startedAt: number
  durationMs = 0
  rows = 0
  tag = ''
  sqlstate = ''
  /** Statements of its text that are done. */
  statementCount = 0
  /** What is known of the rows that come. */
  view: View | undefined
  /** Masks the COPY data that comes. */
  copier: CopyMasker | undefined
  /** What the recording keeps of the rows, or of the COPY data. */
  captured: Captured | undefined

  constructor(kind: ReplyKind, startedAt: number, details: ReplyDetails = NO_DETAILS) {
    this.kind = kind
    this.startedAt = startedAt
    this.lookup = details.lookup
    this.error = details.error
    this.occurrence = details.occurrence
    this.change = details.change
    this.portal = details.portal
  }

  get outcome(): 'done' | 'failed' {
    return this.sqlstate === '' ? 'done' : 'failed'
  }
}

/** Data passes in pieces, unless somebody looks into it; everything else is held whole. */
function limitOf(isData: boolean, isLooked: boolean): number {
  if (isLooked) return LIMITS.maskedRowBytesMax
  return isData ? LIMITS.messageBytesMax : LIMITS.controlMessageBytesMax
}

/** What the session learns from the target's side. */
export interface ReplyEvents {
  /** A command of the caller's is over. */
  finished(reply: Reply): void
  /** The target reported a new value for a setting. */
  reported(name: string, value: string): void
  /** Nothing is awaited any more. */
  settled(): void
}

/** The queue of awaited replies, and the scanner that works it off. */
export class Replies {
  /** Status of the last ReadyForQuery. */
  status = IDLE
  /** The target is reading COPY data. */
  copyIn = false
  /** The target skips everything until the next Sync. */
  skipping = false
  /** Not in the middle of a message towards the caller. */
  get atBoundary(): boolean {
    return this.#skipBytes === 0
  }

  readonly #queue: Reply[] = []
  #head = 0
  readonly #backlog = new Backlog()
  #skipBytes = 0
  /** Bytes without which nothing more can be done with the backlog. */
  #wantedBytes = 0
  readonly #out: Outbox
  readonly #results: Results
  readonly #on: ReplyEvents

  constructor(out: Outbox, results: Results, events: ReplyEvents) {
    this.#out = out
    this.#results = results
    this.#on = events
  }

  /** Replies still awaited. */
  get count(): number {
    return this.#queue.length - this.#head
  }

  /** Expects one more reply, after all others. */
  push(reply: Reply): void {
    this.#queue.push(reply)
  }

  /** Takes bytes from the target; `volatile` says that the chunk is overwritten afterwards. */
  scan(chunk: Buffer, volatile: boolean): void {
    let bytes = chunk
    let at = 0
    if (this.#skipBytes > 0) {
      at = Math.min(this.#skipBytes, bytes.length)
      this.#out.slice(bytes, 0, at)
      this.#skipBytes -= at
    } else if (this.#backlog.sizeBytes > 0) {
      this.#backlog.push(volatile ? Buffer.from(bytes) : bytes)
      // A long row is put together once, not again for each of its chunks.
      if (this.#backlog.sizeBytes < this.#wantedBytes) return
      bytes = this.#backlog.take()
    }
    this.#wantedBytes = 0
    at = this.#messages(bytes, at)
    if (at < bytes.length) {
      const rest = bytes.subarray(at)
      this.#backlog.push(volatile && bytes === chunk ? Buffer.from(rest) : rest)
    }
  }

  /** Works through whole messages and long ones' beginnings; returns where it stopped. */
  #messages(bytes: Buffer, from: number): number {
    let at = from
    while (at + HEADER_BYTES <= bytes.length) {
      const type = bytes[at] ?? 0
      const isRow = type === TARGET.dataRow
      const isData = (isRow || type === TARGET.copyData) && this.#isCallers()
      const isLooked = isData && this.#isLookedInto(type)
      const end = at + HEADER_BYTES + bodyLength(bytes, at, limitOf(isData, isLooked))
      if (end > bytes.length) {
        if (!isData || isLooked) {
          this.#wantedBytes = end - at
          return at
        }
        // What nobody looks into passes in pieces, however long it is.
        if (isRow) this.#peek().rows += 1
        this.#out.slice(bytes, at, bytes.length)
        this.#skipBytes = end - bytes.length
        return bytes.length
      }
      if (isData) {
        at = isRow ? this.#rows(bytes, at, end) : this.#copied(bytes, at, end)
        continue
      }
      if (this.#handle(type, bytes, at + HEADER_BYTES, end)) this.#out.slice(bytes, at, end)
      at = end
    }
    return at
  }

  /** False for rows of the gateway's own lookups. */
  #isCallers(): boolean {
    return this.#queue[this.#head]?.lookup === undefined
  }

  /** True when rows or COPY data of the reply at hand are masked or searched, message by message. */
  #isLookedInto(type: number): boolean {
    const reply = this.#queue[this.#head]
    if (type === TARGET.copyData) return reply?.copier !== undefined
    return this.#viewOf(reply)?.masker !== undefined
  }

  #viewOf(reply: Reply | undefined): View | undefined {
    return reply?.portal === undefined ? reply?.view : reply.portal.view
  }

  /** Passes the run of whole rows that begins at `start` on at once; returns its end. */
  #rows(bytes: Buffer, start: number, firstEnd: number): number {
    const reply = this.#peek()
    const before = reply.rows
    const end = this.#runEnd(reply, TARGET.dataRow, bytes, firstEnd)
    const view = this.#viewOf(reply)
    const fromBytes = this.#out.sizeBytes
    this.#results.rows(view, bytes, start, end, this.#out)
    if (reply.occurrence !== undefined) {
      reply.captured ??= new Captured(view)
      this.#results.captureRows(reply.captured, this.#out, fromBytes, reply.rows - before)
    }
    return end
  }

  /** Passes the run of whole CopyData messages that begins at `start` on at once; returns its end. */
  #copied(bytes: Buffer, start: number, firstEnd: number): number {
    const reply = this.#peek()
    const end = this.#runEnd(reply, TARGET.copyData, bytes, firstEnd)
    const fromBytes = this.#out.sizeBytes
    if (reply.copier === undefined) this.#out.slice(bytes, start, end)
    else reply.copier.data(bytes, start, end, this.#out)
    if (reply.occurrence !== undefined) {
      reply.captured ??= new Captured(undefined)
      this.#results.captureCopy(reply.captured, this.#out, fromBytes)
    }
    return end
  }

  /** Where the run of whole messages of one type ends; they count as rows of the reply. */
  #runEnd(reply: Reply, type: number, bytes: Buffer, firstEnd: number): number {
    let end = firstEnd
    reply.rows += 1
    while (end + HEADER_BYTES <= bytes.length && bytes[end] === type) {
      const next = end + HEADER_BYTES + bodyLength(bytes, end, LIMITS.messageBytesMax)
      if (next > bytes.length) break
      end = next
      reply.rows += 1
    }
    return end
  }

  /** Returns true when the message goes to the caller as it is. */
  #handle(type: number, bytes: Buffer, start: number, end: number): boolean {
    switch (type) {
      case TARGET.parseComplete:
        return this.#answered('parse')
      case TARGET.bindComplete:
        return this.#answered('bind')
      case TARGET.closeComplete:
        return this.#answered('close')
      case TARGET.parameterDescription:
        return this.#peek().lookup === undefined
      case TARGET.rowDescription:
        this.#describe(bytes, start, end)
        return this.#described()
      case TARGET.noData:
        return this.#described()
      case TARGET.dataRow:
        this.#peek().lookup?.rows.push(readTextRow(bytes, start, end))
        return false
      case TARGET.commandComplete:
        return this.#completed(readTag(bytes, start, end))
      case TARGET.emptyQuery:
        return this.#completed('')
      case TARGET.portalSuspended:
        return this.#completed('SUSPENDED')
      case TARGET.copyIn:
        return this.#copyIn()
      case TARGET.copyOut:
        return this.#copyOut(bytes, start, end)
      case TARGET.copyDone:
        return this.#copyDone()
      case TARGET.notice:
        return this.#orInstead(this.#results.report(this.#peekOccurrence(), bytes, start, end))
      case TARGET.notification:
        return this.#orInstead(this.#results.notification(bytes, start, end))
      case TARGET.error:
        return this.#failed(bytes, start, end)
      case TARGET.readyForQuery:
        return this.#ready(bytes[start] ?? 0)
      case TARGET.parameterStatus: {
        const { name, value } = readParameterStatus(bytes, start, end)
        this.#on.reported(name, value)
        return true
      }
      default:
        throw new MalformedMessage(
          `the target sent a message of type ${type}, which has no place here`,
        )
    }
  }

  #peek(): Reply {
    const reply = this.#queue[this.#head]
    if (reply === undefined) throw new MalformedMessage('the target answered what nobody asked')
    return reply
  }

  #shift(): Reply {
    const reply = this.#peek()
    this.#head += 1
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0
      this.#head = 0
    } else if (this.#head === 1024) {
      this.#queue.splice(0, 1024)
      this.#head = 0
    }
    return reply
  }

  #peekOccurrence(): StatementOccurrence | undefined {
    return this.#queue[this.#head]?.occurrence
  }

  /** Returns false after it has put out another message in place of the target's. */
  #orInstead(message: Buffer | undefined): boolean {
    if (message === undefined) return true
    this.#out.add(message)
    return false
  }

  #answered(kind: ReplyKind): boolean {
    const reply = this.#shift()
    if (reply.kind !== kind) throw new MalformedMessage('the target answered out of order')
    if (kind === 'close') reply.lookup?.done()
    reply.change?.done()
    this.#settle()
    return reply.lookup === undefined
  }

  /** The description of rows that are to come: a portal's, or those of a simple Query. */
  #describe(bytes: Buffer, start: number, end: number): void {
    const reply = this.#peek()
    if (reply.portal !== undefined) {
      const { occurrence } = reply.portal
      reply.portal.view = this.#results.describe(occurrence, 0, bytes, start, end)
    } else if (reply.kind === 'query' && reply.occurrence !== undefined) {
      const { occurrence, statementCount } = reply
      reply.view = this.#results.describe(occurrence, statementCount, bytes, start, end)
    }
  }

  #described(): boolean {
    const reply = this.#peek()
    if (reply.kind.startsWith('describe')) return this.#answered(reply.kind)
    return reply.lookup === undefined
  }

  /** One statement is done; a simple Query goes on until its ReadyForQuery. */
  #completed(tag: string): boolean {
    const reply = this.#peek()
    reply.tag = reply.tag === '' ? tag : `${reply.tag}; ${tag}`
    if (reply.kind === 'query') {
      reply.statementCount += 1
      reply.view = undefined
      return true
    }
    if (reply.kind !== 'execute') throw new MalformedMessage('the target completed nothing')
    this.#shift()
    this.copyIn = false
    if (reply.occurrence !== undefined) this.#on.finished(reply)
    this.#settle()
    return reply.lookup === undefined
  }

  #copyOut(bytes: Buffer, start: number, end: number): boolean {
    const reply = this.#peek()
    const { occurrence, statementCount } = reply
    reply.copier = this.#results.copyOut(occurrence, statementCount, bytes, start, end)
    return true
  }

  #copyDone(): boolean {
    const reply = this.#peek()
    reply.copier?.done(this.#out)
    reply.copier = undefined
    return true
  }

  /** While it reads COPY data, a target ignores Sync and Flush: replies to them never come. */
  #copyIn(): boolean {
    const reply = this.#peek()
    if (reply.kind !== 'query' && reply.kind !== 'execute') {
      throw new MalformedMessage('the target asked for COPY data that nobody offered')
    }
    this.copyIn = true
    const after = this.#queue.splice(this.#head + 1)
    if (after.some((later) => later.kind !== 'sync' || later.lookup !== undefined)) {
      throw new MalformedMessage('commands were sent ahead into a COPY')
    }
    return true
  }

  /** An error ends a simple Query's statement, or everything up to the next Sync. */
  #failed(bytes: Buffer, start: number, end: number): boolean {
    const sqlstate = readError(bytes, start, end).get('C') ?? ''
    this.copyIn = false
    const head = this.#queue[this.#head]
    const instead = this.#results.report(head?.occurrence, bytes, start, end)
    if (head === undefined || head.kind === 'sync') return this.#orInstead(instead)
    head.sqlstate = sqlstate
    if (head.kind === 'query') return this.#orInstead(head.error ?? instead)
    // A lookup closed by a Sync of its own fails unseen; one within a pipeline has failed that, too.
    const own = this.#queue.slice(this.#head).some((reply) => reply.kind === 'sync' && reply.lookup)
    const forwards =
      head.lookup !== undefined && own ? false : this.#orInstead(head.error ?? instead)
    this.#skip(sqlstate)
    return forwards
  }

  /** The target runs nothing of what was sent after the failure, up to the next Sync. */
  #skip(sqlstate: string): void {
    const skipped: Reply[] = []
    while (this.count > 0 && this.#peek().kind !== 'sync') skipped.push(this.#shift())
    this.skipping = this.count === 0
    const failure = new WarderError('TARGET_UNREACHABLE', { why: `a lookup failed (${sqlstate})` })
    for (const reply of skipped.reverse()) {
      reply.change?.undo()
      reply.lookup?.done(failure)
      if (reply.kind === 'execute' && reply.occurrence !== undefined) {
        if (reply.sqlstate === '') reply.tag = 'SKIPPED'
        reply.sqlstate ||= sqlstate
        this.#on.finished(reply)
      }
    }
    this.#settle()
  }

  #ready(status: number): boolean {
    const reply = this.#shift()
    if (reply.kind !== 'query' && reply.kind !== 'sync') {
      throw new MalformedMessage('the target is ready before it has answered')
    }
    if (status !== IDLE && status !== IN_TRANSACTION && status !== FAILED) {
      throw new MalformedMessage('the target is in no known transaction status')
    }
    this.status = status
    this.copyIn = false
    if (reply.kind === 'query' && reply.occurrence !== undefined) this.#on.finished(reply)
    this.#settle()
    return reply.lookup === undefined
  }

  #settle(): void {
    if (this.count === 0) this.#on.settled()
  }
}
