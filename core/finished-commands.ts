// Many finished commands in one audit event: how they are packed, and how they are unpacked again.
// Pure; of lists that don't fit together nothing is unpacked, and nothing is thrown.

import type { AuditEvent, AuditValue } from './audit.js'
import type { Effect } from './command.js'

/** Most commands in one event. */
export const PACKED_COUNT_MAX = 512
/**
 * Characters of texts, parameters and tags in one event, repetitions counted too, so that what is
 * unpacked stays small as well. A single command may be longer: it then has its event to itself.
 */
export const PACKED_CHARACTERS_MAX = 256 * 1024

/** What the texts of one meaning share; one object for all of their occurrences. */
export interface PackedMeaning {
  readonly command: { readonly effect: Effect }
  readonly kinds: readonly string[]
  readonly relations: readonly string[]
}

/** A finished command, to be packed. */
export interface CommandToPack {
  readonly number: number
  readonly meaning: PackedMeaning
  readonly statement: { readonly text: string }
  readonly parameters: { readonly shown: readonly string[] }
  readonly reviewId: string | undefined
  readonly outcome: 'done' | 'failed' | 'unknown'
  readonly tag: string
  readonly sqlstate: string
  readonly rows: number
  /** Epoch ms. */
  readonly startedAt: number
  readonly durationMs: number
}

/** Which session the commands ran in. */
export interface CommandSession {
  readonly grantId: string
  readonly requestId: string
  readonly sessionId: string
}

/** One finished command, as it was packed. */
export interface FinishedCommand {
  readonly command: number
  readonly effect: string
  readonly kinds: readonly string[]
  readonly relations: readonly string[]
  readonly outcome: string
  readonly tag: string
  readonly sqlstate: string
  readonly rows: number
  /** Epoch ms. */
  readonly startedAt: number
  readonly durationMs: number
  readonly reviewId?: string | undefined
  /** Absent when the sensitive fields can't be opened. */
  readonly text?: string | undefined
  readonly parameters?: readonly string[] | undefined
}

/**
 * Packs the commands of one session, one after the other, and keeps nothing of them but the text of
 * their event.
 *
 * A run is one line: number, place in `statements`, place in `texts`, start (ms after the event's
 * `startedAt`), duration, rows, outcome, count of parameters, SQLSTATE, review, tag; `-` is none. The
 * parameters of all commands stand behind each other in one list.
 */
export class CommandPack {
  readonly #session: CommandSession
  #meanings = new Map<PackedMeaning, number>()
  #texts = new Map<string, number>()
  #runs: string[] = []
  #values: string[] = []
  #startedAt = 0
  #first = 0
  #last = 0
  #characters = 0

  constructor(session: CommandSession) {
    this.#session = session
  }

  /** Commands in it. */
  get count(): number {
    return this.#runs.length
  }

  /** True when nothing more fits. */
  get isFull(): boolean {
    return this.count >= PACKED_COUNT_MAX || this.#characters >= PACKED_CHARACTERS_MAX
  }

  /** Takes a command; false when it needs another event. One always fits when there is none yet. */
  add(command: CommandToPack): boolean {
    const { shown } = command.parameters
    const { text } = command.statement
    const characters = this.#characters + charactersOf(command, text, shown)
    if (this.count === 0) {
      this.#startedAt = Math.floor(command.startedAt)
      this.#first = command.number
    } else if (characters > PACKED_CHARACTERS_MAX || this.count >= PACKED_COUNT_MAX) {
      return false
    }
    this.#characters = characters
    this.#last = command.number
    const meaningAt = placeOf(this.#meanings, command.meaning)
    const textAt = placeOf(this.#texts, text)
    this.#runs.push(runLine(command, meaningAt, textAt, this.#startedAt, shown.length))
    for (const value of shown) this.#values.push(value)
    return true
  }

  /** The event of everything since the last call; undefined when there is nothing. */
  take(): AuditEvent<'commands.finished'> | undefined {
    if (this.count === 0) return undefined
    const { grantId, requestId, sessionId } = this.#session
    const parameters = this.#values
    const fields = {
      ...{ grantId, requestId, sessionId, count: this.count },
      ...{ first: this.#first, last: this.#last, startedAt: this.#startedAt },
      statements: Array.from(this.#meanings.keys(), describe),
      runs: this.#runs,
      texts: [...this.#texts.keys()],
      ...(parameters.length === 0 ? {} : { parameters }),
    }
    this.#meanings = new Map()
    this.#texts = new Map()
    this.#runs = []
    this.#values = []
    this.#characters = 0
    return { kind: 'commands.finished', fields }
  }
}

/** The commands of an event, or undefined when its fields don't fit together. */
export function unpackCommands(
  fields: Readonly<Record<string, AuditValue>>,
): readonly FinishedCommand[] | undefined {
  const { count, first, last, startedAt } = fields
  const statements = listOf(fields['statements'])?.map(readMeaning)
  const runs = listOf(fields['runs'])
  if (statements === undefined || runs === undefined) return undefined
  if (typeof startedAt !== 'number' || runs.length !== count) return undefined
  if (runs.length > PACKED_COUNT_MAX) return undefined
  const texts = fields['texts'] === undefined ? undefined : listOf(fields['texts'])
  const values = fields['parameters'] === undefined ? [] : listOf(fields['parameters'])
  if (values === undefined || (texts === undefined && fields['texts'] !== undefined)) {
    return undefined
  }
  const commands: FinishedCommand[] = []
  let valueCount = 0
  for (const line of runs) {
    const run = readRun(line)
    const meaning = run === undefined ? undefined : statements[run.meaningAt]
    if (run === undefined || meaning === undefined) return undefined
    const command = { ...run.finish, ...meaning, startedAt: startedAt + run.afterMs }
    if (texts === undefined) {
      commands.push(command)
      continue
    }
    const text = texts[run.textAt]
    const parameters = values.slice(valueCount, valueCount + run.parameterCount)
    if (text === undefined || parameters.length !== run.parameterCount) return undefined
    valueCount += run.parameterCount
    commands.push({ ...command, text, parameters })
  }
  const isWhole = texts === undefined || valueCount === values.length
  const hasEnds = commands[0]?.command === first && commands.at(-1)?.command === last
  return isWhole && hasEnds ? commands : undefined
}

function charactersOf(command: CommandToPack, text: string, shown: readonly string[]): number {
  let characters = text.length + command.tag.length
  for (const value of shown) characters += value.length
  return characters
}

function placeOf<T>(places: Map<T, number>, one: T): number {
  const known = places.get(one)
  if (known !== undefined) return known
  places.set(one, places.size)
  return places.size - 1
}

/** JSON, because the names of relations may hold any character. */
const describe = ({ command, kinds, relations }: PackedMeaning): string =>
  JSON.stringify([command.effect, kinds, relations])

function runLine(
  command: CommandToPack,
  meaningAt: number,
  textAt: number,
  startedAt: number,
  parameterCount: number,
): string {
  const afterMs = Math.floor(command.startedAt) - startedAt
  const durationMs = Math.round(countable(command.durationMs) * 1_000) / 1_000
  const rows = Math.floor(countable(command.rows))
  return (
    `${command.number} ${meaningAt} ${textAt} ${afterMs} ${durationMs} ${rows} ${command.outcome} ` +
    `${parameterCount} ${word(command.sqlstate)} ${word(command.reviewId)} ${command.tag}`
  )
}

/** What a target counts is its own affair; what is written can be read again. */
const countable = (value: number): number => (value >= 0 && value <= COUNTABLE_MAX ? value : 0)

/** Written with 15 digits at most, never with an exponent. */
const COUNTABLE_MAX = 1e12

const WORD = /^[!-~]{1,64}$/

/** A target may send any bytes for a SQLSTATE; what is no word would shift all that follows. */
const word = (text = ''): string =>
  text === '' ? '-' : WORD.test(text) && text !== '-' ? text : '?'

const listOf = (value: AuditValue | undefined): readonly string[] | undefined =>
  typeof value === 'object' ? value : undefined

interface Meaning {
  readonly effect: string
  readonly kinds: readonly string[]
  readonly relations: readonly string[]
}

function readMeaning(text: string): Meaning | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(parsed) || parsed.length !== 3) return undefined
  const [effect, kinds, relations] = parsed as readonly unknown[]
  return typeof effect === 'string' && isTexts(kinds) && isTexts(relations)
    ? { effect, kinds, relations }
    : undefined
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

const RUN =
  /^(\d{1,15}) (\d{1,3}) (\d{1,3}) (-?\d{1,15}) (\d{1,13}(?:\.\d{1,3})?) (\d{1,13}) (done|failed|unknown) (\d{1,5}) ([!-~]{1,64}) ([!-~]{1,64}) (.*)$/s

function readRun(line: string) {
  const [, number, meaning, text, after, duration, rows, outcome, count, sqlstate, review, tag] =
    RUN.exec(line) ?? []
  if (outcome === undefined || tag === undefined) return undefined
  const finish = {
    ...{ command: Number(number), outcome, tag, sqlstate: sqlstate === '-' ? '' : `${sqlstate}` },
    ...{ rows: Number(rows), durationMs: Number(duration) },
    ...(review === '-' ? {} : { reviewId: review }),
  }
  return {
    finish,
    meaningAt: Number(meaning),
    textAt: Number(text),
    afterMs: Number(after),
    parameterCount: Number(count),
  }
}
