// What a benchmark plays on, started in order and ended in the reverse of it: target, identity
// provider, gateway and, for comparison, other relays. All on loopback, all below one new directory.

import { chmodSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Progress } from '../app/embedded/executable.js'
import { DemoIssuer } from '../scripts/demo/issuer.js'
import { startGateway } from './gateway.js'
import type { BenchGateway } from './gateway.js'
import { AUDIENCE } from './policy-text.js'
import { startTarget } from './target.js'
import type { BenchTarget } from './target.js'

/** Others than the owner may pass through to what PostgreSQL, as another user, owns below. */
const PASSABLE_MODE = 0o711
/** Of a gateway's log, when something failed. */
const LOG_LINES = 20

/** What a stage is opened with. */
export interface StageOptions {
  /** Fills the target with pgbench's tables when its path is given. */
  readonly pgbench?: string | undefined
  /** Directory that gets CPU profiles of the gateways. */
  readonly profileDirectory?: string | undefined
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly progress: Progress
  /** Aborted when whoever runs the benchmark has had enough. */
  readonly signal: AbortSignal
  readonly onGivenUp: (failure: Error) => void
}

/** What a benchmark needs from whoever runs it. */
export type BenchSurroundings = Omit<StageOptions, 'pgbench' | 'profileDirectory'>

/** The running parts. */
export interface BenchStage {
  readonly directory: string
  readonly target: BenchTarget
  readonly issuer: DemoIssuer
  readonly gateway: BenchGateway
  /** Starts one more, whose reads wait for the audit log; it ends with the stage. */
  startStrictGateway(): Promise<BenchGateway>
  /** Has something ended with the stage, before what was started earlier. */
  onClose(step: () => Promise<void>): void
}

/** Opens a stage, lets `play` use it, and ends everything that was started, whatever happens. */
export async function onStage<T>(
  options: StageOptions,
  play: (stage: BenchStage) => Promise<T>,
): Promise<T> {
  const { variables, progress, signal, onGivenUp } = options
  const steps: (() => Promise<void>)[] = []
  const gateways: BenchGateway[] = []
  const onClose = (step: () => Promise<void>) => {
    steps.push(step)
  }
  try {
    const directory = await mkdtemp(join(tmpdir(), 'warder-bench-'))
    onClose(() => rm(directory, { recursive: true, force: true }))
    chmodSync(directory, PASSABLE_MODE)
    const issuer = await DemoIssuer.start(AUDIENCE, 0)
    onClose(() => issuer.stop())
    signal.throwIfAborted()
    const target = await startTarget(directory, options.pgbench, progress, onGivenUp)
    onClose(() => target.cluster.stop())
    signal.throwIfAborted()
    const start = async (name: string, isStrict: boolean) => {
      const gateway = await startGateway({
        ...{ name, directory, target, isStrict, variables, progress, onGivenUp },
        issuerUrl: issuer.url,
        profileDirectory: options.profileDirectory,
      })
      onClose(() => gateway.stop())
      gateways.push(gateway)
      signal.throwIfAborted()
      return gateway
    }
    const gateway = await start('gateway', false)
    const startStrictGateway = () => start('strict-gateway', true)
    return await play({ directory, target, issuer, gateway, startStrictGateway, onClose })
  } catch (failure) {
    // They are about to be removed, and callers are told little.
    if (!signal.aborted) for (const { logFile } of gateways) progress(logEnd(logFile))
    throw failure
  } finally {
    for (const step of steps.reverse()) {
      // What is left has to be ended as well, whatever one of them does.
      await step().catch((failure: unknown) => progress(String(failure)))
    }
  }
}

function logEnd(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return [`The end of ${file}:`, ...lines.slice(-LOG_LINES)].join('\n')
}
