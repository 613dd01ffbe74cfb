// One real redis-server for a test file: loopback, nothing on disk that outlives it, and every way to
// lose it.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { until } from './e2e/until.js'
import { systemProgram } from './setup/system-programs.js'

const START_MS_MAX = 15_000

/** A running server. */
export interface RedisServer {
  readonly port: number
  /** `redis://` URL of a user that may use Warder's channels and nothing else. */
  readonly url: string
  /** Sends a command as administrator. */
  command(...words: readonly string[]): Promise<unknown>
  /** SIGKILL; what it held in memory is gone. */
  kill(): Promise<void>
  /** Starts a killed server again on the same port. */
  restart(): Promise<void>
  /** SIGSTOP and SIGCONT: connected, and silent. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** True when there is no redis-server on this machine. */
export const isRedisMissing = (): boolean => systemProgram('redis-server') === undefined

/** Starts a server of its own. `more` are lines of its configuration. */
export async function startRedis(more: readonly string[] = []): Promise<RedisServer> {
  const program = systemProgram('redis-server')
  if (program === undefined) throw new Error('redis-server is missing')
  const directory = await mkdtemp(join(tmpdir(), 'warder-test-redis-'))
  const port = await freePort()
  const settings = [
    ...['--bind', '127.0.0.1', '--port', `${port}`, '--dir', directory],
    ...['--save', '', '--appendonly', 'no', '--daemonize', 'no', ...more],
    ...['--user', 'warder', 'on', '>secret-of-the-bus', 'resetchannels', '&warder:*', '-@all'],
    ...['+publish', '+subscribe', '+unsubscribe', '+ping', '+hello', '+auth', '+client'],
  ]
  const command = async (...words: readonly string[]): Promise<unknown> => {
    const client = createClient({
      url: `redis://127.0.0.1:${port}`,
      socket: { reconnectStrategy: false, connectTimeout: 1_000 },
    })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return await client.sendCommand([...words])
    } finally {
      client.destroy()
    }
  }
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(program, settings, { stdio: 'ignore' })
    await until(
      'redis-server answers',
      START_MS_MAX,
      async () => (await command('PING')) === 'PONG',
    )
    return child
  }
  let server = await start()
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const gone = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGKILL')
    await gone
  }
  return {
    port,
    url: `redis://warder:secret-of-the-bus@127.0.0.1:${port}`,
    command,
    kill,
    restart: async () => {
      server = await start()
    },
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    stop: async () => {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
