// psycopg, the PostgreSQL driver of Python, for the tests that drive it through the gateway. Put into
// the cache by pip, beside nothing of the system's.

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const REQUIREMENT = 'psycopg[binary]==3.3.9'
const PIP_MS_MAX = 180_000

const run = promisify(execFile)

/** Directory for PYTHONPATH in which psycopg is, or undefined when it can't be had. */
export async function psycopgDirectory(
  cacheDirectory: string,
  say: (line: string) => void,
): Promise<string | undefined> {
  const directory = join(cacheDirectory, REQUIREMENT.replace(/\W+/g, '-'))
  if (existsSync(directory)) return directory
  const aside = `${directory}.${process.pid}`
  say(`installing ${REQUIREMENT} by pip …`)
  try {
    mkdirSync(cacheDirectory, { recursive: true })
    const pip = ['-m', 'pip', 'install', '-q', '--no-input', '--target', aside, REQUIREMENT]
    await run('python3', pip, { timeout: PIP_MS_MAX })
    renameSync(aside, directory)
    return directory
  } catch {
    rmSync(aside, { recursive: true, force: true })
    return existsSync(directory) ? directory : undefined
  }
}
