// One run of pgbench against one subject: what its transaction log says about a window of time, and
// the CPU time of what stands in between over the same window. Logins are not within it.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { secondsOf } from './cases.js'
import type { LoadCase, SubjectName } from './cases.js'
import { cpuUs, cpuWithChildrenUs } from './process-cpu.js'
import { readWindow } from './pgbench-output.js'
import { median } from './rows.js'

/** What the load runs against. */
export interface Subject {
  readonly name: SubjectName
  readonly port: number
  readonly userName: string
  readonly database: string
  /** PEM file to verify its certificate with; without one, TLS is off. */
  readonly authorityFile: string | undefined
  /** Made anew for each run: a token does not live for ever. */
  password(): Promise<string>
  /** Process whose CPU time is charged to the subject; none when nothing stands in between. */
  readonly pid?: () => number | undefined
  /** PostgreSQL that the subject keeps its record in. */
  readonly storePid?: () => number | undefined
}

/** What one run showed. */
export interface LoadResult {
  readonly tps: number
  readonly p50Ms: number
  readonly cpuUsPerTx?: number
  readonly storeCpuUsPerTx?: number
}

/** How a run is made. */
export interface LoadOptions {
  readonly pgbench: string
  readonly directory: string
  /** Of a run with many connections. */
  readonly seconds: number
  readonly signal: AbortSignal
}

interface Sample {
  readonly atMs: number
  readonly cpuUs: number | undefined
  readonly storeCpuUs: number | undefined
}

const HOST = '127.0.0.1'
/** Until the window begins; the next is tried when not all had done something after the one before. */
const WARM_UPS_MS = [900, 2_900, 9_900] as const
/** From the window's end to pgbench's, at least. */
const SPARE_MS = 100
const STDERR_LINES_MAX = 20

/**
 * Runs pgbench once.
 *
 * @throws Error with what pgbench said when it fails, or when its connections are not up in time.
 */
export async function runLoad(
  load: LoadCase,
  subject: Subject,
  options: LoadOptions,
): Promise<LoadResult> {
  for (const warmUpMs of WARM_UPS_MS) {
    const result = await runOnce(load, subject, options, warmUpMs)
    if (result !== undefined) return result
  }
  throw new Error(`${load.name} of ${subject.name}: its connections are not up in time`)
}

async function runOnce(
  load: LoadCase,
  subject: Subject,
  options: LoadOptions,
  warmUpMs: number,
): Promise<LoadResult | undefined> {
  const directory = mkdtempSync(join(options.directory, 'load-'))
  try {
    const [first, last] = await runPgbench(load, subject, options, directory, warmUpMs)
    if (first === undefined || last === undefined) return undefined
    const log = readdirSync(directory)
      .filter((name) => name.startsWith('log.'))
      .map((name) => readFileSync(join(directory, name), 'latin1'))
      .join('\n')
    const { earlyConnectionCount, latenciesMs } = readWindow(log, first.atMs, last.atMs)
    if (earlyConnectionCount < load.connectionCount || latenciesMs.length === 0) return undefined
    const txCount = latenciesMs.length
    return {
      tps: (txCount * 1_000) / (last.atMs - first.atMs),
      p50Ms: median(latenciesMs),
      ...perTx('cpuUsPerTx', first.cpuUs, last.cpuUs, txCount),
      ...perTx('storeCpuUsPerTx', first.storeCpuUs, last.storeCpuUs, txCount),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function perTx<N extends string>(
  name: N,
  before: number | undefined,
  after: number | undefined,
  txCount: number,
): { readonly [K in N]?: number } {
  if (before === undefined || after === undefined) return {}
  return { [name]: (after - before) / txCount } as { readonly [K in N]?: number }
}

/** Resolves with what was seen at the window's begin and end, less when pgbench ended before. */
async function runPgbench(
  load: LoadCase,
  subject: Subject,
  options: LoadOptions,
  directory: string,
  warmUpMs: number,
): Promise<readonly Sample[]> {
  const { signal, pgbench } = options
  const environment = await environmentOf(subject)
  const windowMs = secondsOf(load, options.seconds) * 1_000
  const args = pgbenchArguments(load, (warmUpMs + windowMs + SPARE_MS) / 1_000, directory)
  // Its own process group: a Ctrl-C reaches this process alone, which then ends everything in order.
  const child = spawn(pgbench, args, {
    ...{ env: environment, cwd: directory, signal, detached: true },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const samples: Sample[] = []
  const timers = [warmUpMs, warmUpMs + windowMs].map((atMs) =>
    setTimeout(() => samples.push(sampleOf(subject)), atMs),
  )
  const said: string[] = []
  createInterface(child.stderr).on('line', (line) => {
    if (said.length < STDERR_LINES_MAX) said.push(line)
  })
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    signal.throwIfAborted()
    if (code === 0) return samples
  } finally {
    for (const timer of timers) clearTimeout(timer)
  }
  throw new Error(`${load.name} of ${subject.name}: pgbench failed\n${said.join('\n')}`)
}

const environmentOf = async (subject: Subject): Promise<Record<string, string>> => ({
  PATH: '/usr/bin:/bin',
  PGHOST: HOST,
  PGPORT: String(subject.port),
  PGDATABASE: subject.database,
  PGUSER: subject.userName,
  PGPASSWORD: await subject.password(),
  PGGSSENCMODE: 'disable',
  ...(subject.authorityFile === undefined
    ? { PGSSLMODE: 'disable' }
    : { PGSSLMODE: 'verify-full', PGSSLROOTCERT: subject.authorityFile }),
})

function pgbenchArguments(load: LoadCase, seconds: number, directory: string): string[] {
  const { protocol, connectionCount, script } = load
  const file = join(directory, 'script.sql')
  if (script !== undefined) writeFileSync(file, script)
  return [
    ...['--no-vacuum', '--protocol', protocol, '--jobs', '1', '--client', String(connectionCount)],
    ...['--time', String(seconds), '--log', '--log-prefix=log'],
    ...(script === undefined ? ['--select-only'] : ['--file', file]),
  ]
}

function sampleOf({ pid, storePid }: Subject): Sample {
  const [own, store] = [pid?.(), storePid?.()]
  return {
    atMs: Date.now(),
    cpuUs: own === undefined ? undefined : cpuUs(own),
    storeCpuUs: store === undefined ? undefined : cpuWithChildrenUs(store),
  }
}
