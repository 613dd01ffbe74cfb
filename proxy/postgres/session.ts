// The caller's side of a session: takes its messages in order, lets through what is judged and
// allowed, and stops at what has to wait. Bytes in, bytes out; sockets are server.ts's.

import { serialize } from 'pg-protocol'

import type { Refusal } from '../../core/errors.js'
import type { Clock } from '../../core/ports.js'
import { LIMITS } from '../limits.js'
import { NO_PARAMETERS, type Judged, type Occurrence, type Parameters } from '../intercept.js'
import { Backlog, bodyLength, HEADER_BYTES, Outbox } from './codec.js'
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
import { Names, PreparedNames } from './names.js'
import { OWN_NAME, OwnLookup } from './own-lookup.js'
import { readParameters } from './parameters.js'
import type { Passage } from './passage.js'
import { expected, IDLE, IN_TRANSACTION, Replies, type Reply, type ReplyEvents } from './replies.js'

/** What the session needs from the sockets around it. */
export interface Wire {
  /** Writes what the outboxes hold. */
  flush(): void
}

/** A statement that no server accepts: it fails the caller's transaction where a refusal must. */
const POISON = 'REFUSED BY WARDER'

/** Effects that may change what names mean. */
const DEFINING: ReadonlySet<string> = new Set(['ddl', 'privilege', 'dangerous', 'unknown'])

/** One PostgreSQL conversation. */
export class PostgresSession {
  readonly toTarget = new Outbox()
  readonly toCaller = new Outbox()
  readonly replies: Replies
  #commandCount = 0
  #busy = false
  #closed = false
  #inPipeline = false
  /** Something was forwarded that may have changed the transaction's status. */
  #controlOutstanding = false
  /** Something was forwarded that may change what names mean. */
  #namesOutstanding = false
  /** Bytes without which nothing more can be done with the backlog. */
  #wantedBytes = 0
  #skipBytes = 0
  #skipForwards = true
  readonly #backlog = new Backlog()
  readonly #statements = new PreparedNames()
  readonly #portals = new Names<Occurrence>()
  readonly #passage: Passage
  readonly #wire: Wire
  readonly #clock: Clock
  readonly #lookup: OwnLookup
  #onSettled: (() => void) | undefined

  constructor(passage: Passage, wire: Wire, clock: Clock, reported: ReplyEvents['reported']) {
    this.#passage = passage
    this.#wire = wire
    this.#clock = clock
    this.replies = new Replies(this.toCaller, {
      finished: (reply) => passage.finished(reply),
      reported,
      settled: () => {
        this.#nothingOutstanding()
        const resolve = this.#onSettled
        this.#onSettled = undefined
        resolve?.()
      },
    })
    this.#lookup = new OwnLookup({
      replies: this.replies,
      toTarget: this.toTarget,
      flush: () => wire.flush(),
      settled: () => this.#settled(),
      inPipeline: () => this.#inPipeline,
      now: () => clock.now(),
    })
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
    this.replies.scan(chunk, volatile)
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
    if (this.#skipForwards) this.toTarget.slice(bytes, at, end)
    this.#skipBytes -= end - at
    return end
  }

  #messages(bytes: Buffer, from: number): number {
    let at = from
    while (at + HEADER_BYTES <= bytes.length && !this.#busy) {
      if (this.replies.count >= LIMITS.outstandingCountMax) return at
      const type = bytes[at] ?? 0
      const end = at + HEADER_BYTES + bodyLength(bytes, at, LIMITS.messageBytesMax)
      if (this.#isAheadOfCopy(type)) return at
      if (type === CALLER.copyData) {
        this.#skipBytes = end - at
        this.#skipForwards = this.replies.copyIn
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
    if (this.replies.copyIn || this.replies.count === 0 || this.replies.skipping) return false
    return type === CALLER.copyData || type === CALLER.copyDone || type === CALLER.copyFail
  }

  /** A Bind waits while it is open what its statement is. */
  #isUncertain(bytes: Buffer, body: number, end: number): boolean {
    if (this.replies.skipping) return false
    return this.#statements.isUncertain(readBindNames(bytes, body, end).statement)
  }

  #message(type: number, bytes: Buffer, at: number, end: number): void {
    if (this.replies.copyIn) return this.#duringCopy(type, bytes, at, end)
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
        this.#inPipeline = false
        this.#statements.nextStretch()
        this.replies.skipping = false
        this.#expect('sync', {})
        return this.toTarget.slice(bytes, at, end)
      case CALLER.functionCall:
        throw new MalformedMessage('function calls by OID carry no text that could be judged')
      case CALLER.flush: // asks for what is there already, and begins nothing
        return this.toTarget.slice(bytes, at, end)
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
    this.#inPipeline = true
    if (this.replies.skipping) return // the target would skip it, too
    if (type === CALLER.parse) return this.#parse(bytes, at, end)
    if (type === CALLER.bind) return this.#bind(bytes, at, end)
    if (type === CALLER.execute) return this.#execute(readExecute(bytes, body, end), bytes, at, end)
    return this.#named(type, bytes, at, end)
  }

  #goodbye(bytes: Buffer, at: number, end: number): void {
    this.#closed = true
    this.saidGoodbye = true
    this.toTarget.slice(bytes, at, end)
  }

  #duringCopy(type: number, bytes: Buffer, at: number, end: number): void {
    if (type === CALLER.copyDone || type === CALLER.copyFail) {
      this.replies.copyIn = false
      return this.toTarget.slice(bytes, at, end)
    }
    // A target ignores these while it reads COPY data; forwarded, they would be answered never.
    if (type === CALLER.sync || type === CALLER.flush) return
    if (type === CALLER.terminate) return this.#goodbye(bytes, at, end)
    throw new MalformedMessage('a command was sent in the middle of a COPY')
  }

  #query(bytes: Buffer, at: number, end: number): void {
    if (this.#inPipeline) throw new MalformedMessage('a simple query within a pipeline')
    const judged = this.#recall(readQuery(bytes, at + HEADER_BYTES, end), [])
    const occurrence = judged && this.#passesAtOnce(judged, NO_PARAMETERS)
    if (occurrence) {
      this.#expect('query', { occurrence })
      return this.toTarget.slice(bytes, at, end)
    }
    const copy = Buffer.from(bytes.subarray(at, end))
    this.#wait(async () => {
      const statement = copy.subarray(HEADER_BYTES, -1)
      const cleared = await this.#clear(statement, [], NO_PARAMETERS)
      if (this.#closed || cleared === undefined) return
      if (Buffer.isBuffer(cleared)) {
        this.#expect('query', { error: cleared })
        this.toTarget.add(serialize.query(POISON))
      } else {
        this.#expect('query', { occurrence: cleared })
        this.toTarget.add(copy)
      }
    })
  }

  #parse(bytes: Buffer, at: number, end: number): void {
    const { name, statement, parameterTypes } = readParse(bytes, at + HEADER_BYTES, end)
    this.#guardName(name)
    if (this.#statements.hasNoRoomFor(name)) return this.#refuseTooMany()
    const judged = this.#recall(statement, parameterTypes)
    if (judged && judged.verdict.outcome !== 'block') {
      this.#expect('parse', this.#statements.prepare(name, judged, parameterTypes))
      return this.toTarget.slice(bytes, at, end)
    }
    const copy = Buffer.from(bytes.subarray(at, end))
    const text = Buffer.from(statement)
    this.#wait(async () => {
      const fresh = await this.#read(text, parameterTypes)
      if (this.#closed || fresh === undefined) return
      const refusal = Buffer.isBuffer(fresh)
        ? fresh
        : this.#passage.refusalAtParse(fresh, this.#commandCount + 1)
      if (refusal !== undefined) {
        this.#commandCount += 1
        this.#refuseInPipeline(refusal)
      }
      if (refusal !== undefined || Buffer.isBuffer(fresh)) return
      this.#expect('parse', this.#statements.prepare(name, fresh, parameterTypes))
      this.toTarget.add(copy)
    })
  }

  #refuseTooMany(): void {
    const why = `more than ${LIMITS.preparedCountMax} prepared statements or portals are open`
    const refusal: Refusal = { code: 'LIMIT_EXCEEDED', details: { why } }
    this.#refuseInPipeline(errorMessage('ERROR', wireError(refusal)))
  }

  /** The judgement of the same bytes, unless what is under way may change what they mean. */
  #recall(statement: Buffer, types: readonly number[]): Judged | undefined {
    return this.#isShaken ? undefined : this.#passage.recall(statement, types)
  }

  /** Names may mean something else once what is under way is done, or has failed. */
  get #isShaken(): boolean {
    return this.replies.count > 0 && (this.#namesOutstanding || this.#passage.hasOwnNames)
  }

  #bind(bytes: Buffer, at: number, end: number): void {
    const body = at + HEADER_BYTES
    const { portal, statement } = readBindNames(bytes, body, end)
    this.#guardName(portal)
    const prepared = this.#statements.get(statement)
    if (prepared === undefined) return this.#refuseUnknown('prepared statement', statement)
    if (this.#portals.hasNoRoomFor(portal)) return this.#refuseTooMany()
    const { judged, types } = prepared
    const current = !this.#isShaken && this.#passage.isCurrent(judged)
    const parameters =
      current && this.#passage.isLight(judged)
        ? NO_PARAMETERS
        : readParameters(bytes, body, end, types)
    const occurrence = current && this.#passesAtOnce(judged, parameters)
    if (occurrence) {
      this.#expect('bind', this.#portals.set(portal, occurrence))
      return this.toTarget.slice(bytes, at, end)
    }
    const copy = Buffer.from(bytes.subarray(at, end))
    this.#wait(async () => {
      const held = readParameters(copy, HEADER_BYTES, copy.length, types)
      const cleared = await this.#clear(judged.bytes, types, held)
      if (this.#closed || cleared === undefined) return
      if (Buffer.isBuffer(cleared)) this.#refuseInPipeline(cleared)
      else {
        this.#expect('bind', this.#portals.set(portal, cleared))
        this.toTarget.add(copy)
      }
    })
  }

  /** What a portal runs was decided when it was bound; a portal made otherwise is not known. */
  #execute(portal: string, bytes: Buffer, at: number, end: number): void {
    const occurrence = this.#portals.get(portal)
    if (occurrence === undefined) return this.#refuseUnknown('portal', portal)
    const recorded = this.#passage.mayExecute(occurrence)
    if (recorded === undefined) {
      this.#run(occurrence)
      return this.toTarget.slice(bytes, at, end)
    }
    const copy = Buffer.from(bytes.subarray(at, end))
    this.#wait(async () => {
      await recorded
      if (this.#closed || this.replies.skipping) return
      this.#run(occurrence)
      this.toTarget.add(copy)
    })
  }

  #run(occurrence: Occurrence): void {
    this.#noteControl(occurrence.judged)
    this.#expect('execute', { occurrence })
  }

  #named(type: number, bytes: Buffer, at: number, end: number): void {
    const { kind, name } = readNamed(bytes, at + HEADER_BYTES, end)
    this.#guardName(name)
    if (type === CALLER.describe) this.#expect(`describe-${kind}`, {})
    else if (kind === 'portal') this.#expect('close', this.#portals.delete(name))
    else this.#expect('close', this.#statements.delete(name))
    this.toTarget.slice(bytes, at, end)
  }

  #guardName(name: string): void {
    if (name.startsWith(OWN_NAME))
      throw new MalformedMessage(`names in ${OWN_NAME} are the gateway’s`)
  }

  /** The occurrence, when it is allowed and nothing has to be written before it is forwarded. */
  #passesAtOnce(judged: Judged, parameters: Parameters): Occurrence | undefined {
    const occurrence = { number: this.#commandCount + 1, judged, parameters }
    if (!this.#passage.passesAtOnce(occurrence, this.#inTransaction)) return undefined
    this.#commandCount += 1
    this.#noteControl(judged)
    return occurrence
  }

  /**
   * Inside an explicit transaction for certain: the last status said so, and nothing was forwarded
   * since that could have ended it.
   */
  get #inTransaction(): boolean {
    return this.replies.status === IN_TRANSACTION && !this.#controlOutstanding
  }

  #noteControl(judged: Judged): void {
    if (!this.#passage.isControl(judged)) return
    this.#controlOutstanding = true
    if (DEFINING.has(judged.command.effect)) this.#namesOutstanding = true
    if (this.#passage.redefinesStatements(judged)) this.#statements.clear()
  }

  /** Finds out what a statement does; undefined when its pipeline has failed meanwhile. */
  async #read(statement: Buffer, types: readonly number[]): Promise<Judged | Buffer | undefined> {
    const known = this.#recall(statement, types)
    if (known !== undefined) return known
    await this.#settled()
    if (this.#pipelineFailed()) return undefined
    const recalled = this.#recall(statement, types)
    if (recalled !== undefined) return recalled
    const read = await this.#passage.read(statement, types, this.#lookup)
    return this.#pipelineFailed() ? undefined : read
  }

  /** The target skips what is sent up to the next Sync; asked again after every wait. */
  #pipelineFailed(): boolean {
    return this.replies.skipping
  }

  /** Judges, asks, and puts on record: an occurrence to forward unchanged, or the error instead. */
  async #clear(
    statement: Buffer,
    types: readonly number[],
    parameters: Parameters,
  ): Promise<Occurrence | Buffer | undefined> {
    const judged = await this.#read(statement, types)
    this.#commandCount += 1
    if (judged === undefined || Buffer.isBuffer(judged)) return judged
    if (judged.verdict.outcome === 'ask') await this.#settled()
    if (this.#pipelineFailed()) return undefined
    const occurrence = { number: this.#commandCount, judged, parameters }
    const cleared = await this.#passage.clear(occurrence, this.#inTransaction, (notice) => {
      this.toCaller.add(notice)
      this.#wire.flush()
    })
    if (!Buffer.isBuffer(cleared)) this.#noteControl(judged)
    return cleared
  }

  /** The target fails the pipeline for us: order, skipping and transaction stay PostgreSQL's. */
  #refuseInPipeline(error: Buffer): void {
    this.#expect('refusal', { error })
    this.toTarget.add(serialize.parse({ name: `${OWN_NAME}refusal`, text: POISON }))
    this.replies.skipping = true
  }

  #refuseUnknown(kind: string, name: string): void {
    const refusal: Refusal = { code: 'NOT_FOUND', details: { what: `${kind} "${name}"` } }
    this.#refuseInPipeline(errorMessage('ERROR', wireError(refusal)))
  }

  #expect(kind: Reply['kind'], more: Partial<Reply>): void {
    this.replies.push(expected(kind, this.#clock.now(), more))
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

  /** Resolves when no reply is awaited. Within a pipeline the target is asked to flush them. */
  async #settled(): Promise<void> {
    if (this.replies.count > 0) {
      if (this.#inPipeline) this.toTarget.add(serialize.flush())
      await new Promise<void>((resolve) => {
        this.#onSettled = resolve
        this.#wire.flush()
      })
    }
  }

  #nothingOutstanding(): void {
    this.#namesOutstanding = false
    // Within a pipeline no ReadyForQuery has told how the transaction stands.
    if (this.#inPipeline) return
    this.#controlOutstanding = false
    // The end of a transaction has closed all portals.
    if (this.replies.status === IDLE) this.#portals.clear()
  }
}
