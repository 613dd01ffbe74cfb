// `npm run bench -- audit`: what each level of the audit log costs reads, writes and transactions.

import { auditReport, auditRows } from './audit-report.js'
import { CASES, chooseCases } from './cases.js'
import { measure, pgbenchPath, warmUp } from './measure.js'
import type { MeasuringOptions } from './measure.js'
import type { Row } from './rows.js'
import { onStage } from './stage.js'
import type { BenchSurroundings } from './stage.js'
import { gatewaySubject, startSubjects } from './subjects.js'

/**
 * Measures, prints with `say`, and returns the rows.
 *
 * @throws Error when pgbench is not here, or fails.
 */
export async function benchAudit(
  options: MeasuringOptions,
  surroundings: BenchSurroundings,
  say: (text: string) => void,
): Promise<readonly Row[]> {
  const { hasTls, profileDirectory } = options
  const cases = chooseCases(CASES.audit, options)
  const pgbench = pgbenchPath(surroundings.variables['PATH'] ?? '')
  return onStage({ ...surroundings, pgbench, profileDirectory }, async (stage) => {
    const subjects = await startSubjects(stage, surroundings, { rivals: ['pgbouncer'], hasTls })
    const others = subjects.filter(({ name }) => name !== 'gateway')
    const how = { ...options, ...surroundings, pgbench, directory: stage.directory }
    const gateway = gatewaySubject(stage, stage.gateway, hasTls)
    await warmUp(gateway, how)
    const strict = cases.some(({ isStrict }) => isStrict === true)
      ? gatewaySubject(stage, await stage.startStrictGateway(), hasTls)
      : gateway
    if (strict !== gateway) await warmUp(strict, how)
    const measured = await measure(
      cases,
      ({ isStrict }) => [...others, isStrict === true ? strict : gateway],
      how,
    )
    say(auditReport(measured, options))
    return auditRows(measured)
  })
}
