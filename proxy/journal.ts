// Finished commands on their way to the record: collected per session, and handed on together, at
// the next tick, when there are many, or when the session ends. Nobody waits for them, none is lost.

import {
  packCommands,
  PACKED_CHARACTERS_MAX,
  PACKED_COUNT_MAX,
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

/** What is kept of a command until it is on record; text and parameters are read only then. */
export interface JournalCommand {
  readonly number: number
  /** The same object for the same meaning: it is described once in a record. */
  readonly judged: PackedMeaning
  readonly statement: { readonly text: string; readonly bytes: { readonly length: number } }
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
  #commands: CommandToPack[] = []
  /** What came back, by its command. */
  #captured = new Map<CommandToPack, CapturedResult>()
  /** For the recording alone. */
  #notes: RecordingEvent[] = []
  #textBytes = 0
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
  }

  /** Ms since the session's start. */
  #atMs(epochMs: number): number {
    return Math.max(0, epochMs - this.#session.startedAt)
  }

  /** A command was not forwarded: the log has a record of its own of it, the recording shows it. */
  refused(command: RefusedCommand, code: string, now: number): void {
    const { judged, statement, parameters } = command
    const { shown = same } = this.#session
    this.#note({
      ...{ kind: 'command', atMs: this.#atMs(now), number: command.number },
      ...{ text: shown(statement.text), parameters: parameters.shown.map(shown) },
      ...{ effect: judged.command.effect, outcome: 'refused', tag: code, sqlstate: '' },
      ...{ rows: 0, durationMs: 0, reasons: judged.verdict.reasons.map((reason) => reason.text) },
    })
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
    this.#note({ kind: 'decision', atMs, number, reviewId, state, by: by.join(', ') })
  }

  #note(event: RecordingEvent): void {
    if (this.#hasFailed || this.#session.recording === undefined) return
    const isFirst = this.#commands.length + this.#notes.length === 0
    this.#notes.push(event)
    if (isFirst) this.#onFirst(this)
  }

  /** Takes a command; `finish` is copied. */
  finished(command: JournalCommand, finish: Finish, captured?: CapturedResult): void {
    if (this.#hasFailed) return
    const packed: CommandToPack = {
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
    const count = this.#commands.push(packed)
    if (captured !== undefined) this.#captured.set(packed, captured)
    this.#textBytes += command.statement.bytes.length
    if (count >= PACKED_COUNT_MAX || this.#textBytes >= PACKED_CHARACTERS_MAX) this.flush()
    else if (count === 1 && this.#notes.length === 0) this.#onFirst(this)
  }

  /** Hands on what is there; to be called before the session's end goes on record. */
  flush(): void {
    const commands = this.#commands
    if ((commands.length === 0 && this.#notes.length === 0) || this.#hasFailed) return
    this.#commands = []
    this.#textBytes = 0
    try {
      for (let from = 0; from < commands.length;) {
        const { event, next } = packCommands(this.#session, commands, from)
        this.#audit.append(event)
        from = next
      }
      if (this.#session.recording !== undefined) this.#record(this.#session.recording, commands)
    } catch (failure) {
      this.#hasFailed = true
      this.#session.onFailure(failure)
    }
  }

  #record(recording: Pick<Recording, 'add'>, commands: readonly CommandToPack[]): void {
    const events: RecordingEvent[] = []
    for (const command of commands) {
      events.push(this.#recorded(command))
      const captured = this.#captured.get(command)
      if (captured !== undefined) events.push(this.#result(command, captured))
    }
    this.#captured = new Map()
    if (this.#notes.length > 0) {
      events.push(...this.#notes)
      this.#notes = []
      events.sort((a, b) => a.atMs - b.atMs)
    }
    recording.add(events)
  }

  #result(command: CommandToPack, { columns, pieces, rows, omittedBytes }: CapturedResult) {
    const atMs = this.#atMs(command.startedAt + command.durationMs)
    const { number } = command
    const [only] = pieces
    const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
    if (columns.length === 0) return { kind: 'output', atMs, number, bytes, omittedBytes } as const
    const omittedRows = Math.max(0, command.rows - rows)
    return { kind: 'rows', atMs, number, columns, bytes, omittedRows } as const
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
    const { startedAt, durationMs, reviewId } = command
    const { shown = same } = this.#session
    return {
      kind: 'command',
      atMs: this.#atMs(startedAt + durationMs),
      number: command.number,
      text: this.#shownText(command.statement),
      parameters: command.parameters.shown.map(shown),
      effect: command.meaning.command.effect,
      outcome: command.outcome,
      tag: command.tag,
      sqlstate: command.sqlstate,
      rows: command.rows,
      durationMs,
      ...(reviewId === undefined ? {} : { reviewId }),
    }
  }
}
