// The demo: sets its stage, plays its scenario as a narrated transcript, and stays up until Ctrl-C.
// With `--once` it ends after the scenario, with 0 only if every step did what it says.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { accepts } from '../../app/embedded/loopback-port.js'
import { readEnvironment } from '../../app/environment.js'
import { startWarder } from '../../app/up.js'
import type { RunningWarder } from '../../app/up.js'
import type { CommandLine } from './child-run.js'
import { farewell } from './farewell.js'
import { Narrator } from './narrator.js'
import { findPsql } from './psql.js'
import { SCENARIO } from './scenario.js'
import type { Story } from './story.js'
import { Scene } from './scene.js'
import type { Address } from './scene.js'
import { DemoStage } from './stage.js'
import { readmeBlock, withBlock } from './transcript.js'

const README = fileURLToPath(new URL('../../../README.md', import.meta.url))
const DRIVER = fileURLToPath(new URL('driver.js', import.meta.url))
/**
 * The demo starts everything itself: an address of the real thing in the environment (DATABASE_URL,
 * TEMPORAL_ADDRESS) is not for it.
 */
const TAKEN_OVER = ['PATH', 'HOME', 'WARDER_DATA', 'WARDER_CACHE', 'WARDER_LOG_LEVEL'] as const
/** What its children get of the environment; nothing that leads psql elsewhere. */
const FOR_CHILDREN = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR'] as const

/** Below those that systems give to outgoing connections, so that none of ours has one by chance. */
const POSTGRES_PORTS = [15432, 15433, 15434, 15435] as const
const API_PORTS = [18443, 18444, 18445, 18446] as const

type Variables = Readonly<Record<string, string | undefined>>

const pick = (names: readonly string[]): Variables =>
  Object.fromEntries(names.map((name) => [name, process.env[name]]))

/** What is up, in the order of its start. */
interface Parts {
  stage?: DemoStage
  warder?: RunningWarder
  scene?: Scene
}

async function main(options: { once: boolean; updateReadme: boolean }): Promise<number> {
  const narrator = new Narrator(process.stdout)
  const { dataDirectory, searchPath } = readEnvironment(pick(TAKEN_OVER)).environment
  const end = endOnSignals(narrator)
  const parts: Parts = {}
  try {
    const startedMs = performance.now()
    const fail = (failure: Error) => {
      narrator.check(failure.message, false)
      end.abort()
    }
    parts.stage = await DemoStage.open(dataDirectory, (line) => narrator.note(line), fail)
    end.signal.throwIfAborted()
    const { warder, address } = await startOn(parts.stage, narrator, fail)
    parts.warder = warder
    const psql = await findPsql(searchPath)
    narrator.note(`All of it is up after ${((performance.now() - startedMs) / 1000).toFixed(1)} s.`)
    narrator.note(psql?.version ?? 'There is no psql here: a driver on the same wire stands in.')
    const command: CommandLine = psql === undefined ? [process.execPath, DRIVER] : [psql.path]
    parts.scene = new Scene({
      ...{ narrator, address, psql: command, stage: parts.stage },
      variables: pick(FOR_CHILDREN),
      signal: end.signal,
    })
    await play(parts.scene, end.signal)
    if (narrator.failures.length > 0) return 1
    if (options.updateReadme) updateReadme(narrator)
    if (options.once) return 0
    for (const line of farewell(address, process.env['WARDER_DATA'])) narrator.plain(line)
    await aborted(end.signal)
    return narrator.failures.length === 0 ? 0 : 1
  } catch (error) {
    if (!end.signal.aborted) narrator.check(messageOf(error), false)
    return narrator.failures.length === 0 ? 130 : 1
  } finally {
    await parts.scene?.close()
    await parts.warder?.stop()
    await parts.stage?.close()
  }
}

/** Starts Warder on the stage, on ports that are the same from start to start unless they are taken. */
async function startOn(
  stage: DemoStage,
  narrator: Narrator,
  onFatal: (failure: Error) => void,
): Promise<{ warder: RunningWarder; address: Address }> {
  const [postgres, api] = [await freePort(POSTGRES_PORTS), await freePort(API_PORTS)]
  const variables = {
    ...pick(TAKEN_OVER),
    WARDER_DATA: stage.directory,
    WARDER_POLICY: stage.policyFile,
    WARDER_LISTEN_POSTGRES: `127.0.0.1:${postgres}`,
    WARDER_LISTEN_API: `127.0.0.1:${api}`,
    WARDER_PUBLIC_POSTGRES: `localhost:${postgres}`,
    WARDER_PUBLIC_API: `https://localhost:${api}`,
  }
  const warder = await startWarder({
    ...{ variables, onFatal, output: process.stderr },
    environment: readEnvironment(variables).environment,
    progress: (line) => narrator.note(line),
    report: (what, failure) => narrator.note(`! ${what}: ${messageOf(failure)}`),
  })
  const { authorityFile = '', ...reached } = warder.address
  return { warder, address: { ...reached, authorityFile } }
}

async function freePort(candidates: readonly number[]): Promise<number> {
  for (const port of candidates) if (!(await accepts(port))) return port
  throw new Error(`none of the ports ${candidates.join(', ')} is free on 127.0.0.1`)
}

/** Plays every step; one that fails says why, and the next is tried. */
async function play(scene: Scene, signal: AbortSignal): Promise<void> {
  const story: Story = {}
  for (const step of SCENARIO) {
    scene.narrator.step(step.title)
    try {
      await step.play(scene, story)
    } catch (error) {
      signal.throwIfAborted()
      scene.narrator.check(messageOf(error), false)
    }
  }
}

function updateReadme(narrator: Narrator): void {
  writeFileSync(README, withBlock(readFileSync(README, 'utf8'), readmeBlock(narrator.transcript)))
  narrator.plain(`\nREADME.md now shows this transcript.`)
}

/** Aborts at the first signal that asks the demo to stop; the second ends it at once. */
function endOnSignals(narrator: Narrator): AbortController {
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (end.signal.aborted) process.exit(130)
      narrator.plain('\nStopping everything …')
      end.abort()
    })
  }
  return end
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => {
      resolve()
    })
  })

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

const { values } = parseArgs({
  options: { once: { type: 'boolean' }, 'update-readme': { type: 'boolean' } },
})
process.exitCode = await main({
  once: values.once ?? false,
  updateReadme: values['update-readme'] ?? false,
})
