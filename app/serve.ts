// The commands that serve (`up`, `gateway`, `worker`), from the environment they are given to the exit
// code they end with.

import { formatHostPort, readEnvironment } from './environment.js'
import { runProcess, type RunningProcess, type RunOptions } from './process.js'
import type { GatewayAddress } from './process-messages.js'
import { startGateways, startWarder } from './up.js'

/** What a command is run with. */
export interface ServeOptions extends Omit<RunOptions, 'environment'> {
  /** Overrides WARDER_POLICY. */
  readonly policyFile?: string | undefined
}

/** Runs everything on one machine until it is asked to stop. */
export const serveAll = (options: ServeOptions): Promise<number> =>
  serve(options, (run) =>
    runProcess(run, (parts) => startWarder({ ...parts, output: run.output }), announce),
  )

/** Runs gateways; one that was started by a supervisor is a gateway itself. */
export const serveGateway = (options: ServeOptions): Promise<number> =>
  serve(options, async (run) => {
    if (process.send === undefined) {
      return runProcess(run, (parts) => startGateways({ ...parts, output: run.output }), announce)
    }
    // Loaded only here: a supervisor needs nothing of it.
    const { startGateway } = await import('./gateway.js')
    return runProcess(run, startGateway, announce)
  })

/** Runs a worker. */
export const serveWorker = (options: ServeOptions): Promise<number> =>
  serve(options, async (run) => {
    const { startWorker } = await import('./worker.js')
    return runProcess(run, startWorker, (_, say) => say('The worker is ready.'))
  })

async function serve(
  { policyFile, ...given }: ServeOptions,
  run: (options: RunOptions) => Promise<number>,
): Promise<number> {
  const variables =
    policyFile === undefined ? given.variables : { ...given.variables, WARDER_POLICY: policyFile }
  const { environment, warnings } = readEnvironment(variables)
  if (process.send === undefined) {
    for (const warning of warnings) given.output.write(`warning: ${warning}\n`)
  }
  return run({ ...given, environment, variables })
}

function announce({ address }: RunningProcess, say: (line: string) => void): void {
  if (address === undefined) return
  const { postgres, api, authorityFile }: GatewayAddress = address
  say(`PostgreSQL clients: ${formatHostPort(postgres)}`)
  say(`API and command line: ${api}`)
  if (authorityFile !== undefined) {
    say(`Certificates are signed by ${authorityFile} (sslrootcert, WARDER_CA)`)
  }
}
