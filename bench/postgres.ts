// `npm run bench -- postgres`: what a statement costs that passes, directly and through each relay,
// in turn.

import { findProgram, PACKAGES } from './programs.js'
import { LIMIT_LINES, postgresRows, postgresTable, type Measured } from './postgres-report.js'
import { startHaproxy, startPgbouncer } from './rivals.js'
import type { Rival } from './rivals.js'
import { ROLE } from './gateway.js'
import { runLoad } from './load.js'
import type { LoadCase, Subject } from './load.js'
import type { BenchOptions } from './options.js'
import type { Row } from './rows.js'
import { onStage } from './stage.js'
import type { BenchStage, StageOptions } from './stage.js'
import { DATABASE, LOGIN, ROW_COUNT } from './target.js'

/** The cases, in the order they are run and printed. */
export const LOAD_CASES: readonly LoadCase[] = [
  { name: 'simple-1', protocol: 'simple', connectionCount: 1 },
  { name: 'simple-8', protocol: 'simple', connectionCount: 8 },
  { name: 'prepared-1', protocol: 'prepared', connectionCount: 1 },
  { name: 'prepared-8', protocol: 'prepared', connectionCount: 8 },
  {
    name: 'bulk',
    protocol: 'simple',
    connectionCount: 1,
    sql: 'SELECT * FROM pgbench_accounts',
  },
]

/** What a run needs from its surroundings. */
export type BenchSurroundings = Omit<StageOptions, 'pgbench'>

/**
 * Measures, prints with `say`, and returns the rows.
 *
 * @throws Error when pgbench is not here, or fails.
 */
export async function benchPostgres(
  options: Pick<BenchOptions, 'seconds' | 'roundCount'>,
  surroundings: BenchSurroundings,
  say: (text: string) => void,
): Promise<readonly Row[]> {
  const searchPath = surroundings.variables['PATH'] ?? ''
  const pgbench = findProgram('pgbench', searchPath)
  if (pgbench === undefined) {
    throw new Error(`pgbench is not here; on Debian: apt-get install ${PACKAGES.pgbench}`)
  }
  return onStage({ ...surroundings, pgbench }, async (stage) => {
    const subjects = await subjectsOf(stage, surroundings)
    const measured = await measure(options, stage, subjects, pgbench, surroundings)
    say(postgresTable(measured, { ...options, rowCount: ROW_COUNT }))
    say(LIMIT_LINES)
    return postgresRows(measured)
  })
}

async function measure(
  { seconds, roundCount }: Pick<BenchOptions, 'seconds' | 'roundCount'>,
  { directory }: BenchStage,
  subjects: readonly Subject[],
  pgbench: string,
  { signal, progress }: BenchSurroundings,
): Promise<readonly Measured[]> {
  const load = { pgbench, directory, database: DATABASE, seconds, signal }
  const measured: Measured[] = []
  for (const one of LOAD_CASES) {
    for (let round = 1; round <= roundCount; round += 1) {
      for (const subject of subjects) {
        const result = await runLoad(one, subject, load)
        measured.push({ case: one.name, subject: subject.name, round, ...result })
        const tps = result.tps.toFixed(result.tps < 100 ? 1 : 0)
        progress(`${one.name}, round ${round} of ${roundCount}, ${subject.name}: ${tps} tps`)
      }
    }
  }
  return measured
}

async function subjectsOf(
  stage: BenchStage,
  { progress, variables, onGivenUp }: BenchSurroundings,
): Promise<readonly Subject[]> {
  const { target, gateway, issuer, directory } = stage
  const password = () => Promise.resolve(target.password)
  const direct = { name: 'direct', port: target.cluster.port, userName: LOGIN, password }
  const subjects: Subject[] = [direct]
  const starts = { pgbouncer: startPgbouncer, haproxy: startHaproxy } as const
  for (const name of ['pgbouncer', 'haproxy'] as const) {
    const command = findProgram(name, variables['PATH'] ?? '')
    if (command === undefined) {
      progress(`${name} IS NOT HERE and is left out (Debian: apt-get install ${PACKAGES[name]})`)
      continue
    }
    const rival = await starts[name]({ command, directory, target, progress, onGivenUp })
    stage.onClose(() => rival.child.stop())
    subjects.push(relaySubject(name, rival, password))
  }
  return [
    ...subjects,
    {
      name: 'gateway',
      port: gateway.address.port,
      userName: ROLE,
      password: () => issuer.tokenFor('migrate-job'),
      pid: () => gateway.child.pid,
      storePid: () => gateway.store.pid,
    },
  ]
}

const relaySubject = (
  name: string,
  { port, child }: Rival,
  password: () => Promise<string>,
): Subject => ({ name, port, userName: LOGIN, password, pid: () => child.pid })
