// `npm run bench`: measures Warder on this machine. Reads the command line, runs one group of cases
// and cleans up after it, also when it is interrupted.

import { writeFileSync } from 'node:fs'
import { benchDecisions } from './decisions.js'
import { HELP, readOptions } from './options.js'
import type { BenchOptions } from './options.js'
import { benchPostgres } from './postgres.js'
import { rowsText } from './rows.js'

/** Wrong words on the command line (sysexits.h). */
const USAGE = 64
const INTERRUPTED = 130

const say = (text: string) => process.stdout.write(`${text}\n`)
/** What is going on, apart from the figures. */
const progress = (line: string) => process.stderr.write(`${line}\n`)

async function bench(options: BenchOptions): Promise<number> {
  const stop = new AbortController()
  const interrupt = () => {
    // The second time at once: what runs is told to end as this process goes.
    if (stop.signal.aborted) process.exit(INTERRUPTED)
    progress('Stopping; a moment, everything that was started is ended first …')
    stop.abort()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, interrupt)
  const surroundings = {
    ...{ variables: process.env, progress, signal: stop.signal },
    onGivenUp: (failure: Error) => {
      progress(failure.message)
      stop.abort()
    },
  }
  try {
    const rows =
      options.group === 'postgres'
        ? await benchPostgres(options, surroundings, say)
        : await benchDecisions(surroundings, say)
    if (options.jsonFile !== undefined) writeFileSync(options.jsonFile, rowsText(rows))
    return 0
  } catch (failure) {
    if (stop.signal.aborted) return INTERRUPTED
    progress(failure instanceof Error ? failure.message : String(failure))
    return 1
  } finally {
    for (const signal of signals) process.off(signal, interrupt)
  }
}

const asked = readOptions(process.argv.slice(2))
switch (asked.kind) {
  case 'help':
    say(HELP)
    break
  case 'wrong':
    progress(`${asked.why}\n\n${HELP}`)
    process.exitCode = USAGE
    break
  case 'run':
    process.exitCode = await bench(asked.options)
    break
}
