// Finished commands on their way to the record: collected per session, and handed on together, at
// the next tick, when there are many, or when the session ends. Nobody waits for them, none is lost.

import {
  CommandPack,
  type CommandSession,
  type CommandToPack,
  type PackedMeaning,
} from '../core/finished-commands.js'
import type { AuditLog } from '../core/ports.js'
import type { CommandEvent, RecordedColumn, Recording, RecordingEvent } from '../core/recording.js'

/**
 * A finished command is on its way to the log after this long, ms: many commands share one record,
 * and with the log's own 25 ms it is on its way to the store within 100.
 */
const TICK_MS = 50
/** Sessions whose commands are handed on in one turn of the event loop: about 2 ms of work. */
const TURN_SESSIONS_MAX = 64

/** How a command went. */
export interface Finish {
  readonly outcome: 'done' | 'failed' | 'unknown'
  readonly tag: string
  readonly sqlstate: string
  readonly rows: number
  /** Epoch ms. */
  readonly startedAt: number
  readonly durationMs: number
}

/** A command as it goes on record. */
export interface JournalCommand {
  readonly number: number
  /** The same object for the same meaning: it is described once in a record. */
  readonly judged: PackedMeaning
  readonly statement: { readonly text: string }
  readonly parameters: { readonly shown: readonly string[] }
  readonly reviewId?: string | undefined
}

/** A command that was not forwarded, and why. */
export interface RefusedCommand extends JournalCommand {
  readonly judged: PackedMeaning & {
    readonly verdict: { readonly reasons: readonly { readonly text: string }[] }
  }
}

/** What is kept of what came back; see `RowsEvent` and `OutputEvent`. */
export interface CapturedResult {
  /** Empty for what is no rows. */
  readonly columns: readonly RecordedColumn[]
  readonly pieces: readonly Buffer[]
  /** Rows in the pieces. */
  readonly rows: number
  readonly omittedBytes: number
}

/** Whose commands, and who else hears of them. */
export interface JournalSession extends CommandSession {
  /** Epoch ms. */
  readonly startedAt: number
  readonly recording?: Pick<Recording, 'add'> | undefined
  /** What a recording may show of a text: values that detectors find are left out. */
  readonly shown?: ((text: string) => string) | undefined
  /**
   * Called once when commands could not be put on record: the session must end. Possibly from within
   * `finished`.
   */
  readonly onFailure: (failure: unknown) => void
}

/** What journals are made of. */
export interface JournalParts {
  readonly audit: Pick<AuditLog, 'append'>
  /** Runs something once, later; `setTimeout` when absent. */
  readonly after?: ((ms: number, run: () => void) => void) | undefined
}

const same = (text: string): string => text

/** The journals of one process: they share a tick, which runs only while there is something to do. */
export class Journals {
  readonly #audit: Pick<AuditLog, 'append'>
  readonly #after: (ms: number, run: () => void) => void
  /** Those with commands, the oldest first. */
  readonly #waiting = new Set<CommandJournal>()
  #isTicking = false

  constructor({ audit, after = (ms, run) => void setTimeout(run, ms) }: JournalParts) {
    this.#audit = audit
    this.#after = after
  }

  /** The journal of one session. */
  open(session: JournalSession): CommandJournal {
    return new CommandJournal(session, this.#audit, (journal) => {
      this.#waiting.add(journal)
      if (!this.#isTicking) this.#tickIn(TICK_MS)
    })
  }

  #tickIn(ms: number): void {
    this.#isTicking = true
    this.#after(ms, () => {
      this.#tick()
    })
  }

  /** The rest of a long row waits a turn, so that bytes pass in between. */
  #tick(): void {
    let count = 0
    for (const journal of this.#waiting) {
      if (count === TURN_SESSIONS_MAX) {
        this.#tickIn(0)
        return
      }
      count += 1
      this.#waiting.delete(journal)
      journal.flush()
    }
    this.#isTicking = false
  }
}

/** The finished commands of one session, in their order. */
export class CommandJournal {
  readonly #session: JournalSession
  readonly #audit: Pick<AuditLog, 'append'>
  readonly #onFirst: (journal: CommandJournal) => void
  readonly #pack: CommandPack
  #lastStatement: { readonly text: string } | undefined
  #lastShown = ''
  #hasFailed = false

  /** @param onFirst Called when there is something to flush; see `Journals.open`. */
  constructor(
    session: JournalSession,
    audit: Pick<AuditLog, 'append'>,
    onFirst: (journal: CommandJournal) => void,
  ) {
    this.#session = session
    this.#audit = audit
    this.#onFirst = onFirst
    this.#pack = new CommandPack(session)
  }

  /** A command was not forwarded: the log has a record of its own of it, the recording shows it. */
  refused(command: RefusedCommand, code: string, now: number): void {
    const { judged, statement, parameters } = command
    const { shown = same } = this.#session
    this.#record([
      {
        ...{ kind: 'command', atMs: this.#atMs(now), number: command.number },
        ...{ text: this.#shownText(statement), parameters: parameters.shown.map(shown) },
        ...{ effect: judged.command.effect, outcome: 'refused', tag: code, sqlstate: '' },
        ...{ rows: 0, durationMs: 0, reasons: judged.verdict.reasons.map((reason) => reason.text) },
      },
    ])
  }

  /** People have decided about a held command, or it was withdrawn. */
  decided(
    number: number,
    reviewId: string,
    state: string,
    by: readonly string[],
    now: number,
  ): void {
    const atMs = this.#atMs(now)
    this.#record([{ kind: 'decision', atMs, number, reviewId, state, by: by.join(', ') }])
  }

  /**
   * Takes a command, and what came back of it. Both are written down at once: what is kept of
   * thousands of commands until the tick would cost the garbage collector more than writing.
   */
  finished(command: JournalCommand, finish: Finish, captured?: CapturedResult): void {
    if (this.#hasFailed) return
    const isFirst = this.#pack.count === 0
    const packed = {
      number: command.number,
      meaning: command.judged,
      statement: command.statement,
      parameters: command.parameters,
      reviewId: command.reviewId,
      outcome: finish.outcome,
      tag: finish.tag,
      sqlstate: finish.sqlstate,
      rows: finish.rows,
      startedAt: finish.startedAt,
      durationMs: finish.durationMs,
    }
    if (!this.#pack.add(packed)) {
      this.flush()
      this.#pack.add(packed)
    }
    if (this.#session.recording !== undefined) {
      const event = this.#recorded(packed)
      this.#record(captured === undefined ? [event] : [event, resultOf(event, finish, captured)])
    }
    if (this.#pack.isFull) this.flush()
    else if (isFirst) this.#onFirst(this)
  }

  /** Hands on what is there; to be called before the session's end goes on record. */
  flush(): void {
    if (this.#hasFailed) return
    try {
      const event = this.#pack.take()
      if (event !== undefined) this.#audit.append(event)
    } catch (failure) {
      this.#fail(failure)
    }
  }

  #record(events: readonly RecordingEvent[]): void {
    if (this.#hasFailed) return
    try {
      this.#session.recording?.add(events)
    } catch (failure) {
      // The log may still take what the recording does not.
      this.flush()
      this.#fail(failure)
    }
  }

  #fail(failure: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#session.onFailure(failure)
  }

  /** Ms since the session's start. */
  #atMs(epochMs: number): number {
    return Math.max(0, epochMs - this.#session.startedAt)
  }

  /** A prepared statement is run again and again: its text is looked through once. */
  #shownText(statement: { readonly text: string }): string {
    if (statement !== this.#lastStatement) {
      const { shown = same } = this.#session
      this.#lastStatement = statement
      this.#lastShown = shown(statement.text)
    }
    return this.#lastShown
  }

  /** The same command for the session's recording, placed where it was over. */
  #recorded(command: CommandToPack): CommandEvent {
    const { shown } = this.#session
    const parameters = command.parameters.shown
    return {
      kind: 'command',
      atMs: this.#atMs(command.startedAt + command.durationMs),
      number: command.number,
      text: this.#shownText(command.statement),
      parameters: shown === undefined ? parameters : parameters.map(shown),
      effect: command.meaning.command.effect,
      outcome: command.outcome,
      tag: command.tag,
      sqlstate: command.sqlstate,
      rows: command.rows,
      durationMs: command.durationMs,
      reviewId: command.reviewId,
    }
  }
}

/** What came back of a command, as far as it was kept. */
function resultOf(
  { atMs, number }: CommandEvent,
  finish: Finish,
  { columns, pieces, rows, omittedBytes }: CapturedResult,
): RecordingEvent {
  const [only] = pieces
  const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
  if (columns.length === 0) return { kind: 'output', atMs, number, bytes, omittedBytes }
  const omittedRows = Math.max(0, finish.rows - rows)
  return { kind: 'rows', atMs, number, columns, bytes, omittedRows }
}
