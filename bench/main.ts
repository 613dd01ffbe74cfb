// `npm run bench`: measures Warder on this machine. Reads the command line, runs one group of cases
// and cleans up after it, also when it is interrupted.

import { writeFileSync } from 'node:fs'
import { benchAudit } from './audit.js'
import { benchDecisions } from './decisions.js'
import { benchDetect } from './detect.js'
import { benchIdle } from './idle.js'
import { HELP, readOptions } from './options.js'
import type { BenchOptions, Group } from './options.js'
import { benchPostgres } from './postgres.js'
import { rowsText } from './rows.js'
import type { Row } from './rows.js'
import type { BenchSurroundings } from './stage.js'

/** Wrong words on the command line (sysexits.h). */
const USAGE = 64
const INTERRUPTED = 130

const say = (text: string) => process.stdout.write(`${text}\n`)
/** What is going on, apart from the figures. */
const progress = (line: string) => process.stderr.write(`${line}\n`)

/** Runs one group of cases, prints what it found and returns it. */
type RunGroup = (
  options: BenchOptions,
  surroundings: BenchSurroundings,
  say: (text: string) => void,
) => Promise<readonly Row[]>

const RUNS: Readonly<Record<Group, RunGroup>> = {
  postgres: benchPostgres,
  audit: benchAudit,
  decisions: (_options, surroundings) => benchDecisions(surroundings, say),
  idle: (_options, surroundings) => benchIdle(surroundings, say),
  detect: () => Promise.resolve(benchDetect(say)),
}

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
    const rows = await RUNS[options.group](options, surroundings, say)
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
