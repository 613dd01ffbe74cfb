// Downloads a maker's own archive and takes one file out of it. Trusts nothing of it: whoever calls
// compares the file's SHA-256 before anything else is done with it.

import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'

/** Behind many a firewall packets just vanish; five seconds is what a start may lose to that. */
const FIRST_BYTE_MS_MAX = 5_000
/** The archives are 50 MB; a slow line gets five minutes. */
const DOWNLOAD_MS_MAX = 300_000
const UNPACK_MS_MAX = 60_000
const ARCHIVE_BYTES_MAX = 256 * 1024 * 1024

const run = promisify(execFile)

/** Downloads the .tar.gz into `directory` and unpacks the one member; returns its path. */
export async function fetchArchive(
  url: string,
  member: string,
  directory: string,
): Promise<string> {
  await mkdir(directory, { recursive: true })
  const archive = join(directory, 'archive.tar.gz')
  const slow = new AbortController()
  const firstByte = setTimeout(() => {
    slow.abort(new Error(`no answer within ${FIRST_BYTE_MS_MAX / 1000} s`))
  }, FIRST_BYTE_MS_MAX)
  const signal = AbortSignal.any([slow.signal, AbortSignal.timeout(DOWNLOAD_MS_MAX)])
  try {
    const response = await fetch(url, { signal })
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`)
    const arrived = () => {
      clearTimeout(firstByte)
    }
    await pipeline(
      Readable.fromWeb(response.body),
      atMost(ARCHIVE_BYTES_MAX, arrived),
      createWriteStream(archive, { flags: 'wx', mode: 0o600 }),
      { signal },
    )
  } catch (error) {
    throw rootCause(signal.aborted ? signal.reason : error)
  } finally {
    clearTimeout(firstByte)
  }
  await run('tar', ['-xzf', archive, '-C', directory, member], { timeout: UNPACK_MS_MAX })
  return join(directory, member)
}

function atMost(bytesMax: number, onFirst: () => void): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onFirst()
      bytes += chunk.length
      if (bytes > bytesMax) done(new Error(`more than ${bytesMax} bytes`))
      else done(null, chunk)
    },
  })
}

/** `fetch failed` says nothing; what it wraps names the host and the reason. */
function rootCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.cause instanceof Error ? rootCause(error.cause) : error
}
