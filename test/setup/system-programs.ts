// The system's own programs that end-to-end tests run, installed through apt where that is allowed.
// Elsewhere it changes nothing and only says what is missing.

import { execFile } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** A program that is not here, and what is not tested without it. */
export interface MissingProgram {
  readonly program: string
  readonly skips: string
}

interface SystemProgram extends MissingProgram {
  /** Package of Debian and Ubuntu. */
  readonly debianPackage: string
}

const PROGRAMS: readonly SystemProgram[] = [
  { program: 'psql', debianPackage: 'postgresql-client', skips: 'everything done with psql' },
  { program: 'pgbench', debianPackage: 'postgresql-contrib', skips: 'load and the benchmarks' },
  { program: 'pgbouncer', debianPackage: 'pgbouncer', skips: 'the benchmark against PgBouncer' },
  { program: 'haproxy', debianPackage: 'haproxy', skips: 'the benchmark against HAProxy' },
  { program: 'redis-server', debianPackage: 'redis-server', skips: 'the bus through Redis' },
]

/** Where Debian keeps programs that are not on everybody's PATH. */
const MORE_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/sbin'] as const
const POSTGRES_VERSIONS = '/usr/lib/postgresql'
const APT_MS_MAX = 600_000
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024

const run = promisify(execFile)

/** Path of the system program, or undefined when it is not here. */
export function systemProgram(program: string): string | undefined {
  const versions = existsSync(POSTGRES_VERSIONS) ? readdirSync(POSTGRES_VERSIONS).sort() : []
  const directories = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...MORE_DIRECTORIES,
    ...versions.reverse().map((version) => join(POSTGRES_VERSIONS, version, 'bin')),
  ]
  return directories.map((directory) => join(directory, program)).find((path) => existsSync(path))
}

/** Installs what is missing if it may; returns what still is. */
export async function ensureSystemPrograms(
  say: (line: string) => void,
): Promise<readonly MissingProgram[]> {
  const missing = stillMissing()
  if (missing.length > 0 && mayInstall()) await install(missing, say)
  return stillMissing()
}

const stillMissing = (): SystemProgram[] =>
  PROGRAMS.filter(({ program }) => systemProgram(program) === undefined)

function mayInstall(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false
  try {
    return /^ID(?:_LIKE)?=.*(?:debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

async function install(
  missing: readonly SystemProgram[],
  say: (line: string) => void,
): Promise<void> {
  const packages = missing.map(({ debianPackage }) => debianPackage)
  say(`installing ${packages.join(', ')} by apt-get …`)
  const apt = (...args: readonly string[]) =>
    run('apt-get', ['-q', '-y', ...args], {
      timeout: APT_MS_MAX,
      maxBuffer: OUTPUT_BYTES_MAX,
      // A run level without services: the packages' own servers are not started.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    })
  try {
    await apt('update')
    await apt('install', '--no-install-recommends', ...packages)
  } catch (error) {
    say(`apt-get failed: ${error instanceof Error ? error.message : String(error)}`)
  }
}
