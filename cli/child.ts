// Runs a job's command with the terminal as it is, passes signals on, and tells how it ended.

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { CliContext } from './context.js'
import { visible } from '../core/visible.js'

/** What a shell returns for a command that does not exist, or can't be run (POSIX 2.8.2). */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

/** Runs the command; its exit code, or 128 + the number of the signal that ended it. */
export async function runChild(
  context: CliContext,
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const [file, ...args] = command
  // Listening before there is a child: a signal in between must not end us and leave it behind.
  const early: NodeJS.Signals[] = []
  let pass = (signal: NodeJS.Signals): void => {
    early.push(signal)
  }
  const off = context.onSignal((signal) => {
    // A terminal sends Ctrl-C to the whole foreground group: the child already has it.
    if (signal !== 'SIGINT' || !context.isTerminal) pass(signal)
  })
  try {
    return await new Promise((settle) => {
      const child = spawn(file, args, { stdio: 'inherit', env: { ...env } })
      pass = (signal) => {
        child.kill(signal)
      }
      for (const signal of early) pass(signal)
      child.once('error', (error: NodeJS.ErrnoException) => {
        context.stderr.write(`warder: ${visible(file)} can't be run: ${visible(error.message)}\n`)
        settle(error.code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE)
      })
      child.once('exit', (code, signal) => {
        settle(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
      })
    })
  } finally {
    off()
  }
}
