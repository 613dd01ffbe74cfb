// Where a PostgreSQL statement meets the interceptor: its meaning is read, its verdict recalled or
// made, the person asked, the intent written. Decides when a statement may go on at once.

import { isUtf8 } from 'node:buffer'

import { EFFECTS, unknownCommand, type Command, type Effect } from '../../core/command.js'
import { WarderError, type Refusal } from '../../core/errors.js'
import type { Clock } from '../../core/ports.js'
import { maskingFor } from '../../policy/masking.js'
import { NO_PARAMETERS, type Interceptor } from '../intercept.js'
import { LIMITS } from '../limits.js'
import type { LiveSession } from '../live-session.js'
import { wireError } from './errors.js'
import { errorMessage, noticeMessage } from './messages.js'
import type { Portal } from './names.js'
import type { JudgedStatement, StatementOccurrence } from './occurrence.js'
import { TransactionFailed, type OwnLookup } from './own-lookup.js'
import { planForm } from './plan-form.js'
import type { Reply } from './replies.js'
import type { PlannedCommand } from '../planned.js'
import { Statement } from '../statement.js'
import type { Lineage } from './sql/lineage.js'
import type { Meaning, Recalled, VerdictCache, VerdictCaches } from './verdict-cache.js'

/** What a statement turned out to do. */
export interface Reading {
  readonly command: Command
  /** False when the answer depended on luck (a time-out), so that it must not be kept. */
  readonly isCacheable: boolean
  /** True when the same holds for all texts that differ in the values of plain literals only. */
  readonly isOfShape: boolean
  /** Where the values of its results come from; undefined when nobody can tell. */
  readonly lineage: Lineage | undefined
  /** Parsing it at the target would already run code (a type’s input function that is not built in). */
  readonly runsAtParse: boolean
  /** The parser's complaint, when it is no SQL. */
  readonly syntaxError?: string | undefined
  /** When the catalog was asked, on the monotonic clock; now, when absent. */
  readonly askedAtMs?: number | undefined
}

/** What is known already of statements of some shape, in this session's view of names. */
export interface Meanings {
  find(shape: string): Meaning | undefined
  keep(shape: string, command: Command, lineage: Lineage | undefined): void
}

/** Finds out what a statement does, asking the session's own catalog about its names. */
export interface StatementReader {
  read(
    text: string,
    types: readonly number[],
    lookup: OwnLookup,
    meanings: Meanings,
  ): Promise<Reading>
}

/** What a passage is built from. */
export interface PassageDependencies {
  readonly session: LiveSession
  readonly interceptor: Interceptor
  readonly reader: StatementReader
  readonly caches: VerdictCaches
  readonly clock: Clock
  /** Session settings that the meaning of statements depends on, as the target reported them. */
  readonly pins: string
  /** Ends the session: a peer broke the protocol, or we did. */
  readonly fail: (failure: unknown) => void
}

const rank = (effect: Effect) => EFFECTS.indexOf(effect)
const WRITE = rank('write')
const DDL = rank('ddl')

/** Session control that can't make anything permanent. Any other kind is treated like COMMIT. */
const HARMLESS_CONTROL: ReadonlySet<string> = new Set([
  'begin',
  'set',
  'set-transaction-read-write',
  'reset',
  'show',
  'savepoint',
  'release-savepoint',
  'rollback-to-savepoint',
  'empty',
])

/** Statements that share the namespace of the protocol's prepared statements. */
const REDEFINES: ReadonlySet<string> = new Set(['deallocate', 'discard-all', 'prepare'])

const IN_FAILED_TRANSACTION = errorMessage('ERROR', {
  sqlstate: '25P02',
  message: 'current transaction is aborted, commands ignored until end of transaction block',
})

/** One session's way through the interceptor. */
export class Passage {
  readonly #with: PassageDependencies
  #cache: VerdictCache
  /** Ticket of the newest intent that is not known to be durable yet; 0 when all are. */
  #openTicket = 0
  #hasOwnNames = false
  #review: AbortController | undefined
  readonly #syntaxErrors = new WeakMap<JudgedStatement, string>()
  readonly #runsAtParse = new WeakSet<JudgedStatement>()

  constructor(dependencies: PassageDependencies) {
    this.#with = dependencies
    const { resource, role } = dependencies.session.grant
    this.#cache = dependencies.caches.of(resource, role)
  }

  /** The judgement of the same bytes under the same policy, if it is young enough. */
  recall(text: Buffer, types: readonly number[]): Recalled | undefined {
    const { interceptor, clock } = this.#with
    return this.#cache.get(text, types, interceptor.policy, clock.monotonicMs())
  }

  /** False when a prepared statement's judgement is too old, or of another policy. */
  isCurrent(judged: JudgedStatement): boolean {
    const { interceptor, clock } = this.#with
    return this.#cache.isFresh(judged, interceptor.policy, clock.monotonicMs())
  }

  /** True for what is allowed and only reads: its parameters need not be looked at. */
  isLight(judged: JudgedStatement): boolean {
    return judged.verdict.outcome === 'allow' && rank(judged.command.effect) < WRITE
  }

  /**
   * True when the command may be forwarded now: it is allowed, and it reads, or its intent may
   * follow because the transaction it is in has not been committed.
   */
  passesAtOnce(occurrence: StatementOccurrence, inTransaction: boolean): boolean {
    const { judged } = occurrence
    if (judged.verdict.outcome !== 'allow') return false
    const effect = rank(judged.command.effect)
    if (this.#commits(judged)) return this.#openTicket === 0 && effect < WRITE
    if (judged.policy.auditStrict) return false
    if (effect < WRITE) return true
    if (effect >= DDL || !inTransaction) return false
    this.#openTicket = this.#with.interceptor.intend(occurrence, 'explicit')
    return true
  }

  /** True when it may make permanent what came before it, or what stands beside it. */
  #commits({ command, kinds }: JudgedStatement): boolean {
    if (command.effect === 'read') return false
    return command.parts.some((part, at) => {
      const kind = kinds[at] ?? 'unknown'
      // After a ROLLBACK in the same text, what follows is outside of any transaction block.
      if (kind === 'rollback') return rank(command.effect) >= WRITE
      return part.effect === 'session-control' && !HARMLESS_CONTROL.has(kind)
    })
  }

  /**
   * When the catalog counts as asked. A view may be replaced behind the gateway's back and look the
   * same in every result: where columns are masked, what was learnt of one is old sooner.
   */
  #asked(lineage: Lineage | undefined, nowMs: number): number {
    const { interceptor, session } = this.#with
    const { role, resource } = session.grant
    const masking = maskingFor(interceptor.policy, role, resource)
    if (masking?.hasColumns !== true || lineage === undefined || !readsViews(lineage)) return nowMs
    return nowMs - LIMITS.verdictAgeMsMax + LIMITS.viewAgeMsMax
  }

  #judge(command: Command, lineage: Lineage | undefined): JudgedStatement {
    return { ...this.#with.interceptor.judge(command), lineage }
  }

  /**
   * Judges a portal anew when another policy came into force since it was bound; returns the error
   * when it may not run any more.
   */
  rejudge(portal: Portal): Buffer | undefined {
    const { occurrence } = portal
    const { judged } = occurrence
    if (judged.policy === this.#with.interceptor.policy) return undefined
    const fresh = this.#judge(judged.command, judged.lineage)
    const { outcome } = fresh.verdict
    if (outcome === 'block') return this.#blocked({ ...occurrence, judged: fresh })
    if (outcome === 'ask') {
      // An approval was given under the policy of that time, and ends with it.
      const why = 'the policy changed since it was bound, and wants it reviewed; bind it again'
      return this.#refused(occurrence, { code: 'COMMAND_BLOCKED', details: { why } })
    }
    portal.occurrence = { ...occurrence, judged: fresh }
    portal.view = undefined
    portal.isDescribed = false
    return undefined
  }

  /** Resolves once a portal that was bound earlier may run: what it would commit is on record. */
  mayExecute({ judged }: StatementOccurrence): Promise<void> | undefined {
    const ticket = this.#openTicket
    if (ticket === 0 || !this.#commits(judged)) return undefined
    return this.#with.interceptor.durable(ticket).then(() => {
      if (this.#openTicket === ticket) this.#openTicket = 0
    })
  }

  /** True when parts of it change who is in a transaction, or what names mean. */
  isControl({ command }: JudgedStatement): boolean {
    return command.parts.some((part) => part.effect !== 'read' && part.effect !== 'write')
  }

  /** True once this session has changed definitions: names may mean something in it alone. */
  get hasOwnNames(): boolean {
    return this.#hasOwnNames
  }

  /** True for what people let through although it may redefine prepared statements by name. */
  redefinesStatements({ verdict, command, kinds }: JudgedStatement): boolean {
    if (verdict.outcome !== 'ask') return false
    return command.effect === 'unknown' || kinds.some((kind) => REDEFINES.has(kind))
  }

  /** Reads and judges a statement; an error message instead while the transaction has failed. */
  async read(
    statement: Statement,
    types: readonly number[],
    lookup: OwnLookup,
  ): Promise<JudgedStatement | Buffer> {
    const { clock } = this.#with
    const cache = this.#cache
    const { generation } = cache
    const meanings: Meanings = {
      find: (shape) => cache.meaning(shape, clock.monotonicMs()),
      keep: (shape, command, lineage) => {
        // Definitions may have changed while the catalog was asked: then nothing learnt is kept.
        if (cache.generation !== generation) return
        const askedAtMs = this.#asked(lineage, clock.monotonicMs())
        cache.setMeaning(shape, { command, lineage, askedAtMs })
      },
    }
    let reading: Reading
    try {
      reading = await this.#reading(statement, types, lookup, meanings)
    } catch (failure) {
      if (failure instanceof TransactionFailed) return IN_FAILED_TRANSACTION
      throw failure
    }
    const judged = this.#judge(reading.command, reading.lineage)
    if (reading.syntaxError !== undefined) this.#syntaxErrors.set(judged, reading.syntaxError)
    if (reading.runsAtParse) this.#runsAtParse.add(judged)
    if (reading.isCacheable && cache.generation === generation) {
      const askedAtMs = reading.askedAtMs ?? this.#asked(reading.lineage, clock.monotonicMs())
      cache.set(statement, types, judged, reading.isOfShape, askedAtMs)
    }
    return judged
  }

  async #reading(
    statement: Statement,
    types: readonly number[],
    lookup: OwnLookup,
    meanings: Meanings,
  ): Promise<Reading> {
    const opaque = (because: string): Reading => ({
      command: unknownCommand('postgres', because),
      lineage: undefined,
      isCacheable: false,
      isOfShape: false,
      runsAtParse: true,
    })
    // What people would be shown is not what would run, so they are not even asked.
    if (!isUtf8(statement.bytes))
      return { ...opaque('it is not text'), syntaxError: 'it is not UTF-8' }
    if (statement.bytes.length > LIMITS.statementBytesMax) {
      return opaque('it is longer than 256 KiB')
    }
    return this.#with.reader.read(statement.text, types, lookup, meanings)
  }

  /** The error that stops a statement before the target even parses it, or undefined. */
  refusalAtParse(
    judged: JudgedStatement,
    statement: Statement,
    number: number,
  ): Buffer | undefined {
    const occurrence = { number, judged, statement, parameters: NO_PARAMETERS }
    if (judged.verdict.outcome === 'block' || this.#syntaxErrors.has(judged)) {
      return this.#blocked(occurrence)
    }
    if (judged.verdict.outcome === 'ask' && this.#runsAtParse.has(judged)) {
      const why =
        'preparing it would already run code; send it as a simple query to have it reviewed'
      return this.#refused(occurrence, { code: 'COMMAND_BLOCKED', details: { why } })
    }
    return undefined
  }

  /** Takes one command past policy, people and the log; or gives the error that it gets instead. */
  async clear(
    occurrence: StatementOccurrence,
    inTransaction: boolean,
    lookup: OwnLookup,
    notify: (notice: Buffer) => void,
  ): Promise<StatementOccurrence | Buffer> {
    const { judged } = occurrence
    if (judged.verdict.outcome === 'block' || this.#syntaxErrors.has(judged)) {
      return this.#blocked(occurrence)
    }
    const cleared =
      judged.verdict.outcome === 'ask' ? await this.#ask(occurrence, lookup, notify) : occurrence
    if (Buffer.isBuffer(cleared)) return cleared
    await this.#record(cleared, inTransaction)
    const { cutBy } = this.#with.session
    return cutBy === undefined ? cleared : this.#refused(cleared, cutBy.refusal)
  }

  /** Nothing may become permanent before its intent is durable. */
  async #record(occurrence: StatementOccurrence, inTransaction: boolean): Promise<void> {
    const { interceptor } = this.#with
    const effect = rank(occurrence.judged.command.effect)
    const isStrict = occurrence.judged.policy.auditStrict
    if (effect >= WRITE || isStrict) {
      this.#openTicket = interceptor.intend(occurrence, inTransaction ? 'explicit' : 'none')
    }
    const mayFollow =
      inTransaction && effect < DDL && !isStrict && !this.#commits(occurrence.judged)
    if (this.#openTicket === 0 || mayFollow) return
    await interceptor.durable(this.#openTicket)
    this.#openTicket = 0
  }

  /** A plan has no parameters, so what comes with some is no step of it. */
  #planned(
    { statement, parameters }: StatementOccurrence,
    lookup: OwnLookup,
  ): PlannedCommand | undefined {
    if (parameters.types.length > 0 || parameters.values.length > 0) return undefined
    return {
      digest: new Statement(planForm(statement.bytes)).digest,
      isAllowed: async (text) => {
        const step = new Statement(Buffer.from(text))
        const judged = await this.read(step, [], lookup)
        if (Buffer.isBuffer(judged) || this.#syntaxErrors.has(judged)) return false
        return judged.verdict.outcome === 'allow'
      },
    }
  }

  async #ask(
    occurrence: StatementOccurrence,
    lookup: OwnLookup,
    notify: (notice: Buffer) => void,
  ): Promise<StatementOccurrence | Buffer> {
    const review = new AbortController()
    this.#review = review
    try {
      const asked = await this.#with.interceptor.review(occurrence, {
        pins: this.#with.pins,
        signal: review.signal,
        onOpened: (id, approvers) => notify(this.#holding(occurrence, id, approvers)),
        planned: this.#planned(occurrence, lookup),
      })
      if (asked.ok) return { ...occurrence, ...asked.value }
      if (!review.signal.aborted) return this.#refused(occurrence, asked.refusal)
      const canceled = { code: 'REVIEW_WITHDRAWN', details: asked.refusal.details } as const
      this.#with.interceptor.refuse(occurrence, canceled)
      return errorMessage('ERROR', {
        ...wireError(canceled),
        message: 'canceling statement due to user request; it was not run',
      })
    } finally {
      this.#review = undefined
    }
  }

  #holding(occurrence: StatementOccurrence, id: string, approvers: string): Buffer {
    const { verdict } = occurrence.judged
    const minutes = verdict.outcome === 'ask' ? Math.ceil(verdict.approval.timeoutMs / 60_000) : 0
    return noticeMessage({
      sqlstate: '00000',
      message: `${named(occurrence.judged)} waits for approval by ${approvers} (${id})`,
      detail: verdict.reasons.map((reason) => reason.text).join(' '),
      hint: `It goes on by itself once approved, within ${minutes} min. Cancelling withdraws it.`,
    })
  }

  /** The caller cancels: true when that concerned a command that waits here. */
  cancel(): boolean {
    this.#review?.abort()
    return this.#review !== undefined
  }

  #blocked(occurrence: StatementOccurrence): Buffer {
    const { judged } = occurrence
    const syntaxError = this.#syntaxErrors.get(judged)
    if (syntaxError !== undefined) {
      return this.#refused(occurrence, { code: 'STATEMENT_INVALID', details: { why: syntaxError } })
    }
    const why = [
      ...judged.verdict.reasons.map((reason) => reason.text),
      ...judged.command.parts.flatMap((part) => part.because),
    ].join(' ')
    const what = named(judged)
    const id = `${this.#with.session.id}#${occurrence.number}`
    return this.#refused(occurrence, { code: 'COMMAND_BLOCKED', details: { what, why, id } })
  }

  #refused(occurrence: StatementOccurrence, refusal: Refusal): Buffer {
    this.#with.interceptor.refuse(occurrence, refusal)
    return errorMessage('ERROR', wireError(refusal))
  }

  /** A command is over at the target. */
  finished(reply: Reply): void {
    const { interceptor, caches, session } = this.#with
    const { occurrence } = reply
    if (occurrence === undefined) return
    interceptor.finished(occurrence, reply, reply.captured)
    const effect = rank(occurrence.judged.command.effect)
    // The end of a transaction, or a failure, may take definitions back, or show them to others.
    const mayUndo = this.isControl(occurrence.judged) || reply.sqlstate !== ''
    if (effect < DDL && !(this.#hasOwnNames && mayUndo)) return
    caches.forget(session.grant.resource)
    // From here on names may mean something in this session only (a temporary table, a setting).
    this.#hasOwnNames = true
    this.#cache = caches.own(session.grant.resource)
  }

  /** Whatever went wrong ends the session, in the words of the table. */
  failed(failure: unknown): void {
    this.#with.fail(failure instanceof Error ? failure : new WarderError('INTERNAL'))
  }
}

/** True when a relation shows what another one holds: a view, a parent, a generated column. */
const readsViews = ({ origins }: Lineage): boolean =>
  [...origins.values()].some(({ relation, columns }) =>
    [...columns.values()].some((sources) => sources.some((one) => one.relation !== relation)),
  )

const named = (judged: JudgedStatement) =>
  judged.kinds.map((kind) => kind.replaceAll('-', ' ').toUpperCase()).join('; ')
