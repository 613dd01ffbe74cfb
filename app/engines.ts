// The engines that Warder stands on: PostgreSQL for its store and Temporal for its workflows, the
// operator's own where he names them, otherwise started here on the data directory.

import type { Environment } from './environment.js'
import type { Progress } from './embedded/executable.js'
import { PostgresCluster } from './embedded/postgres-cluster.js'
import { temporalBinary } from './embedded/temporal-binary.js'
import { TemporalServer } from './embedded/temporal-server.js'

/** Running engines, and the way to stop those that were started here. */
export interface Engines {
  readonly databaseUrl: string
  readonly temporalAddress: string
  stop(): Promise<void>
}

/**
 * Starts what the environment does not name; both at once, for the first start takes seconds.
 *
 * @throws WarderError `RECORD_UNAVAILABLE` `CONTROL_PLANE_UNAVAILABLE` naming what did not start.
 */
export async function startEngines(
  environment: Environment,
  progress: Progress,
  onGivenUp: (failure: Error) => void,
): Promise<Engines> {
  const started = await Promise.allSettled([
    startStore(environment, progress, onGivenUp),
    startTemporal(environment, progress, onGivenUp),
  ])
  const stop = async () => {
    await Promise.all(
      started.map(async (part) => (part.status === 'fulfilled' ? part.value.stop() : undefined)),
    )
  }
  const [store, temporal] = started
  if (store.status === 'fulfilled' && temporal.status === 'fulfilled') {
    return { databaseUrl: store.value.url, temporalAddress: temporal.value.address, stop }
  }
  await stop()
  throw started.find((part) => part.status === 'rejected')?.reason
}

async function startStore(
  { databaseUrl, dataDirectory }: Environment,
  progress: Progress,
  onGivenUp: (failure: Error) => void,
) {
  if (databaseUrl !== undefined) return { url: databaseUrl, stop: () => Promise.resolve() }
  const cluster = await PostgresCluster.start({
    ...{ dataDirectory, progress, onGivenUp },
    name: 'store',
  })
  await cluster.ensureDatabase('warder')
  return { url: cluster.url('warder'), stop: () => cluster.stop() }
}

async function startTemporal(
  { temporal, searchPath, cacheDirectory, dataDirectory }: Environment,
  progress: Progress,
  onGivenUp: (failure: Error) => void,
) {
  if (temporal.address !== undefined) {
    return { address: temporal.address, stop: () => Promise.resolve() }
  }
  const binary = await temporalBinary({ searchPath, cacheDirectory }, progress)
  const server = await TemporalServer.start({ ...{ binary, dataDirectory, progress, onGivenUp } })
  return { address: server.address, stop: () => server.stop() }
}
