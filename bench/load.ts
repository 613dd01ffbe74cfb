// One run of pgbench against one subject: speed as pgbench reports it, CPU time of what stands in
// between, over the same window. The first second, with its logins, is not counted.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cpuUs, cpuWithChildrenUs } from './process-cpu.js'
import { readLatencies, readProgress } from './pgbench-output.js'
import { median } from './rows.js'

/** What pgbench sends. */
export interface LoadCase {
  readonly name: string
  readonly protocol: 'simple' | 'prepared'
  readonly connectionCount: number
  /** SQL of one transaction; pgbench's own `-S` when absent. */
  readonly sql?: string
}

/** What the load runs against. */
export interface Subject {
  readonly name: string
  readonly port: number
  readonly userName: string
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
  readonly database: string
  readonly seconds: number
  readonly signal: AbortSignal
}

interface Sample {
  readonly atMs: number
  readonly tps: number
  readonly cpuUs: number | undefined
  readonly storeCpuUs: number | undefined
}

const HOST = '127.0.0.1'
const WARM_UP_SECONDS = 1
/** The last second is cut short by the end of the run. */
const SPARE_SECONDS = 1
/** Share of transactions whose latency is logged when they come by the ten thousand. */
const SAMPLING_RATE = 0.1
const STDERR_LINES_MAX = 20

/**
 * Runs pgbench once.
 *
 * @throws Error with what pgbench said when it fails, or when too little came out of it.
 */
export async function runLoad(
  load: LoadCase,
  subject: Subject,
  options: LoadOptions,
): Promise<LoadResult> {
  const directory = mkdtempSync(join(options.directory, 'load-'))
  try {
    const samples = await runPgbench(load, subject, options, directory)
    const window = samples.slice(0, options.seconds + 1)
    const [first, last] = [window[0], window.at(-1)]
    if (first === undefined || last === undefined || window.length <= options.seconds) {
      throw new Error(`pgbench reported too seldom to measure ${load.name} of ${subject.name}`)
    }
    const log = readdirSync(directory).filter((name) => name.startsWith('log.'))
    const latencies = log.flatMap((name) =>
      readLatencies(readFileSync(join(directory, name), 'latin1'), first.atMs, last.atMs),
    )
    const counted = window.slice(1)
    const tps = counted.reduce((sum, sample) => sum + sample.tps, 0) / counted.length
    const txCount = (tps * (last.atMs - first.atMs)) / 1_000
    return {
      tps,
      p50Ms: median(latencies),
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

async function runPgbench(
  load: LoadCase,
  subject: Subject,
  options: LoadOptions,
  directory: string,
): Promise<readonly Sample[]> {
  const { signal, pgbench } = options
  const environment = {
    PATH: '/usr/bin:/bin',
    PGHOST: HOST,
    PGPORT: String(subject.port),
    PGDATABASE: options.database,
    PGUSER: subject.userName,
    PGPASSWORD: await subject.password(),
    PGSSLMODE: 'disable',
    PGGSSENCMODE: 'disable',
  }
  const args = pgbenchArguments(load, options, directory)
  // Its own process group: a Ctrl-C reaches this process alone, which then ends everything in order.
  const child = spawn(pgbench, args, {
    ...{ env: environment, cwd: directory, signal, detached: true },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const samples: Sample[] = []
  const said: string[] = []
  const lines = createInterface(child.stderr)
  lines.on('line', (line) => {
    const progress = readProgress(line)
    if (progress !== undefined) samples.push(sampleOf(progress.tps, subject))
    else if (said.length < STDERR_LINES_MAX) said.push(line)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  signal.throwIfAborted()
  if (code === 0) return samples
  throw new Error(`${load.name} of ${subject.name}: pgbench failed\n${said.join('\n')}`)
}

function pgbenchArguments(load: LoadCase, options: LoadOptions, directory: string): string[] {
  const { protocol, connectionCount, sql } = load
  const seconds = WARM_UP_SECONDS + options.seconds + SPARE_SECONDS
  const script = join(directory, 'script.sql')
  if (sql !== undefined) writeFileSync(script, `${sql};\n`)
  return [
    ...['--no-vacuum', '--protocol', protocol, '--jobs', '1', '--client', String(connectionCount)],
    ...['--time', String(seconds), '--progress', '1', '--log', '--log-prefix=log'],
    ...(sql === undefined
      ? ['--select-only', '--sampling-rate', String(SAMPLING_RATE)]
      : ['--file', script]),
  ]
}

function sampleOf(tps: number, { pid, storePid }: Subject): Sample {
  const [own, store] = [pid?.(), storePid?.()]
  return {
    atMs: Date.now(),
    tps,
    cpuUs: own === undefined ? undefined : cpuUs(own),
    storeCpuUs: store === undefined ? undefined : cpuWithChildrenUs(store),
  }
}
