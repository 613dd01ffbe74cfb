// The gateway that is measured: its policy, its store, and the process it runs in.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Progress } from '../app/embedded/executable.js'
import { PostgresCluster } from '../app/embedded/postgres-cluster.js'
import { SupervisedChild } from '../app/embedded/supervised-child.js'
import type { StopStep } from '../app/embedded/supervised-child.js'
import { DATABASE, LOGIN } from './target.js'
import type { BenchTarget } from './target.js'

/** `aud` of every token of the benchmarks. */
export const AUDIENCE = 'https://warder.bench'
/** The role that callers log in with. */
export const ROLE = 'bencher'
/** Variable that names the file which the gateway's process writes once it serves. */
export const READY_FILE = 'BENCH_READY_FILE'

const START_MS_MAX = 120_000
const STOP_STEPS: readonly StopStep[] = [
  { signal: 'SIGTERM', waitMs: 20_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
]

/** Where a running gateway is reached. */
export interface GatewayAddress {
  readonly port: number
  /** Base URL of the API. */
  readonly api: string
  /** PEM file to verify the API's certificate with. */
  readonly authorityFile: string
}

/** A running gateway with the store that it keeps its record in. */
export interface BenchGateway {
  readonly address: GatewayAddress
  readonly child: SupervisedChild
  readonly store: PostgresCluster
  stop(): Promise<void>
}

/** What the gateway is started with. */
export interface GatewayOptions {
  readonly directory: string
  readonly target: BenchTarget
  readonly issuerUrl: string
  /** This process's environment; only what finding programs needs is passed on. */
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly progress: Progress
  readonly onGivenUp: (failure: Error) => void
}

/** Starts store, Temporal (with its database file) and gateway; the latter two in one process tree. */
export async function startGateway(options: GatewayOptions): Promise<BenchGateway> {
  const { directory, progress, onGivenUp } = options
  const store = await PostgresCluster.start({
    ...{ dataDirectory: directory, name: 'store', progress, onGivenUp },
  })
  try {
    await store.ensureDatabase('warder')
    const readyFile = join(directory, 'ready.json')
    const child = await startChild(options, store.url('warder'), readyFile)
    const address = JSON.parse(readFileSync(readyFile, 'utf8')) as GatewayAddress
    const stop = async () => {
      await child.stop()
      await store.stop()
    }
    return { address, child, store, stop }
  } catch (error) {
    await store.stop()
    throw error
  }
}

function startChild(
  { directory, target, issuerUrl, variables, progress, onGivenUp }: GatewayOptions,
  databaseUrl: string,
  readyFile: string,
): Promise<SupervisedChild> {
  const policyFile = join(directory, 'policy.yaml')
  writeFileSync(policyFile, policyText(target, issuerUrl), { mode: 0o600 })
  const passed = ['PATH', 'HOME', 'WARDER_CACHE'].flatMap((name) => {
    const value = variables[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  progress('Starting the gateway in a process of its own …')
  const spec = {
    title: 'The gateway',
    command: process.execPath,
    arguments: [...process.execArgv, fileURLToPath(new URL('gateway-process.js', import.meta.url))],
    environment: {
      ...Object.fromEntries(passed),
      WARDER_DATA: join(directory, 'warder'),
      WARDER_POLICY: policyFile,
      WARDER_LISTEN_POSTGRES: '127.0.0.1:0',
      WARDER_LISTEN_API: '127.0.0.1:0',
      DATABASE_URL: databaseUrl,
      [READY_FILE]: readyFile,
    },
    logFile: join(directory, 'gateway.log'),
    recordFile: join(directory, 'gateway.json'),
    isReady: () => Promise.resolve(existsSync(readyFile)),
    startMsMax: START_MS_MAX,
    stopSteps: STOP_STEPS,
  }
  return SupervisedChild.start(spec, progress, onGivenUp)
}

/** Everything that reads is allowed; a write to one table is held; its approver may also revoke. */
function policyText({ cluster, passwordFile }: BenchTarget, issuerUrl: string): string {
  return `gateway:
  audience: ${AUDIENCE}
issuers:
  - { name: bench, issuer: '${issuerUrl}', algorithms: [ES256], groups: groups }
resources:
  - name: ${DATABASE}
    protocol: postgres
    address: ${cluster.host}:${cluster.port}
    database: ${DATABASE}
    credential: { user: ${LOGIN}, password: { file: '${passwordFile}' } }
    tls: off
roles:
  - name: ${ROLE}
    on: [${DATABASE}]
    allow:
      - { effects: [read, session-control] }
    ask:
      - { effects: [write], relations: [bench.notes], approvers: deciders, timeout: 10m }
access:
  - who: { issuer: bench, subject: migrate-job }
    role: ${ROLE}
    for: 2h
    max: 2h
approvers:
  deciders:
    members:
      - { issuer: bench, group: db-admins }
duties:
  revoke: [deciders]
`
}
