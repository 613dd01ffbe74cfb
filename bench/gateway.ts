// A gateway that is measured: its store, and the process it runs in.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Progress } from '../app/embedded/executable.js'
import { PostgresCluster } from '../app/embedded/postgres-cluster.js'
import { SupervisedChild } from '../app/embedded/supervised-child.js'
import type { StopStep } from '../app/embedded/supervised-child.js'
import { policyText } from './policy-text.js'
import type { BenchTarget } from './target.js'

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
  readonly logFile: string
  stop(): Promise<void>
}

/** What the gateway is started with. */
export interface GatewayOptions {
  /** Tells several of one stage apart, kebab-case. */
  readonly name: string
  readonly directory: string
  readonly target: BenchTarget
  readonly issuerUrl: string
  /** True when reads wait for the audit log, too. */
  readonly isStrict: boolean
  /** Directory that gets CPU profiles of its process and threads when it ends. */
  readonly profileDirectory?: string | undefined
  /** This process's environment; only what finding programs needs is passed on. */
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly progress: Progress
  readonly onGivenUp: (failure: Error) => void
}

/** Starts store, Temporal (with its database file) and gateway; the latter two in one process tree. */
export async function startGateway(options: GatewayOptions): Promise<BenchGateway> {
  const { name, directory, progress, onGivenUp } = options
  const store = await PostgresCluster.start({
    ...{ dataDirectory: directory, name: `${name}-store`, progress, onGivenUp },
  })
  try {
    await store.ensureDatabase('warder')
    const readyFile = join(directory, `${name}-ready.json`)
    const child = await startChild(options, store.url('warder'), readyFile)
    const address = JSON.parse(readFileSync(readyFile, 'utf8')) as GatewayAddress
    const stop = async () => {
      await child.stop()
      await store.stop()
    }
    return { address, child, store, logFile: logFileOf(options), stop }
  } catch (error) {
    await store.stop()
    throw error
  }
}

const logFileOf = ({ directory, name }: GatewayOptions): string => join(directory, `${name}.log`)

function startChild(
  options: GatewayOptions,
  databaseUrl: string,
  readyFile: string,
): Promise<SupervisedChild> {
  const { name, directory, variables, profileDirectory, progress, onGivenUp } = options
  const policyFile = join(directory, `${name}-policy.yaml`)
  writeFileSync(policyFile, policyText(options), { mode: 0o600 })
  const passed = ['PATH', 'HOME', 'WARDER_CACHE'].flatMap((name) => {
    const value = variables[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  progress(`Starting ${name} in a process of its own …`)
  const spec = {
    title: `The process of ${name}`,
    command: process.execPath,
    arguments: [
      ...process.execArgv,
      ...(profileDirectory === undefined
        ? []
        : ['--cpu-prof', `--cpu-prof-dir=${resolve(profileDirectory)}`]),
      fileURLToPath(new URL('gateway-process.js', import.meta.url)),
    ],
    environment: {
      ...Object.fromEntries(passed),
      WARDER_DATA: join(directory, name),
      WARDER_POLICY: policyFile,
      WARDER_LISTEN_POSTGRES: '127.0.0.1:0',
      WARDER_LISTEN_API: '127.0.0.1:0',
      DATABASE_URL: databaseUrl,
      [READY_FILE]: readyFile,
    },
    logFile: logFileOf(options),
    recordFile: join(directory, `${name}.json`),
    isReady: () => Promise.resolve(existsSync(readyFile)),
    startMsMax: START_MS_MAX,
    stopSteps: STOP_STEPS,
  }
  return SupervisedChild.start(spec, progress, onGivenUp)
}
