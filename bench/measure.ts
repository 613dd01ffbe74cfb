// Takes turns between the subjects, case by case and round by round, so that what disturbs the
// machine disturbs all of them.

import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import { hasTurn, MASKED_COLUMN, MASKED_TABLE, MASKED_TEXT } from './cases.js'
import type { LoadCase } from './cases.js'
import { runLoad } from './load.js'
import type { LoadOptions, Subject } from './load.js'
import type { BenchOptions } from './options.js'
import { findProgram, PACKAGES } from './programs.js'
import type { Measured } from './report.js'

/** How turns are taken. */
export interface MeasureOptions extends LoadOptions {
  readonly roundCount: number
  readonly progress: (line: string) => void
}

/** What of the command line the measuring depends on. */
export type MeasuringOptions = Pick<
  BenchOptions,
  'seconds' | 'roundCount' | 'cases' | 'profileDirectory' | 'hasTls'
>

/**
 * Runs every case.
 *
 * @param subjectsOf - Who takes turns in a case, in their order.
 */
export async function measure(
  cases: readonly LoadCase[],
  subjectsOf: (load: LoadCase) => readonly Subject[],
  options: MeasureOptions,
): Promise<readonly Measured[]> {
  const { roundCount, progress } = options
  const measured: Measured[] = []
  for (const load of cases) {
    for (let round = 1; round <= roundCount; round += 1) {
      for (const subject of subjectsOf(load)) {
        if (!hasTurn(load, subject.name, round)) continue
        const result = await runLoad(load, subject, options)
        measured.push({ case: load.name, subject: subject.name, round, ...result })
        const tps = result.tps.toFixed(result.tps < 100 ? 1 : 0)
        progress(`${load.name}, round ${round} of ${roundCount}, ${subject.name}: ${tps} tps`)
      }
    }
  }
  return measured
}

/** Runs once, uncounted: the first caller has to get a grant, and code is compiled. */
export async function warmUp(subject: Subject, options: LoadOptions): Promise<void> {
  await ask(subject, 'SELECT 1')
  const load = { name: 'warm-up', protocol: 'simple', connectionCount: 8, compared: [] } as const
  await runLoad(load, subject, { ...options, seconds: 1 })
}

/**
 * Makes sure that what is called masked is.
 *
 * @throws Error when the subject shows the masked column in the clear.
 */
export async function refuseUnmasked(subject: Subject): Promise<void> {
  const [row] = await ask(subject, `SELECT ${MASKED_COLUMN} AS text FROM ${MASKED_TABLE} LIMIT 1`)
  if (row !== undefined && !String(row['text']).includes(MASKED_TEXT)) return
  const column = `${MASKED_TABLE}.${MASKED_COLUMN}`
  throw new Error(`${subject.name} shows ${column} in the clear: leave it out with --cases`)
}

async function ask(subject: Subject, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({
    ...{ host: '127.0.0.1', port: subject.port, database: subject.database },
    ...{ user: subject.userName, password: await subject.password() },
    ssl: subject.authorityFile !== undefined && { ca: readFileSync(subject.authorityFile) },
  })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

/**
 * Path of pgbench.
 *
 * @throws Error when it is not here.
 */
export function pgbenchPath(searchPath: string): string {
  const path = findProgram('pgbench', searchPath)
  if (path !== undefined) return path
  throw new Error(`pgbench is not here; on Debian: apt-get install ${PACKAGES.pgbench}`)
}
