// Runs one program to its end: its output as text, or an error that says which program, how it ended and
// what it said last. An abort of the signal ends it.

import { spawn } from 'node:child_process'

/** What an error repeats of the output. */
const TAIL_LINES = 40
const OUTPUT_CHARACTERS_MAX = 4_000_000

/** How a program is run. */
export interface RunOptions {
  readonly directory?: string
  /** Added to this process's own. */
  readonly variables?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Written to its standard input. */
  readonly input?: string
}

/** What a program wrote, and how it ended. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs it, whatever its exit code. */
export function runToEnd(
  file: string,
  args: readonly string[],
  { directory, variables, signal, input }: RunOptions = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: { ...process.env, ...variables },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(directory === undefined ? {} : { cwd: directory }),
      ...(signal === undefined ? {} : { signal }),
    })
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out = (out + text).slice(-OUTPUT_CHARACTERS_MAX)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err = (err + text).slice(-OUTPUT_CHARACTERS_MAX)
    })
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({ code: code ?? -1, out, err })
    })
    // It may end before it has read everything.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

/**
 * Runs it and returns its standard output, trimmed.
 *
 * @throws Error when it ends with anything but 0.
 */
export async function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, out, err } = await runToEnd(file, args, options)
  if (code === 0) return out.trim()
  const said = `${out}\n${err}`.trim().split('\n').slice(-TAIL_LINES).join('\n')
  throw new Error(`${[file, ...args].join(' ')} ended with ${code}:\n${said}`)
}

/** True when the program is there and ends with 0. */
export const works = (file: string, args: readonly string[]): Promise<boolean> =>
  runToEnd(file, args).then(
    ({ code }) => code === 0,
    () => false,
  )
