// One child process of the demo: what it prints, line by line as it comes, and how it ends. Both of
// its outputs are one stream, so that their order is the one that somebody at a terminal would see.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'

/** A step that takes longer than this has failed. */
const WAIT_MS_MAX = 30_000
/** What a transcript may show; of a stream of rows only the end is kept. */
const LINE_COUNT_MAX = 500
/** How long a child may take to end when the demo does. */
const END_MS_MAX = 2_000

/** A command with its arguments. */
export type CommandLine = readonly [file: string, ...args: string[]]

/** A running child, or one that ran. */
export class ChildRun {
  readonly #child: ChildProcess
  readonly #exit: Promise<number>
  readonly #lines: string[] = []
  #lineCount = 0
  #takenCount = 0
  #isOver = false
  #onNews: () => void = () => undefined

  private constructor(child: ChildProcess, exit: Promise<number>) {
    this.#child = child
    this.#exit = exit
  }

  /** Starts it. An abort of the signal ends it. */
  static start(
    [file, ...args]: CommandLine,
    env: Readonly<Record<string, string | undefined>>,
    signal: AbortSignal,
  ): ChildRun {
    // A shell puts the two outputs into one pipe and is then replaced by the command.
    const child = spawn('/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', file, ...args], {
      env: { ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
      signal,
      killSignal: 'SIGTERM',
    })
    child.stdin.on('error', () => undefined)
    const reader = createInterface({ input: child.stdout, crlfDelay: Infinity })
    const allRead = new Promise<void>((resolve) => reader.once('close', resolve))
    const exit = new Promise<number>((resolve) => {
      child.once('error', () => undefined)
      child.once('close', (code, name) => {
        void allRead.then(() =>
          resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])),
        )
      })
    })
    const run = new ChildRun(child, exit)
    reader.on('line', (line) => run.#take(line))
    void exit.then(() => {
      run.#isOver = true
      run.#onNews()
    })
    return run
  }

  /** How many lines it has printed. */
  get lineCount(): number {
    return this.#lineCount
  }

  /** Types a line. */
  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** Says that nothing more will be typed. */
  endInput(): void {
    this.#child.stdin?.end()
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /**
   * The lines not yet taken, as soon as one of them matches; the line that matched is the last.
   *
   * @throws Error when the child ends or stays silent before that.
   */
  async until(pattern: RegExp): Promise<string[]> {
    const deadline = AbortSignal.timeout(WAIT_MS_MAX)
    for (;;) {
      const fresh = this.#fresh()
      const at = fresh.findIndex((line) => pattern.test(line))
      if (at >= 0) {
        this.#takenCount += at + 1
        return fresh.slice(0, at + 1)
      }
      if (this.#isOver || deadline.aborted) {
        const how = this.#isOver ? 'it ended' : `nothing came for ${WAIT_MS_MAX / 1000} s`
        throw new Error(`waited for ${String(pattern)}, but ${how}; last: ${fresh.at(-1) ?? '–'}`)
      }
      await this.#news(deadline)
    }
  }

  /** Waits for its end; what it printed since the last look, and its exit code (128 + n by signal n). */
  async end(): Promise<{ readonly lines: string[]; readonly code: number }> {
    const late = AbortSignal.timeout(WAIT_MS_MAX)
    while (!this.#isOver) {
      if (late.aborted) throw new Error(`it did not end within ${WAIT_MS_MAX / 1000} s`)
      await this.#news(late)
    }
    const lines = this.#fresh()
    this.#takenCount = this.#lineCount
    return { lines, code: await this.#exit }
  }

  /** Ends it if it still runs, hard in the end. */
  async stop(): Promise<void> {
    if (this.#isOver) return
    this.#child.kill('SIGTERM')
    const hard = setTimeout(() => this.#child.kill('SIGKILL'), END_MS_MAX)
    await this.#exit
    clearTimeout(hard)
  }

  #fresh(): string[] {
    const dropped = this.#lineCount - this.#lines.length
    return this.#lines.slice(Math.max(0, this.#takenCount - dropped))
  }

  #take(line: string): void {
    this.#lines.push(line)
    this.#lineCount += 1
    if (this.#lines.length > LINE_COUNT_MAX) this.#lines.shift()
    this.#onNews()
  }

  #news(deadline: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        deadline.removeEventListener('abort', over)
        this.#onNews = () => undefined
        resolve()
      }
      deadline.addEventListener('abort', over)
      this.#onNews = over
    })
  }
}
