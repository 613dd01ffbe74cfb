// What a benchmark plays on, started in order and ended in the reverse of it: target, identity
// provider, gateway and, for comparison, other relays. All on loopback, all below one new directory.

import { chmodSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Progress } from '../app/embedded/executable.js'
import { DemoIssuer } from '../scripts/demo/issuer.js'
import { AUDIENCE, startGateway } from './gateway.js'
import type { BenchGateway } from './gateway.js'
import { startTarget } from './target.js'
import type { BenchTarget } from './target.js'

/** Others than the owner may pass through to what PostgreSQL, as another user, owns below. */
const PASSABLE_MODE = 0o711

/** What a stage is opened with. */
export interface StageOptions {
  /** Fills the target with pgbench's tables when its path is given. */
  readonly pgbench?: string | undefined
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly progress: Progress
  /** Aborted when whoever runs the benchmark has had enough. */
  readonly signal: AbortSignal
  readonly onGivenUp: (failure: Error) => void
}

/** The running parts. */
export interface BenchStage {
  readonly directory: string
  readonly target: BenchTarget
  readonly issuer: DemoIssuer
  readonly gateway: BenchGateway
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
    const issuerUrl = issuer.url
    const gateway = await startGateway({
      ...{ directory, target, issuerUrl, variables, progress, onGivenUp },
    })
    onClose(() => gateway.stop())
    signal.throwIfAborted()
    return await play({ directory, target, issuer, gateway, onClose })
  } finally {
    for (const step of steps.reverse()) {
      // What is left has to be ended as well, whatever one of them does.
      await step().catch((failure: unknown) => progress(String(failure)))
    }
  }
}
