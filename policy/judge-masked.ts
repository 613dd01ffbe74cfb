// What becomes of a command that uses masked columns other than showing them, or that can't be seen
// through where columns are masked. Pure, and free of allocation for a command that does neither.

import type { Command, CommandPart } from '../core/command.js'
import type { Verdict } from '../core/verdict.js'
import { described, few } from './command-words.js'
import type { ColumnRule, JudgedMasking } from './masking.js'
import { blocked, stricter, withReason } from './strictest.js'

/** The strictest of the verdict so far and of what the rules of the columns say. */
export function judgeMasked(verdict: Verdict, masking: JudgedMasking, command: Command): Verdict {
  const judged = usesMasked(masking, command) ? judgeUses(verdict, masking, command) : verdict
  return judged.outcome === 'block' || !isOpaque(command) ? judged : opaque(judged, command)
}

/**
 * What runs code of its own, or reads through the server's back doors (statistics, TOAST, SQL within
 * a string), may read any column and send it back in any form: columns can't be told from it.
 */
const isOpaquePart = ({ effect }: { readonly effect: Command['effect'] }): boolean =>
  effect === 'unknown' || effect === 'dangerous'

const isOpaque = (command: Command): boolean =>
  isOpaquePart(command) || command.parts.some(isOpaquePart)

function opaque(verdict: Verdict, command: Command): Verdict {
  const part: CommandPart = command.parts.find(isOpaquePart) ?? {
    kind: 'command',
    effect: command.effect,
    relations: [],
    traits: [],
    because: [],
  }
  const text = `columns are masked here, and nobody can tell what ${described(part)} reads`
  if (verdict.outcome !== 'ask')
    return blocked('masked-unknown', `${text}; write it so that it can be told`)
  const reason = {
    code: 'masked-unknown',
    text: `${text}: its result may hold masked values, and will be withheld if it does`,
  }
  return { ...verdict, reasons: withReason(reason, verdict.reasons) }
}

function usesMasked(masking: JudgedMasking, { columns }: Command): boolean {
  if (columns === undefined) return false
  for (const { relation, column, use } of columns)
    if (use !== 'output' && masking.columnMask(relation, column) !== undefined) return true
  return false
}

/** The columns of one rule that a command uses, by how it does. */
interface Used {
  readonly derived: Set<string>
  readonly condition: Set<string>
}

function judgeUses(verdict: Verdict, masking: JudgedMasking, { columns = [] }: Command): Verdict {
  const used = new Map<ColumnRule, Used>()
  for (const { relation, column, use } of columns) {
    if (use === 'output') continue
    for (const rule of masking.rulesOf(relation, column)) {
      const sofar = used.get(rule) ?? { derived: new Set(), condition: new Set() }
      sofar[use].add(`${relation}.${column}`)
      used.set(rule, sofar)
    }
  }
  let result = verdict
  for (const [rule, { derived, condition }] of used) {
    // Their reasons come first: no heap of others may keep them from who is asked.
    if (derived.size > 0) result = stricter(ruled(rule, 'derived', [...derived], result), result)
    if (condition.size > 0)
      result = stricter(ruled(rule, 'condition', [...condition], result), result)
  }
  return result
}

const WORDS = {
  derived: {
    does: 'computing with, or copying,',
    remedy: 'select the column as it is',
  },
  condition: {
    does: 'filtering, joining, grouping or sorting by',
    remedy: 'filter by another column',
  },
} as const

/** What one rule says of one kind of use; the other verdict itself where it says nothing. */
function ruled(
  { mask, derived, conditions }: ColumnRule,
  use: 'derived' | 'condition',
  columns: readonly string[],
  otherwise: Verdict,
): Verdict {
  const rule = use === 'derived' ? derived : conditions
  if (rule === 'allow') return otherwise
  const { does, remedy } = WORDS[use]
  const what = `${mask.label}: ${does} ${few(columns)}`
  const code = `masked-${use}`
  if (rule === 'block') return blocked(code, `${what} is blocked; ${remedy}`)
  const text = `${what} needs approval of ${rule.approvers}; without it, ${remedy}`
  return { outcome: 'ask', reasons: [{ code, text }], approval: rule }
}
