// The ways to the target that are measured: directly, through each relay that is on this machine,
// and through a gateway.

import type { BenchGateway } from './gateway.js'
import type { Subject } from './load.js'
import { ROLE } from './policy-text.js'
import { findProgram, PACKAGES } from './programs.js'
import { startHaproxy, startPgbouncer } from './rivals.js'
import type { BenchStage, BenchSurroundings } from './stage.js'
import { DATABASE, LOGIN, TLS_DATABASE } from './target.js'

/** The relays to compare with. */
export type RivalName = 'pgbouncer' | 'haproxy'

const STARTS = { pgbouncer: startPgbouncer, haproxy: startHaproxy } as const

/** Starts the relays that are here, and returns all ways in the order of their turns. */
export async function startSubjects(
  stage: BenchStage,
  surroundings: BenchSurroundings,
  { rivals, hasTls }: { readonly rivals: readonly RivalName[]; readonly hasTls: boolean },
): Promise<readonly Subject[]> {
  const { target } = stage
  const common = {
    ...{ userName: LOGIN, database: DATABASE },
    authorityFile: hasTls ? target.certificate.authorityFile : undefined,
    password: () => Promise.resolve(target.password),
  }
  const subjects: Subject[] = [{ ...common, name: 'direct', port: target.cluster.port }]
  for (const name of rivals) {
    const rival = await startRival(name, stage, surroundings, hasTls)
    if (rival === undefined) continue
    stage.onClose(() => rival.child.stop())
    subjects.push({ ...common, name, port: rival.port, pid: () => rival.child.pid })
  }
  return [...subjects, gatewaySubject(stage, stage.gateway, hasTls)]
}

/** The way through a gateway of this stage. */
export const gatewaySubject = (
  { issuer }: BenchStage,
  { address, child, store }: BenchGateway,
  hasTls: boolean,
): Subject => ({
  ...{ name: 'gateway', port: address.port, userName: ROLE },
  database: hasTls ? TLS_DATABASE : DATABASE,
  authorityFile: hasTls ? address.authorityFile : undefined,
  password: () => issuer.tokenFor('migrate-job'),
  pid: () => child.pid,
  storePid: () => store.pid,
})

async function startRival(
  name: RivalName,
  { directory, target }: BenchStage,
  { progress, variables, onGivenUp }: BenchSurroundings,
  hasTls: boolean,
) {
  const command = findProgram(name, variables['PATH'] ?? '')
  if (command !== undefined) {
    return STARTS[name]({ command, directory, target, hasTls, progress, onGivenUp })
  }
  progress(`${name} IS NOT HERE and is left out (Debian: apt-get install ${PACKAGES[name]})`)
  return undefined
}
