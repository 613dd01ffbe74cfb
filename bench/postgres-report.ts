// What `npm run bench -- postgres` prints: its table, what the figures mean, and the bars. Pure.

import { BARS, barsTable } from './bars.js'
import { MEDIANS, cpuTo, latencyOver, rowsOf, tableOf, tpsTo, wallTo } from './report.js'
import type { Figure, Measured } from './report.js'
import type { Row } from './rows.js'

/** How the figures came about. */
export interface ReportFacts {
  readonly seconds: number
  readonly roundCount: number
  readonly hasTls: boolean
}

/** HAProxy can't end PostgreSQL's TLS; with it, PgBouncer is who to compare with. */
const figuresOf = ({ hasTls }: Pick<ReportFacts, 'hasTls'>): readonly Figure[] => {
  const peer = hasTls ? 'pgbouncer' : 'haproxy'
  return [...MEDIANS, tpsTo('pgbouncer'), cpuTo(peer), latencyOver(peer), wallTo('direct')]
}

/** The figures as rows. */
export const postgresRows = (
  measured: readonly Measured[],
  facts: Pick<ReportFacts, 'hasTls'>,
): readonly Row[] => rowsOf(measured, figuresOf(facts))

/** Everything for people. */
export function postgresReport(measured: readonly Measured[], facts: ReportFacts): string {
  const parts = [aboutOf(facts), tableOf(measured, figuresOf(facts))]
  if (facts.hasTls) return parts.join('\n')
  return [...parts, '', barsTable(BARS, postgresRows(measured, facts))].join('\n')
}

const aboutOf = ({ seconds, roundCount, hasTls }: ReportFacts): string =>
  [
    `Medians; rounds in turn: ${roundCount}, of ${seconds} s each (a third with one connection); who is`,
    'compared with nobody in a case has one turn. A transaction of bulk is one SELECT of 100,000 rows.',
    'The gateway has rules, masks, detectors, recording and audit on; no mask touches a row but those',
    'of bulk-masked, which the others read in the clear. ' +
      (hasTls
        ? 'TLS on both legs; HAProxy is not here, because\nit can only pass PostgreSQL’s TLS through. No bar is for TLS.'
        : 'No TLS.'),
  ].join('\n')
