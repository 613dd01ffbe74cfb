// `warder up`: everything on one machine. Starts the engines that the environment does not name, then
// the processes that serve; holds no connection to either, so that it can outlast both.

import { fileURLToPath } from 'node:url'
import type { Writable } from 'node:stream'

import { startEngines } from './engines.js'
import type { Environment } from './environment.js'
import type { GatewayAddress } from './process-messages.js'
import { Supervisor } from './supervisor.js'

/** The program that this one starts again in its roles. */
export const PROGRAM = fileURLToPath(new URL('./main.js', import.meta.url))

/** What is started. */
export interface UpOptions {
  readonly environment: Environment
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly output: Writable
  readonly progress: (line: string) => void
  readonly report: (what: string, failure: unknown) => void
  readonly onFatal: (failure: Error) => void
  /** Another program that takes the roles. */
  readonly program?: string
}

/** All of Warder, running. */
export interface RunningWarder {
  readonly address: GatewayAddress
  stop(): Promise<void>
}

/** Starts engines, worker and gateways; on any failure what was started is stopped again. */
export async function startWarder(options: UpOptions): Promise<RunningWarder> {
  const { environment, variables, progress, report, onFatal, output } = options
  const engines = await startEngines(environment, progress, onFatal)
  try {
    const { policyFile, gatewayProcessCount } = environment
    const { supervisor, address } = await Supervisor.start({
      ...{ output, progress, report, onGivenUp: onFatal },
      program: options.program ?? PROGRAM,
      gatewayCount: gatewayProcessCount,
      variables: {
        ...variables,
        WARDER_POLICY: undefined,
        DATABASE_URL: engines.databaseUrl,
        TEMPORAL_ADDRESS: engines.temporalAddress,
      },
      worker: { WARDER_POLICY: policyFile },
    })
    return {
      address,
      async stop() {
        await supervisor.stop()
        await engines.stop()
      },
    }
  } catch (failure) {
    await engines.stop()
    throw failure
  }
}

/** Starts gateways only; what they stand on is named by the environment. */
export async function startGateways(options: UpOptions): Promise<RunningWarder> {
  const { environment, progress, report, onFatal, output } = options
  const { supervisor, address } = await Supervisor.start({
    ...{ output, progress, report, onGivenUp: onFatal },
    program: options.program ?? PROGRAM,
    gatewayCount: environment.gatewayProcessCount,
    variables: options.variables,
  })
  return { address, stop: () => supervisor.stop() }
}
