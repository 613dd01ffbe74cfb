// `npm run bench -- postgres`: what a statement costs that passes, directly and through each relay,
// in turn.

import { CASES, chooseCases } from './cases.js'
import { measure, pgbenchPath, refuseUnmasked, warmUp } from './measure.js'
import type { MeasuringOptions } from './measure.js'
import { postgresReport, postgresRows } from './postgres-report.js'
import type { Row } from './rows.js'
import { onStage } from './stage.js'
import type { BenchSurroundings } from './stage.js'
import { gatewaySubject, startSubjects } from './subjects.js'

/**
 * Measures, prints with `say`, and returns the rows.
 *
 * @throws Error when pgbench is not here, or fails.
 */
export async function benchPostgres(
  options: MeasuringOptions,
  surroundings: BenchSurroundings,
  say: (text: string) => void,
): Promise<readonly Row[]> {
  const { hasTls, profileDirectory } = options
  const cases = chooseCases(CASES.postgres, options)
  const pgbench = pgbenchPath(surroundings.variables['PATH'] ?? '')
  return onStage({ ...surroundings, pgbench, profileDirectory }, async (stage) => {
    const rivals = hasTls ? (['pgbouncer'] as const) : (['pgbouncer', 'haproxy'] as const)
    const subjects = await startSubjects(stage, surroundings, { rivals, hasTls })
    const how = { ...options, ...surroundings, pgbench, directory: stage.directory }
    const gateway = gatewaySubject(stage, stage.gateway, hasTls)
    if (cases.some(({ isMasked }) => isMasked === true)) await refuseUnmasked(gateway)
    await warmUp(gateway, how)
    const measured = await measure(cases, () => subjects, how)
    say(postgresReport(measured, options))
    return postgresRows(measured, options)
  })
}
