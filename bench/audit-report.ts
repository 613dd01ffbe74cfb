// What `npm run bench -- audit` prints: what each level of the audit log costs, and what a command
// waited for. Pure.

import { MEDIANS, latencyOver, rowsOf, tableOf, tpsTo } from './report.js'
import type { Figure, Measured } from './report.js'
import type { Row } from './rows.js'

const FIGURES: readonly Figure[] = [
  ...MEDIANS,
  tpsTo('direct'),
  tpsTo('pgbouncer'),
  latencyOver('direct'),
]

/** What the gateway has on disk, in its store, before it lets go on what would be permanent. */
const GATEWAY_WAITS: Readonly<Record<string, string>> = {
  'read-8': 'nothing: flushed within 100 ms',
  'read-strict-8': 'its record, before it is forwarded',
  'write-1': 'its intent, before it is forwarded; then the target’s commit',
  'write-8': 'its intent, before it is forwarded; then the target’s commit',
  'write-tx-8': 'both intents, before COMMIT is forwarded; then the target’s commit',
}

const waitOf = (caseName: string, subject: string): string => {
  if (subject === 'gateway') return GATEWAY_WAITS[caseName] ?? '–'
  return caseName.startsWith('read') ? 'nothing' : 'the target’s commit'
}

/** The figures as rows. */
export const auditRows = (measured: readonly Measured[]): readonly Row[] =>
  rowsOf(measured, FIGURES)

/** Everything for people. */
export function auditReport(
  measured: readonly Measured[],
  { seconds, roundCount }: { readonly seconds: number; readonly roundCount: number },
): string {
  const about =
    `Medians; rounds in turn: ${roundCount}, of ${seconds} s each (a third with one connection). No TLS.\n` +
    'In read-strict-8 the gateway’s policy says `audit: strict`; otherwise it is as in read-8.'
  return `${about}\n${tableOf(measured, FIGURES, { title: 'waited for', of: waitOf })}`
}
