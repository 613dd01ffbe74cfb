// One real S3 server for a test file: own data, free port, own credentials, gone at the end.

import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Path of the server, as the set-up found it; undefined when these tests are skipped. */
export const S3_PROGRAM = process.env['WARDER_TEST_S3']

const START_MS_MAX = 20_000
/** Of every server of this process. */
const CREDENTIALS = { id: 'warder-test', secret: randomBytes(16).toString('hex') }

/** A running server with one empty bucket. */
export interface S3World {
  readonly endpoint: string
  readonly bucket: string
  /** Where the server keeps the bucket's objects, as files of the same names. */
  readonly directory: string
  /** SIGKILL. */
  kill(): void
  stop(): void
}

/** Starts it and puts its credentials where AWS's clients look for them. */
export async function startS3(): Promise<S3World> {
  if (S3_PROGRAM === undefined) throw new Error('there is no S3 server')
  const root = mkdtempSync(join(tmpdir(), 'warder-test-s3-'))
  const bucket = 'recordings'
  const directory = join(root, bucket)
  mkdirSync(directory)
  const port = await freePort()
  useOwnCredentials()
  const listen = ['--port', `127.0.0.1:${String(port)}`, '--quiet']
  const server = spawn(S3_PROGRAM, [...listen, 'posix', root], {
    stdio: 'ignore',
    env: { ROOT_ACCESS_KEY_ID: CREDENTIALS.id, ROOT_SECRET_ACCESS_KEY: CREDENTIALS.secret },
  })
  const kill = () => {
    server.kill('SIGKILL')
  }
  process.once('exit', kill)
  const endpoint = `http://127.0.0.1:${String(port)}`
  await answering(endpoint, server)
  return {
    ...{ endpoint, bucket, directory, kill },
    stop: () => {
      kill()
      process.off('exit', kill)
      rmSync(root, { recursive: true })
    },
  }
}

/** The servers' credentials, and nothing of whoever runs the tests. */
export function useOwnCredentials(): void {
  process.env['AWS_ACCESS_KEY_ID'] = CREDENTIALS.id
  process.env['AWS_SECRET_ACCESS_KEY'] = CREDENTIALS.secret
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) {
    process.env[name] = '/dev/null'
  }
}

async function answering(endpoint: string, server: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_MS_MAX
  while (performance.now() < deadline && server.exitCode === null) {
    // Without a signature it refuses, which is an answer.
    const isThere = await fetch(endpoint).then(
      () => true,
      () => false,
    )
    if (isThere) return
    await sleep(50)
  }
  throw new Error('the S3 server did not start')
}

/** A port that nothing listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  })
}
