// Two verdicts, or more, become one: the strictest, with the reasons of all that made it. Pure.

import type { Reason, Verdict } from '../core/verdict.js'

/** More reasons help nobody; a message may have thousands of parts. */
const REASON_COUNT_MAX = 8

/** A refusal for one reason. */
export const blocked = (code: string, text: string): Verdict => ({
  outcome: 'block',
  reasons: [{ code, text }],
})

/**
 * Block before ask before allow. Of two asks the higher quorum and the shorter timeout hold, a reason is
 * required if either wants one, and both have to be for `retry`; if they name different approver groups
 * it is a block (`approvers-differ`). No allocation when both are one.
 */
export function stricter(a: Verdict, b: Verdict): Verdict {
  if (a === b) return a
  const reasons = () => joined(a.reasons, b.reasons)
  if (a.outcome === b.outcome && a.outcome !== 'ask')
    return { outcome: a.outcome, reasons: reasons() }
  if (a.outcome === 'block' || b.outcome === 'block') return a.outcome === 'block' ? a : b
  if (b.outcome !== 'ask') return a
  if (a.outcome !== 'ask') return b
  const { approvers } = a.approval
  if (approvers !== b.approval.approvers) {
    const text = `it needs approval of both ${approvers} and ${b.approval.approvers}, and one review goes to one group; split the command, or the rule`
    return { outcome: 'block', reasons: joined([{ code: 'approvers-differ', text }], reasons()) }
  }
  return {
    outcome: 'ask',
    reasons: reasons(),
    approval: {
      approvers,
      quorum: Math.max(a.approval.quorum, b.approval.quorum),
      timeoutMs: Math.min(a.approval.timeoutMs, b.approval.timeoutMs),
      ...((a.approval.reasonRequired ?? b.approval.reasonRequired) === true && {
        reasonRequired: true,
      }),
      // It is the group's, so both have the same.
      ...(a.approval.escalation && { escalation: a.approval.escalation }),
      // Holding binds the decision to more.
      ...(a.approval.wait === 'retry' && b.approval.wait === 'retry' && { wait: 'retry' as const }),
    },
  }
}

/** The reasons of both, each once, at most as many as help. */
function joined(a: readonly Reason[], b: readonly Reason[]): readonly Reason[] {
  if (a.length >= REASON_COUNT_MAX) return a
  const fresh = b.filter(({ text }) => !a.some((reason) => reason.text === text))
  return [...a, ...fresh].slice(0, REASON_COUNT_MAX)
}

/** A reason that must not be lost, before those that may be. */
export const withReason = (reason: Reason, reasons: readonly Reason[]): readonly Reason[] =>
  joined([reason], reasons)
