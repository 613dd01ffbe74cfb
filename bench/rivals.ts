// PgBouncer and HAProxy in front of the target, as small as they can be configured: one process on
// loopback. Never listens elsewhere.

import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Progress } from '../app/embedded/executable.js'
import { accepts, choosePort } from '../app/embedded/loopback-port.js'
import { postgresRuntime } from '../app/embedded/postgres-runtime.js'
import { SupervisedChild } from '../app/embedded/supervised-child.js'
import type { ChildSpec, StopStep } from '../app/embedded/supervised-child.js'
import type { BenchCertificate } from './certificate.js'
import { DATABASE, LOGIN } from './target.js'
import type { BenchTarget } from './target.js'

const START_MS_MAX = 10_000
const STOP_STEPS: readonly StopStep[] = [
  { signal: 'SIGINT', waitMs: 1_000 },
  { signal: 'SIGTERM', waitMs: 1_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
]

/** A relay that runs. */
export interface Rival {
  readonly port: number
  readonly child: SupervisedChild
}

/** What a rival is started with. */
export interface RivalOptions {
  readonly command: string
  readonly directory: string
  readonly target: BenchTarget
  /** True for TLS on both legs, which HAProxy can't do: it passes PostgreSQL's TLS through. */
  readonly hasTls: boolean
  readonly progress: Progress
  readonly onGivenUp: (failure: Error) => void
}

/** PgBouncer with session pooling: each caller has a connection to the target for himself. */
export async function startPgbouncer(options: RivalOptions): Promise<Rival> {
  const { directory, target, command, hasTls } = options
  const port = await choosePort(join(directory, 'pgbouncer-port'))
  const { host, port: targetPort } = target.cluster
  const at = `host=${host} port=${targetPort} dbname=${DATABASE}`
  const file = configuration(directory, 'pgbouncer.ini', [
    '[databases]',
    `${DATABASE} = ${at} user=${LOGIN} password=${target.password}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'pool_mode = session',
    'default_pool_size = 50',
    'auth_type = any',
    ...(hasTls ? tlsLines(target.certificate) : []),
  ])
  // It refuses to run as root, as PostgreSQL does.
  const { runAs } = await postgresRuntime(directory, options.progress)
  if (runAs !== undefined) chownSync(file, runAs.uid, runAs.gid)
  return start(options, port, { title: 'PgBouncer', command, arguments: [file], user: runAs })
}

const tlsLines = ({ certificateFile, keyFile, authorityFile }: BenchCertificate) => [
  'client_tls_sslmode = require',
  `client_tls_cert_file = ${certificateFile}`,
  `client_tls_key_file = ${keyFile}`,
  'server_tls_sslmode = verify-full',
  `server_tls_ca_file = ${authorityFile}`,
]

/** HAProxy as a TCP relay on one thread. */
export async function startHaproxy(options: RivalOptions): Promise<Rival> {
  const { directory, target, command } = options
  const port = await choosePort(join(directory, 'haproxy-port'))
  const file = configuration(directory, 'haproxy.cfg', [
    'global',
    '  nbthread 1',
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 1h',
    '  timeout server 1h',
    'listen bench',
    `  bind 127.0.0.1:${port}`,
    `  server target ${target.cluster.host}:${target.cluster.port}`,
  ])
  return start(options, port, { title: 'HAProxy', command, arguments: ['-db', '-f', file] })
}

function configuration(directory: string, name: string, lines: readonly string[]): string {
  const file = join(directory, name)
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  return file
}

async function start(
  { directory, progress, onGivenUp }: RivalOptions,
  port: number,
  program: Pick<ChildSpec, 'title' | 'command' | 'arguments' | 'user'>,
): Promise<Rival> {
  progress(`Starting ${program.title} on 127.0.0.1:${port} …`)
  const name = program.title.toLowerCase()
  const spec: ChildSpec = {
    ...program,
    environment: { PATH: '/usr/bin:/bin' },
    logFile: join(directory, `${name}.log`),
    recordFile: join(directory, `${name}.json`),
    isReady: () => accepts(port),
    startMsMax: START_MS_MAX,
    stopSteps: STOP_STEPS,
  }
  return { port, child: await SupervisedChild.start(spec, progress, onGivenUp) }
}
