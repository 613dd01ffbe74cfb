// Finds the system's own programs that the benchmarks drive and compare with. Installs nothing.

import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/** Where Debian keeps programs that are not on everybody's PATH. */
const DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/sbin'] as const
const POSTGRES_VERSIONS = '/usr/lib/postgresql'

/** Programs of the benchmarks, with the Debian package that each is in. */
export const PACKAGES = {
  pgbench: 'postgresql-contrib',
  pgbouncer: 'pgbouncer',
  haproxy: 'haproxy',
} as const

/** A program of the benchmarks. */
export type ProgramName = keyof typeof PACKAGES

/** Path of the program, or undefined when it is not here. */
export function findProgram(name: ProgramName, searchPath: string): string | undefined {
  const versions = existsSync(POSTGRES_VERSIONS) ? readdirSync(POSTGRES_VERSIONS).sort() : []
  const directories = [
    ...searchPath.split(delimiter).filter(isAbsolute),
    ...DIRECTORIES,
    ...versions.reverse().map((version) => join(POSTGRES_VERSIONS, version, 'bin')),
  ]
  return directories.map((directory) => join(directory, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
