// The caller's side of a session: takes its messages in order, lets through what is judged and
// allowed, and stops at what has to wait. Bytes in, bytes out; sockets are server.ts's.

import { serialize } from 'pg-protocol'

import type { Refusal } from '../../core/errors.js'
import type { Clock } from '../../core/ports.js'
import { LIMITS } from '../limits.js'
import { NO_PARAMETERS, type Parameters } from '../intercept.js'
import { Statement } from '../statement.js'
import { Backlog, bodyLength, HEADER_BYTES } from './codec.js'
import { wireError } from './errors.js'
import {
  CALLER,
  errorMessage,
  MalformedMessage,
  readBindNames,
  readExecute,
  readNamed,
  readParse,
  readQuery,
} from './messages.js'
import { Names, Portal, PreparedNames } from './names.js'
import type { JudgedStatement, StatementOccurrence } from './occurrence.js'
import { OWN_NAME, OwnLookup } from './own-lookup.js'
import { BindParameters, readParameters } from './parameters.js'
import type { Passage } from './passage.js'
import { Pipeline, POISON } from './pipeline.js'
import type { ReplyEvents } from './replies.js'
import type { Results } from './results.js'
import type { Recalled } from './verdict-cache.js'

/** What the session needs from the sockets around it. */
export interface Wire {
  /** Writes what the outboxes hold. */
  flush(): void
}

/** What a session is made of. */
export interface SessionParts {
  readonly passage: Passage
  readonly results: Results
  readonly wire: Wire
  readonly clock: Clock
  readonly reported: ReplyEvents['reported']
}

/** Effects that may change what names mean. */
const DEFINING: ReadonlySet<string> = new Set(['ddl', 'privilege', 'dangerous', 'unknown'])

const NO_TYPES: readonly number[] = []

/** The gateway asks for itself; the caller sees nothing of the answer. */
const UNSEEN = { rows: [], done: () => undefined }

/** One PostgreSQL conversation. */
export class PostgresSession {
  readonly pipeline: Pipeline
  #commandCount = 0
  #busy = false
  #closed = false
  /** Bytes without which nothing more can be done with the backlog. */
  #wantedBytes = 0
  #skipBytes = 0
  #skipForwards = true
  readonly #backlog = new Backlog()
  readonly #statements = new PreparedNames()
  readonly #portals = new Names<Portal>()
  readonly #passage: Passage
  readonly #results: Results
  readonly #wire: Wire
  readonly #lookup: OwnLookup

  constructor({ passage, results, wire, clock, reported }: SessionParts) {
    this.#passage = passage
    this.#results = results
    this.#wire = wire
    const events = {
      finished: passage.finished.bind(passage),
      reported,
      flush: () => wire.flush(),
      transactionEnded: () => this.#portals.clear(),
    }
    this.pipeline = new Pipeline(events, results, clock)
    this.#lookup = new OwnLookup(this.pipeline, events.flush)
  }

  /** Commands taken so far, refused ones included. */
  get commandCount(): number {
    return this.#commandCount
  }

  /** True when the caller has sent ahead more than may be kept; a long message is let in whole. */
  get isFull(): boolean {
    const { sizeBytes } = this.#backlog
    return sizeBytes > LIMITS.heldInputBytesMax && sizeBytes >= this.#wantedBytes
  }

  /** The caller ended the session in good order. */
  saidGoodbye = false

  /** A command of the caller's waits for a person, for the log, or for its meaning. */
  get isWaiting(): boolean {
    return this.#busy
  }

  /** Nothing more is taken or forwarded. */
  close(): void {
    this.#closed = true
  }

  /** Bytes from the target. */
  fromTarget(chunk: Buffer, volatile: boolean): void {
    this.pipeline.replies.scan(chunk, volatile)
    if (!this.#busy && this.#backlog.sizeBytes > 0) this.#advance()
  }

  /** Bytes from the caller; they wait while an earlier command of his does. */
  fromCaller(chunk: Buffer): void {
    this.#backlog.push(chunk)
    // A long message is put together once, not again for each of its chunks.
    if (!this.#busy && this.#backlog.sizeBytes >= this.#wantedBytes) this.#advance()
  }

  #advance(): void {
    if (this.#closed || this.#backlog.sizeBytes === 0) return
    this.#wantedBytes = 0
    const bytes = this.#backlog.take()
    const at = this.#messages(bytes, this.#pass(bytes, 0))
    if (at < bytes.length) this.#backlog.push(bytes.subarray(at))
  }

  /** The rest of a COPY message that began in an earlier chunk. */
  #pass(bytes: Buffer, at: number): number {
    const end = Math.min(at + this.#skipBytes, bytes.length)
    if (this.#skipForwards) this.pipeline.toTarget.slice(bytes, at, end)
    this.#skipBytes -= end - at
    return end
  }

  #messages(bytes: Buffer, from: number): number {
    let at = from
    while (at + HEADER_BYTES <= bytes.length && !this.#busy) {
      if (this.pipeline.replies.count >= LIMITS.outstandingCountMax) return at
      const type = bytes[at] ?? 0
      const end = at + HEADER_BYTES + bodyLength(bytes, at, LIMITS.messageBytesMax)
      if (this.#isAheadOfCopy(type)) return at
      if (type === CALLER.copyData) {
        this.#skipBytes = end - at
        this.#skipForwards = this.pipeline.replies.copyIn
        at = this.#pass(bytes, at)
        continue
      }
      if (end > bytes.length) {
        this.#wantedBytes = end - at
        return at
      }
      if (type === CALLER.bind && this.#isUncertain(bytes, at + HEADER_BYTES, end)) return at
      this.#message(type, bytes, at, end)
      at = end
    }
    return at
  }

  /** COPY data sent before the target has asked for it waits for what it belongs to. */
  #isAheadOfCopy(type: number): boolean {
    if (
      this.pipeline.replies.copyIn ||
      this.pipeline.replies.count === 0 ||
      this.pipeline.replies.skipping
    )
      return false
    return type === CALLER.copyData || type === CALLER.copyDone || type === CALLER.copyFail
  }

  /** A Bind waits while it is open what its statement is. */
  #isUncertain(bytes: Buffer, body: number, end: number): boolean {
    if (this.pipeline.replies.skipping) return false
    return this.#statements.isUncertain(readBindNames(bytes, body, end).statement)
  }

  #message(type: number, bytes: Buffer, at: number, end: number): void {
    if (this.pipeline.replies.copyIn) return this.#duringCopy(type, bytes, at, end)
    const body = at + HEADER_BYTES
    switch (type) {
      case CALLER.query:
        return this.#query(bytes, at, end)
      case CALLER.terminate:
        return this.#goodbye(bytes, at, end)
      case CALLER.copyDone:
      case CALLER.copyFail:
        return // left over from a COPY that has failed: a server ignores them as well
      case CALLER.sync:
        this.pipeline.isOpen = false
        this.#statements.nextStretch()
        this.pipeline.replies.skipping = false
        this.pipeline.expect('sync')
        return this.pipeline.toTarget.slice(bytes, at, end)
      case CALLER.functionCall:
        throw new MalformedMessage('function calls by OID carry no text that could be judged')
      case CALLER.flush: // asks for what is there already, and begins nothing
        return this.pipeline.toTarget.slice(bytes, at, end)
      case CALLER.parse:
      case CALLER.bind:
      case CALLER.execute:
      case CALLER.describe:
      case CALLER.close:
        break
      default:
        throw new MalformedMessage(
          `the caller sent a message of type ${type}, which has no place here`,
        )
    }
    this.pipeline.isOpen = true
    if (this.pipeline.replies.skipping) return // the target would skip it, too
    if (type === CALLER.parse) return this.#parse(bytes, at, end)
    if (type === CALLER.bind) return this.#bind(bytes, at, end)
    if (type === CALLER.execute) return this.#execute(readExecute(bytes, body, end), bytes, at, end)
    return this.#named(type, bytes, at, end)
  }

  #goodbye(bytes: Buffer, at: number, end: number): void {
    this.#closed = true
    this.saidGoodbye = true
    this.pipeline.toTarget.slice(bytes, at, end)
  }

  #duringCopy(type: number, bytes: Buffer, at: number, end: number): void {
    if (type === CALLER.copyDone || type === CALLER.copyFail) {
      this.pipeline.replies.copyIn = false
      return this.pipeline.toTarget.slice(bytes, at, end)
    }
    // A target ignores these while it reads COPY data; forwarded, they would be answered never.
    if (type === CALLER.sync || type === CALLER.flush) return
    if (type === CALLER.terminate) return this.#goodbye(bytes, at, end)
    throw new MalformedMessage('a command was sent in the middle of a COPY')
  }

  #query(bytes: Buffer, at: number, end: number): void {
    if (this.pipeline.isOpen) throw new MalformedMessage('a simple query within a pipeline')
    const text = readQuery(bytes, at + HEADER_BYTES, end)
    const known = this.#recall(text, NO_TYPES)
    const occurrence = known && this.#passesAtOnce(known, text, NO_PARAMETERS)
    if (occurrence) {
      this.pipeline.command('query', { occurrence })
      return this.pipeline.toTarget.slice(bytes, at, end)
    }
    const copy = Buffer.from(bytes.subarray(at, end))
    this.#wait(async () => {
      const statement = new Statement(copy.subarray(HEADER_BYTES, -1))
      const cleared = await this.#clear(statement, NO_TYPES, NO_PARAMETERS)
      if (this.#closed || cleared === undefined) return
      if (Buffer.isBuffer(cleared)) {
        this.pipeline.command('query', { error: cleared })
        this.pipeline.toTarget.add(serialize.query(POISON))
      } else {
        this.pipeline.command('query', { occurrence: cleared })
        this.pipeline.toTarget.add(copy)
      }
    })
  }

  #parse(bytes: Buffer, at: number, end: number): void {
    const { name, statement: text, parameterTypes } = readParse(bytes, at + HEADER_BYTES, end)
    this.#guardName(name)
    if (this.#statements.hasNoRoomFor(name)) return this.#refuseTooMany()
    const known = this.#recall(text, parameterTypes)
    if (known && known.judged.verdict.outcome !== 'block') {
      const statement = known.statement ?? new Statement(Buffer.from(text))
      this.#prepare(name, statement, known.judged, parameterTypes)
      return this.pipeline.toTarget.slice(bytes, at, end)
    }
    const copy = Buffer.from(bytes.subarray(at, end))
    const statement = new Statement(Buffer.from(text))
    this.#wait(async () => {
      const fresh = await this.#read(statement, parameterTypes)
      if (this.#closed || fresh === undefined) return
      const refusal = Buffer.isBuffer(fresh)
        ? fresh
        : this.#passage.refusalAtParse(fresh, statement, this.#commandCount + 1)
      if (refusal !== undefined) {
        this.#commandCount += 1
        this.pipeline.refuse(refusal)
      }
      if (refusal !== undefined || Buffer.isBuffer(fresh)) return
      this.#prepare(name, statement, fresh, parameterTypes)
      this.pipeline.toTarget.add(copy)
    })
  }

  #prepare(
    name: string,
    statement: Statement,
    judged: JudgedStatement,
    types: readonly number[],
  ): void {
    const change = this.#statements.prepare(name, statement, judged, types)
    this.pipeline.expect('parse', { change })
  }

  #refuseTooMany(): void {
    const why = `more than ${LIMITS.preparedCountMax} prepared statements or portals are open`
    const refusal: Refusal = { code: 'LIMIT_EXCEEDED', details: { why } }
    this.pipeline.refuse(errorMessage('ERROR', wireError(refusal)))
  }

  /** The judgement of the same text, unless what is under way may change what it means. */
  #recall(text: Buffer, types: readonly number[]): Recalled | undefined {
    return this.#isShaken ? undefined : this.#passage.recall(text, types)
  }

  /** Names may mean something else once what is under way is done, or has failed. */
  get #isShaken(): boolean {
    const { pipeline } = this
    return pipeline.namesMayChange || (this.#passage.hasOwnNames && pipeline.replies.count > 0)
  }

  #bind(bytes: Buffer, at: number, end: number): void {
    const body = at + HEADER_BYTES
    const { portal, statement: name } = readBindNames(bytes, body, end)
    this.#guardName(portal)
    const prepared = this.#statements.get(name)
    if (prepared === undefined) return this.#refuseUnknown('prepared statement', name)
    if (this.#portals.hasNoRoomFor(portal)) return this.#refuseTooMany()
    const { judged, statement, types } = prepared
    if (!this.#isShaken && this.#passage.isCurrent(judged)) {
      // What only reads needs its values for the record alone: they are decoded later.
      const parameters = this.#passage.isLight(judged)
        ? new BindParameters(bytes, body, end, types)
        : readParameters(bytes, body, end, types)
      const occurrence = this.#passesAtOnce(prepared, statement.bytes, parameters)
      if (occurrence) {
        this.#bound(portal, occurrence)
        return this.pipeline.toTarget.slice(bytes, at, end)
      }
    }
    const copy = Buffer.from(bytes.subarray(at, end))
    this.#wait(async () => {
      const held = readParameters(copy, HEADER_BYTES, copy.length, types)
      const cleared = await this.#clear(statement, types, held)
      if (this.#closed || cleared === undefined) return
      if (Buffer.isBuffer(cleared)) this.pipeline.refuse(cleared)
      else {
        this.#bound(portal, cleared)
        this.pipeline.toTarget.add(copy)
      }
    })
  }

  #bound(name: string, occurrence: StatementOccurrence): void {
    const change = this.#portals.set(name, new Portal(occurrence))
    this.pipeline.expect('bind', { change, occurrence })
  }

  /** What a portal runs was decided when it was bound; a portal made otherwise is not known. */
  #execute(name: string, bytes: Buffer, at: number, end: number): void {
    const portal = this.#portals.get(name)
    if (portal === undefined) return this.#refuseUnknown('portal', name)
    const refusal = this.#passage.rejudge(portal)
    if (refusal !== undefined) return this.pipeline.refuse(refusal)
    const recorded = this.#passage.mayExecute(portal.occurrence)
    if (recorded === undefined) {
      this.#run(name, portal)
      return this.pipeline.toTarget.slice(bytes, at, end)
    }
    const copy = Buffer.from(bytes.subarray(at, end))
    this.#wait(async () => {
      await recorded
      if (this.#closed || this.pipeline.replies.skipping) return
      this.#run(name, portal)
      this.pipeline.toTarget.add(copy)
    })
  }

  #run(name: string, portal: Portal): void {
    const { occurrence } = portal
    if (!portal.isDescribed && this.#results.needsDescription(occurrence)) {
      portal.isDescribed = true
      this.pipeline.expect('describe-portal', { lookup: UNSEEN, portal })
      this.pipeline.toTarget.add(serialize.describe({ type: 'P', name }))
    }
    this.#noteControl(occurrence.judged)
    this.pipeline.command('execute', { occurrence, portal })
  }

  #named(type: number, bytes: Buffer, at: number, end: number): void {
    const { kind, name } = readNamed(bytes, at + HEADER_BYTES, end)
    this.#guardName(name)
    if (type === CALLER.describe) this.#describe(kind, name)
    else if (kind === 'portal')
      this.pipeline.expect('close', { change: this.#portals.delete(name) })
    else this.pipeline.expect('close', { change: this.#statements.delete(name) })
    this.pipeline.toTarget.slice(bytes, at, end)
  }

  #describe(kind: 'statement' | 'portal', name: string): void {
    const portal = kind === 'portal' ? this.#portals.get(name) : undefined
    if (portal === undefined) return this.pipeline.expect(`describe-${kind}`)
    portal.isDescribed = true
    this.pipeline.expect('describe-portal', { portal })
  }

  #guardName(name: string): void {
    if (name.startsWith(OWN_NAME))
      throw new MalformedMessage(`names in ${OWN_NAME} are the gateway’s`)
  }

  /** The occurrence, when it is allowed and nothing has to be written before it is forwarded. */
  #passesAtOnce(
    known: Recalled,
    text: Buffer,
    parameters: Parameters,
  ): StatementOccurrence | undefined {
    const { judged, statement = new Statement(text) } = known
    const occurrence = { number: this.#commandCount + 1, judged, statement, parameters }
    if (!this.#passage.passesAtOnce(occurrence, this.pipeline.inTransaction)) return undefined
    this.#commandCount += 1
    this.#noteControl(judged)
    return occurrence
  }

  #noteControl(judged: JudgedStatement): void {
    if (!this.#passage.isControl(judged)) return
    this.pipeline.noteControl(DEFINING.has(judged.command.effect))
    if (this.#passage.redefinesStatements(judged)) this.#statements.clear()
  }

  /** Finds out what a statement does; undefined when its pipeline has failed meanwhile. */
  async #read(
    statement: Statement,
    types: readonly number[],
  ): Promise<JudgedStatement | Buffer | undefined> {
    const known = this.#recall(statement.bytes, types)
    if (known !== undefined) return known.judged
    await this.pipeline.settled()
    if (this.#pipelineFailed()) return undefined
    const recalled = this.#recall(statement.bytes, types)
    if (recalled !== undefined) return recalled.judged
    const read = await this.#passage.read(statement, types, this.#lookup)
    return this.#pipelineFailed() ? undefined : read
  }

  /** The target skips what is sent up to the next Sync; asked again after every wait. */
  #pipelineFailed(): boolean {
    return this.pipeline.replies.skipping
  }

  /** Judges, asks, and puts on record: an occurrence to forward unchanged, or the error instead. */
  async #clear(
    statement: Statement,
    types: readonly number[],
    parameters: Parameters,
  ): Promise<StatementOccurrence | Buffer | undefined> {
    const judged = await this.#read(statement, types)
    this.#commandCount += 1
    if (judged === undefined || Buffer.isBuffer(judged)) return judged
    if (judged.verdict.outcome === 'ask') await this.pipeline.settled()
    if (this.#pipelineFailed()) return undefined
    const occurrence = { number: this.#commandCount, judged, statement, parameters }
    const { inTransaction, toCaller } = this.pipeline
    const notify = (notice: Buffer) => {
      toCaller.add(notice)
      this.#wire.flush()
    }
    const cleared = await this.#passage.clear(occurrence, inTransaction, this.#lookup, notify)
    if (!Buffer.isBuffer(cleared)) this.#noteControl(judged)
    return cleared
  }

  #refuseUnknown(kind: string, name: string): void {
    const refusal: Refusal = { code: 'NOT_FOUND', details: { what: `${kind} "${name}"` } }
    this.pipeline.refuse(errorMessage('ERROR', wireError(refusal)))
  }

  /** Runs what can't be done at once; input waits meanwhile, in order. */
  #wait(work: () => Promise<void>): void {
    this.#busy = true
    void work()
      .catch((failure: unknown) => this.#passage.failed(failure))
      .finally(() => {
        this.#busy = false
        if (this.#closed) return
        try {
          this.#advance()
        } catch (failure) {
          this.#passage.failed(failure)
        }
        this.#wire.flush()
      })
  }
}
