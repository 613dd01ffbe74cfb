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

/** A finished command that waits to be packed; text and parameters are read only then. */
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
 * Packs commands from index `from` on, as many as one event takes: at least one, if there is one.
 *
 * A run is one line: number, place in `statements`, place in `texts`, start (ms after the event's
 * `startedAt`), duration, rows, outcome, count of parameters, SQLSTATE, review, tag; `-` is none. The
 * parameters of all commands stand behind each other in one list.
 *
 * @returns The event, and the index of the first command that is not in it.
 */
export function packCommands(
  session: CommandSession,
  commands: readonly CommandToPack[],
  from: number,
): { readonly event: AuditEvent<'commands.finished'>; readonly next: number } {
  const startedAt = Math.floor(commands[from]?.startedAt ?? 0)
  const meanings = new Map<PackedMeaning, number>()
  const texts = new Map<string, number>()
  const runs: string[] = []
  const values: string[] = []
  let last: CommandToPack | undefined
  let characters = 0
  for (let at = from; at < commands.length && runs.length < PACKED_COUNT_MAX; at += 1) {
    const command = commands[at]
    if (command === undefined) break
    const { shown } = command.parameters
    const { text } = command.statement
    characters += charactersOf(command, text, shown)
    if (last !== undefined && characters > PACKED_CHARACTERS_MAX) break
    const places = `${placeOf(meanings, command.meaning)} ${placeOf(texts, text)}`
    runs.push(runLine(command, places, startedAt, shown.length))
    for (const value of shown) values.push(value)
    last = command
  }
  const fields = {
    grantId: session.grantId,
    requestId: session.requestId,
    sessionId: session.sessionId,
    count: runs.length,
    first: commands[from]?.number ?? 0,
    last: last?.number ?? 0,
    startedAt,
    statements: Array.from(meanings.keys(), describe),
    runs,
    texts: [...texts.keys()],
    ...(values.length === 0 ? {} : { parameters: values }),
  }
  return { event: { kind: 'commands.finished', fields }, next: from + runs.length }
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
  places: string,
  startedAt: number,
  parameterCount: number,
): string {
  const afterMs = Math.floor(command.startedAt) - startedAt
  const durationMs = Math.round(countable(command.durationMs) * 1_000) / 1_000
  const rows = Math.floor(countable(command.rows))
  return (
    `${command.number} ${places} ${afterMs} ${durationMs} ${rows} ${command.outcome} ` +
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
