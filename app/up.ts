// `warder up`: the all-in-one process in the foreground, until it is asked to stop.

import type { Writable } from 'node:stream'

import { pino } from 'pino'

import { formatHostPort, readEnvironment } from './environment.js'
import { startWarder } from './warder.js'

/** What the process is run with. */
export interface UpOptions {
  /** Overrides WARDER_POLICY. */
  readonly policyFile?: string | undefined
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly output: Writable
  /** Calls the listener on each signal that asks the process to stop. */
  readonly onStopAsked: (listener: () => void) => void
}

/** Runs until it is asked to stop (0) or can't go on (70). A second request stops it at once. */
export async function up(options: UpOptions): Promise<number> {
  const { variables, policyFile, version, output } = options
  const say = (line: string) => output.write(`${line}\n`)
  const { environment, warnings } = readEnvironment({
    ...variables,
    ...(policyFile === undefined ? {} : { WARDER_POLICY: policyFile }),
  })
  const log = pino({ level: environment.logLevel }, output)
  for (const warning of warnings) log.warn(warning)
  let askToStop: (code: number) => void = () => undefined
  const stopAsked = new Promise<number>((resolve) => {
    askToStop = resolve
  })
  let askedCount = 0
  options.onStopAsked(() => {
    askedCount += 1
    if (askedCount > 1) process.exit(130)
    say('Stopping: no new callers; open sessions are ended …')
    askToStop(0)
  })
  const warder = await startWarder({
    ...{ environment, variables, version },
    progress: say,
    report: (what, failure) => log.error({ err: failure, what }, 'something failed'),
    onFatal: (failure) => {
      log.fatal({ err: failure }, 'Warder can’t go on')
      askToStop(70)
    },
  })
  say(`PostgreSQL clients: ${formatHostPort(warder.postgres)}`)
  say(`API and command line: ${warder.api}`)
  if (warder.authorityFile !== undefined) {
    say(`Certificates are signed by ${warder.authorityFile} (sslrootcert, WARDER_CA)`)
  }
  const code = await stopAsked
  await warder.stop()
  return code
}
