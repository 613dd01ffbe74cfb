// Policies for people: what a change gives and takes, which versions there are, where one is in force.
// Plain text, so that a log of CI reads the same as a terminal.

import type { z } from 'zod'
import {
  policyProcesses,
  type policyApplied,
  type policyDifference,
  type policyPage,
  type policyProposals,
} from '../contract/policies.js'
import { visible } from '../core/visible.js'
import type { ApiClient } from './api-client.js'
import type { CliContext } from './context.js'
import { table, timeText } from './output.js'

type Difference = z.output<typeof policyDifference>

const HEADINGS = [
  ['widens', '+', 'Widens rights:'],
  ['narrows', '-', 'Narrows rights:'],
  ['changes', '~', 'Changes, neither wider nor narrower:'],
] as const

/** What changes, widening first; then what was edited. */
export function differenceText({ rights, changes }: Difference): string {
  if (changes.length === 0 && rights.length === 0) return 'nothing changes\n'
  const known = HEADINGS.flatMap(([direction, sign, heading]) => {
    const lines = rights.filter((change) => change.direction === direction)
    if (lines.length === 0) return []
    return [`${heading}\n`, ...lines.map(({ text }) => `  ${sign} ${visible(text)}\n`)]
  })
  const nothing = rights.length === 0 ? ['No right changes.\n'] : []
  const edits = changes.map((change) => `  ${visible(change)}\n`)
  const added = edits.length === 0 ? [] : ['Edited (+ added, - removed, ~ changed):\n', ...edits]
  return [...known, ...nothing, ...added].join('')
}

/** `version 7` or that a second person has to confirm it. */
export function appliedText({ version, proposal, digest, base }: z.output<typeof policyApplied>) {
  if (proposal !== undefined)
    return (
      `proposed as ${visible(proposal.id)} by ${visible(proposal.by)}, to replace version ${proposal.base}; a second person has to confirm it before ${timeText(proposal.expiresAt)}:\n` +
      `  warder policy confirm ${visible(proposal.id)}\n`
    )
  if (version === undefined)
    return `not applied (digest ${visible(digest)}, compared with version ${base})\n`
  const was = version === base ? 'is in force already' : 'in force'
  return `${was}: version ${version} (digest ${visible(digest)})\n`
}

/** One line per version. */
export const versionsText = ({ versions }: z.output<typeof policyPage>): string =>
  table(
    ['VERSION', 'APPLIED', 'BY', 'CONFIRMED BY', 'DIGEST', 'REASON'],
    versions.map(({ version, at, by, confirmedBy = '', digest, reason }) => [
      ...[String(version), timeText(at), by, confirmedBy, digest.slice(0, 12), reason],
    ]),
  )

/** One line per proposal. */
export const proposalsText = ({ proposals }: z.output<typeof policyProposals>): string =>
  proposals.length === 0
    ? 'no policy waits for a second person\n'
    : table(
        ['ID', 'REPLACES', 'BY', 'UNTIL', 'REASON'],
        proposals.map(({ id, base, by, expiresAt, reason }) => [
          ...[id, `version ${base}`, by, timeText(expiresAt), reason],
        ]),
      )

/** A version may take 5 s until every process judges by it; this often is asked in between. */
const POLL_MS = 250
const POLL_COUNT_MAX = 20

/** Waits until every process judges by the version; what it saw last, in words, and whether all do. */
export async function inForce(
  api: ApiClient,
  { pause }: CliContext,
  version: number,
): Promise<{ readonly everywhere: boolean; readonly text: string }> {
  for (let count = 1; ; count += 1) {
    const { processes } = await api.get('/v1/policies/processes', policyProcesses)
    const late = processes.filter((one) => one.version < version)
    if (late.length > 0 && count <= POLL_COUNT_MAX) {
      await pause(POLL_MS, new AbortController().signal)
      continue
    }
    const there = processes.length - late.length
    const lines = late.map(
      (one) =>
        `  ${visible(one.process)} judges by version ${one.version}${one.trouble === undefined ? '' : `: ${visible(one.trouble)}`}\n`,
    )
    const text = `in force on ${there} of ${processes.length} processes\n${lines.join('')}`
    return { everywhere: late.length === 0, text }
  }
}
