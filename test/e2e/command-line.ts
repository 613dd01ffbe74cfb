// The real command line as a child process, as one of a stage's cast. Each run is a fresh process.

import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Player, Stage } from './stage.js'
import { until } from './until.js'

const PROGRAM = fileURLToPath(new URL('../../dist/app/main.js', import.meta.url))
const WAIT_MS_MAX = 20_000

/** What a run printed, and how it ended. */
export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A run that may still be going on. */
export class CommandRun {
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  out = ''
  err = ''

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.err += text))
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => {
        resolve({ code, out: this.out, err: this.err })
      })
    })
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** The first group of the pattern, once it stands in what was printed. */
  said(pattern: RegExp): Promise<string> {
    return until(`the run says ${String(pattern)}`, WAIT_MS_MAX, () => {
      const [whole, group] = pattern.exec(`${this.out}\n${this.err}`) ?? []
      return group ?? whole
    })
  }
}

/** The command line of everybody on a stage. */
export class CommandLine {
  readonly #stage: Stage
  readonly #folder = mkdtempSync(join(tmpdir(), 'warder-cli-'))
  readonly #authorityFile = join(this.#folder, 'authority.pem')

  /** The stage's Warder must be up. */
  constructor(stage: Stage) {
    this.#stage = stage
    writeFileSync(this.#authorityFile, stage.warder.authority)
  }

  /** Starts a run as somebody; variables may be added or replaced. */
  start(
    player: Player,
    args: readonly string[],
    variables: Readonly<Record<string, string>> = {},
  ): CommandRun {
    return new CommandRun(args, {
      WARDER_SERVER: this.#stage.warder.api,
      WARDER_CA: this.#authorityFile,
      WARDER_TOKEN: this.#stage.token(player),
      ...variables,
    })
  }

  /** Runs to its end. */
  run(
    player: Player,
    args: readonly string[],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<Ended> {
    return this.start(player, args, variables).ended
  }

  /** Writes a file for a command to read; its path. */
  file(name: string, text: string): string {
    const path = join(this.#folder, name)
    writeFileSync(path, text)
    return path
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
