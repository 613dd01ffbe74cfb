// versitygw, a real S3 server on a directory, for the tests of recordings in buckets. Built by Go into
// the cache; Go's checksum database vouches for the source.

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const VERSION = 'v1.8.0'
const MODULE = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`
/** A cold build takes little more than a minute on two cores. */
const BUILD_MS_MAX = 600_000

const run = promisify(execFile)

/** Path of the server, or undefined when it can't be had. */
export async function s3Server(
  cacheDirectory: string,
  say: (line: string) => void,
): Promise<string | undefined> {
  const directory = join(cacheDirectory, `versitygw-${VERSION}`)
  const program = join(directory, 'versitygw')
  if (existsSync(program)) return program
  const aside = `${directory}.${process.pid}`
  say(`building ${MODULE} with go …`)
  try {
    mkdirSync(aside, { recursive: true })
    await run('go', ['install', MODULE], {
      timeout: BUILD_MS_MAX,
      env: { ...process.env, GOBIN: aside, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
    })
    renameSync(aside, directory)
    return program
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    if (existsSync(program)) return program
    say(`go failed: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`)
    return undefined
  }
}
