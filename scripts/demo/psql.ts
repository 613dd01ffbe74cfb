// Finds a psql that can be shown at work. Looks only; installs nothing.

import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'

/** Where the packages of the usual systems put it, apart from PATH. */
const DIRECTORIES = [
  '/usr/local/bin',
  '/opt/homebrew/opt/libpq/bin',
  '/usr/local/opt/libpq/bin',
] as const
const DEBIAN_VERSIONS = '/usr/lib/postgresql'
const VERSION_MS_MAX = 5_000

const run = promisify(execFile)

/** A psql that runs, with what it says of its version (`psql (PostgreSQL) 15.18`). */
export interface Psql {
  readonly path: string
  readonly version: string
}

/** The first psql that runs, or undefined when there is none here. */
export async function findPsql(searchPath: string): Promise<Psql | undefined> {
  const versions = existsSync(DEBIAN_VERSIONS) ? readdirSync(DEBIAN_VERSIONS) : []
  const directories = [
    ...searchPath.split(delimiter).filter(isAbsolute),
    ...DIRECTORIES,
    ...versions.map((version) => join(DEBIAN_VERSIONS, version, 'bin')),
  ]
  for (const directory of directories) {
    const path = join(directory, 'psql')
    try {
      accessSync(path, constants.X_OK)
      const { stdout } = await run(path, ['--version'], { timeout: VERSION_MS_MAX })
      return { path, version: stdout.trim() }
    } catch {
      // Not here, or a wrapper without a psql behind it.
    }
  }
  return undefined
}
