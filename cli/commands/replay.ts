// `warder replay`: a session as it happened, in its own time or faster. It warns of every part that
// can't be shown, or is not what the audit log says it was, and then ends with 65.

import { InvalidArgumentError, Option, type Command } from 'commander'
import { replayLine, type ReplayLine } from '../../contract/replay.js'
import { visible } from '../../core/visible.js'
import type { ConnectionOptions } from '../connection.js'
import type { CliContext } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { failureOf } from '../failure.js'
import { printJsonLine } from '../output.js'
import {
  commandText,
  decisionText,
  findingText,
  outcomeText,
  outputText,
  recordText,
  rowsText,
} from '../replay-text.js'
import type { Shell } from '../shell.js'

interface ReplayOptions extends ConnectionOptions {
  /** Times faster than it happened; infinite for at once. */
  readonly speed?: number
  readonly only?: 'statements'
}

/** Timers take no longer wait (2^31 - 1 ms). */
const PAUSE_MS_MAX = 3_600_000

const HELP = `
Times count from the opening of the session. In a terminal it plays as it happened, elsewhere at once.

Examples:
  $ warder replay ses_7f3k… --speed 8
  $ warder replay ses_7f3k… --only statements | less
  $ warder replay ses_7f3k… --json > session.jsonl

Exit code 65: a part of the recording is missing, was altered, or is not on the audit log.`

/** Adds the command. */
export function addReplay(program: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(program, 'replay', 'Play a session: what it ran, saw and was refused.')
    .argument('<session>', 'ses_…')
    .option('--speed <factor>', 'how many times faster, or max for at once', speedOption)
    .addOption(new Option('--only <part>', 'leave out everything else').choices(['statements']))
    .addHelpText('after', HELP)
    .action(
      run(async (id: string, options: ReplayOptions) => {
        const api = await connect(options)
        const path = `/v1/sessions/${encodeURIComponent(id)}/replay`
        return await new Player(context, options).play(id, api.lines(path, replayLine))
      }),
    )
}

function speedOption(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY
  const speed = /^\d{1,6}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (speed === 0) throw new InvalidArgumentError('Write a number such as 4 or 0.5, or max.')
  return speed
}

class Player {
  readonly #context: CliContext
  readonly #options: ReplayOptions
  readonly #speed: number
  readonly #startedMs: number
  /** Set when the session is over: what came after it took its time without anybody watching. */
  #isOver = false

  constructor(context: CliContext, options: ReplayOptions) {
    this.#context = context
    this.#options = options
    const isPaced = options.json !== true && context.isWatched === true
    this.#speed = options.speed ?? (isPaced ? 1 : Number.POSITIVE_INFINITY)
    this.#startedMs = context.clock.monotonicMs()
  }

  /** @throws CliFailure when the story breaks off before its end. */
  async play(id: string, lines: AsyncIterable<ReplayLine>): Promise<number> {
    let end: Extract<ReplayLine, { type: 'end' }> | undefined
    for await (const line of lines) {
      if (line.type === 'end') end = line
      if (!this.#isWanted(line)) continue
      if (line.type !== 'finding' && line.type !== 'end') await this.#until(line.offsetMs)
      if (this.#options.json === true) printJsonLine(this.#context.stdout, line)
      await this.#show(line)
      if (line.type === 'record' && line.kind === 'session.ended') this.#isOver = true
    }
    if (end === undefined) {
      throw failureOf('PROTOCOL_VIOLATION', { why: 'the replay broke off before its end', id })
    }
    return this.#finish(id, end)
  }

  #finish(id: string, end: Extract<ReplayLine, { type: 'end' }>): number {
    const { stderr } = this.#context
    if (!end.isRecorded) {
      stderr.write(`warder: note: ${visible(id)} has no recording; this is what the log says\n`)
    }
    // A session that still runs is not closed yet, and nothing is wrong with that.
    const faults = Object.entries(end.faults).filter(([fault]) => fault !== 'unfinished')
    if (faults.length === 0) return EXIT.ok
    const counts = faults.map(([fault, count]) => `${count} ${visible(fault)}`).join(', ')
    stderr.write(`warder: WARNING: this recording is not whole (${counts})\n`)
    return EXIT.data
  }

  async #show(line: ReplayLine): Promise<void> {
    const { stdout, stderr } = this.#context
    if (line.type === 'finding') stderr.write(findingText(line))
    if (this.#options.json === true) return
    if (line.type === 'command') {
      stdout.write(commandText(line))
      await this.#until(line.offsetMs + line.durationMs)
      stdout.write(outcomeText(line))
    } else stdout.write(textOf(line))
  }

  #isWanted(line: ReplayLine): boolean {
    const { type } = line
    if (this.#options.only === undefined || type === 'finding' || type === 'end') return true
    return type === 'command' || (type === 'record' && line.kind.startsWith('command.'))
  }

  /** Waits until so much of the session has passed; never for what is past already. */
  async #until(offsetMs: number): Promise<void> {
    if (this.#speed === Number.POSITIVE_INFINITY || this.#isOver) return
    const { clock, pause } = this.#context
    const dueMs = this.#startedMs + offsetMs / this.#speed
    const { signal } = new AbortController()
    for (let left = dueMs - clock.monotonicMs(); left > 0; left = dueMs - clock.monotonicMs()) {
      await pause(Math.min(left, PAUSE_MS_MAX), signal)
    }
  }
}

function textOf(line: Exclude<ReplayLine, { type: 'command' }>): string {
  switch (line.type) {
    case 'finding':
    case 'end':
      return ''
    case 'record':
      return recordText(line)
    case 'rows':
      return rowsText(line)
    case 'output':
      return outputText(line)
    case 'decision':
      return decisionText(line)
  }
}
