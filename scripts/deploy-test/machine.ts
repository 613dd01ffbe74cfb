// What the machine has to have: Docker with Compose, and the programs that stand-in images are made with.
// Installs Debian's packages where that is allowed, and starts dockerd where none runs.

import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, openSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { run, works } from './command.js'
import type { Timed } from './progress.js'

/** Program → Debian's package. */
const PACKAGES: Readonly<Record<string, string>> = {
  docker: 'docker.io',
  dockerd: 'docker.io',
  'docker-compose': 'docker-compose',
  debootstrap: 'debootstrap',
  psql: 'postgresql-client',
  openssl: 'openssl',
}
const DAEMON_START_MS_MAX = 30_000
const POLL_MS = 200

/** A machine on which containers can be run. */
export interface Machine {
  /** `docker compose`, or version 1. */
  readonly compose: readonly [file: string, ...args: string[]]
  /** Stops dockerd if it was started here. */
  close(): Promise<void>
}

/** This machine can't run the test, and why. */
export class Unable extends Error {}

/**
 * Makes this machine ready.
 *
 * @throws Unable when something is missing that can't be installed here.
 */
export async function openMachine(timed: Timed, daemonLog: string): Promise<Machine> {
  await installMissing(timed)
  if (!(await works('go', ['version']))) {
    throw new Unable('Go is missing; Temporal’s server is built from its source')
  }
  const daemon = (await works('docker', ['info'])) ? undefined : await startDaemon(timed, daemonLog)
  const compose = (await works('docker', ['compose', 'version']))
    ? (['docker', 'compose'] as const)
    : (['docker-compose'] as const)
  return {
    compose: [...compose],
    close: async () => {
      if (daemon !== undefined) await stop(daemon)
    },
  }
}

async function installMissing(timed: Timed): Promise<void> {
  const wanted = new Set<string>()
  for (const [program, name] of Object.entries(PACKAGES)) {
    if (program === 'docker-compose' && (await works('docker', ['compose', 'version']))) continue
    // A daemon that runs elsewhere is as good.
    if (program === 'dockerd' && (await works('docker', ['info']))) continue
    if (!(await works('sh', ['-c', `command -v ${program}`]))) wanted.add(name)
  }
  const isRoot = process.getuid?.() === 0
  if (!isRoot)
    throw new Unable('it has to be root: it makes base images and ends processes in containers')
  if (wanted.size === 0) return
  const packages = [...wanted]
  if (!existsSync('/usr/bin/apt-get'))
    throw new Unable(`${packages.join(', ')} missing, no apt-get`)
  const apt = (...args: readonly string[]) =>
    // A run level without services: the packages' own servers are not started.
    run('apt-get', ['-q', '-y', ...args], {
      variables: { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    })
  try {
    await timed(`Installing ${packages.join(', ')} by apt-get`, async () => {
      await apt('update')
      await apt('install', '--no-install-recommends', ...packages)
    })
  } catch (error) {
    throw new Unable(error instanceof Error ? error.message : String(error))
  }
}

async function startDaemon(timed: Timed, daemonLog: string): Promise<ChildProcess> {
  const log = openSync(daemonLog, 'a')
  // A group of its own: Ctrl-C at the terminal must not end it before the containers are taken down.
  const daemon = spawn('dockerd', [], { stdio: ['ignore', log, log], detached: true })
  const failed = new Promise<never>((_resolve, reject) => {
    daemon.once('error', reject)
    daemon.once('exit', (code) => reject(new Error(`dockerd ended with ${String(code)}`)))
  })
  failed.catch(() => undefined)
  try {
    await timed('Starting dockerd', () => Promise.race([failed, answering()]))
    return daemon
  } catch (error) {
    await stop(daemon)
    const why = error instanceof Error ? error.message : String(error)
    throw new Unable(`dockerd does not start here (${why}); its log is ${daemonLog}`)
  }
}

async function answering(): Promise<void> {
  const deadline = performance.now() + DAEMON_START_MS_MAX
  while (!(await works('docker', ['info']))) {
    if (performance.now() > deadline) throw new Error('it does not answer')
    await pause(POLL_MS)
  }
}

async function stop(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null || daemon.pid === undefined) return
  const ended = new Promise((resolve) => daemon.once('exit', resolve))
  daemon.kill('SIGTERM')
  await ended
}
