// `npm run test:deploy`: makes stand-in base images, builds Warder's image, brings the shipped compose file
// up, plays the scenario through its balancer, and takes everything down again, whatever happens.

import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { withFileLock } from '../../app/embedded/file-lock.js'
import { Narrator } from '../demo/narrator.js'
import { Callers } from './callers.js'
import { run } from './command.js'
import { Deployment } from './deployment.js'
import { standInImages, type ImageNames } from './images.js'
import { openMachine, Unable, type Machine } from './machine.js'
import { Materials } from './materials.js'
import { timedBy, type Timed } from './progress.js'
import { SCENARIO } from './scenario.js'

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url))
/** One run at a time on a machine: its project has a fixed name. */
const LOCK_MS_MAX = 1_800_000

/** What there is to count at the end. */
interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** What the parts of a run share. */
interface Run {
  readonly narrator: Narrator
  readonly timed: Timed
  readonly signal: AbortSignal
  readonly counts: Counts
}

async function main(reportFile: string | undefined): Promise<number> {
  const narrator = new Narrator(process.stdout)
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const end = endOnSignals(narrator)
  const parts = { narrator, timed: timedBy(narrator), signal: end.signal, counts }
  const cache = process.env['WARDER_CACHE'] ?? join(homedir(), '.cache/warder')
  try {
    const waiting = () => narrator.note('Another run of this test is on this machine; waiting …')
    await withFileLock(join(cache, 'deploy-test.lock'), LOCK_MS_MAX, waiting, () =>
      onMachine(parts, cache),
    )
  } catch (error) {
    if (error instanceof Unable) unable(parts, error)
    else if (!end.signal.aborted) {
      counts.failed += 1
      narrator.check(messageOf(error), false)
    }
  }
  if (end.signal.aborted) counts.failed += 1
  if (reportFile !== undefined) writeFileSync(reportFile, JSON.stringify(counts))
  narrator.plain(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  if (end.signal.aborted) return 130
  return counts.failed === 0 ? 0 : 1
}

/** Elsewhere than in continuous integration a machine without Docker is no failure; it is said. */
function unable({ narrator, counts }: Run, { message }: Unable): void {
  narrator.note(`The deployment can’t be tested here: ${message}`)
  if (process.env['CI'] === 'true') {
    counts.failed += 1
    narrator.check('under CI=true nothing is skipped', false)
  } else counts.skipped += SCENARIO.length + 2
}

async function onMachine(parts: Run, cache: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'warder-deploy-'))
  let machine: Machine | undefined
  try {
    mkdirSync(join(directory, 'project'))
    machine = await openMachine(parts.timed, join(directory, 'dockerd.log'))
    const images = await imagesOf(parts, cache)
    parts.signal.throwIfAborted()
    await onDeployment(parts, machine, images, join(directory, 'project'))
  } finally {
    await machine?.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function imagesOf({ timed, narrator, signal }: Run, cache: string): Promise<ImageNames> {
  const images = await standInImages({
    materials: new Materials(cache, timed, signal),
    cacheDirectory: cache,
    definitions: join(REPOSITORY, 'test/deploy/images'),
    ...{ timed, signal },
  })
  const tag = 'warder-test/warder:latest'
  const node = images['NODE_IMAGE'] ?? ''
  await timed('Building Warder’s image', () =>
    run('docker', ['build', '--quiet', '--tag', tag, '--build-arg', `NODE_IMAGE=${node}`, '.'], {
      directory: REPOSITORY,
      signal,
    }),
  )
  const [whole, base] = await Promise.all([tag, node].map(megabytes))
  narrator.note(`  ${whole} MB, of which the base image is ${base} MB`)
  return { ...images, WARDER_IMAGE: tag }
}

async function megabytes(image: string): Promise<string> {
  const bytes = await run('docker', ['image', 'inspect', '--format', '{{.Size}}', image])
  return (Number(bytes) / 1_000_000).toFixed(0)
}

async function onDeployment(
  parts: Run,
  machine: Machine,
  images: ImageNames,
  directory: string,
): Promise<void> {
  const { timed, signal, counts, narrator } = parts
  const deployment = await Deployment.prepare({
    repository: REPOSITORY,
    ...{ directory, machine, images },
  })
  const callers = new Callers(deployment, signal)
  const failedBefore = counts.failed
  try {
    await timed('Taking down what an earlier run left', () => deployment.down())
    await step(parts, 'everything comes up healthy from the shipped compose file', () =>
      timed('Starting the deployment', () => deployment.up()),
    )
    for (const { title, play } of counts.failed === failedBefore ? SCENARIO : []) {
      signal.throwIfAborted()
      await step(parts, title, () => play(callers))
    }
    signal.throwIfAborted()
  } finally {
    await callers.close()
    if (counts.failed > failedBefore) await tellLogs(deployment, narrator)
    await step(parts, 'it goes down, and leaves nothing', async () => {
      await timed('Taking it down', () => deployment.down())
      const left = await deployment.remains()
      if (left.length > 0) throw new Error(`left: ${left.join(', ')}`)
    })
  }
}

async function step(
  { narrator, counts, signal }: Run,
  title: string,
  work: () => Promise<void>,
): Promise<void> {
  const startedMs = performance.now()
  try {
    await work()
    counts.passed += 1
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
    narrator.check(`${title} (${seconds} s)`, true)
  } catch (error) {
    if (signal.aborted) throw error
    counts.failed += 1
    narrator.check(`${title}: ${messageOf(error)}`, false)
  }
}

async function tellLogs(deployment: Deployment, narrator: Narrator): Promise<void> {
  narrator.note('What the containers said last:')
  narrator.output(await deployment.logs().catch(messageOf))
}

/** Aborts at the first signal that asks to stop; a second one ends the process, containers or not. */
function endOnSignals(narrator: Narrator): AbortController {
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (end.signal.aborted) process.exit(130)
      narrator.plain('\nTaking everything down …')
      end.abort()
    })
  }
  return end
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

const { values } = parseArgs({ options: { report: { type: 'string' } } })
process.exitCode = await main(values.report)
