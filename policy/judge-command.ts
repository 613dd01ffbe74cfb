// (role, command) → allow, block or ask. Pure, and on the hot path: an allowed command costs no
// allocation, because its verdict was made when the policy was loaded.

import { higherEffect } from '../core/command.js'
import type { Command, CommandPart, Effect, RelationUse } from '../core/command.js'
import type { Approval, Verdict } from '../core/verdict.js'
import { described, rank, shown } from './command-words.js'
import { judgeMasked } from './judge-masked.js'
import { maskingFor } from './masking.js'
import type { AllowLine, AskLine, Line, Policy, RelationPatterns, Role } from './policy.js'
import { blocked, stricter } from './strictest.js'

const NO_LINES: readonly AskLine[] = Object.freeze([])

/**
 * Judges each part, and what becomes of masked columns, and returns the strictest verdict: block
 * before ask before allow. Of two asks the higher quorum and the shorter timeout hold; if they name
 * different approver groups the command is blocked (`approvers-differ`), because one review is put
 * to one group.
 *
 * @param resource Where the command is to run; what is masked there depends on it.
 */
export function judgeCommand(
  policy: Policy,
  roleName: string,
  resource: string,
  command: Command,
): Verdict {
  const role = policy.roles.get(roleName)
  if (role === undefined)
    return blocked('unknown-role', `the policy in force has no role ${shown(roleName)}`)
  const verdict = judgeParts(role, command)
  const masking = maskingFor(policy, roleName, resource)
  return masking?.hasColumns === true ? judgeMasked(verdict, masking, command) : verdict
}

function judgeParts(role: Role, command: Command): Verdict {
  let verdict: Verdict | undefined
  let highest: Effect = 'read'
  for (const part of command.parts) {
    const next = judgePart(role, part)
    verdict = verdict === undefined ? next : stricter(verdict, next)
    highest = higherEffect(highest, part.effect)
  }
  if (verdict !== undefined && rank(command.effect) <= rank(highest)) return verdict
  // Without parts, or with an effect that none of them explains, the whole is judged as one.
  const whole = judgePart(role, {
    kind: 'command',
    effect: command.effect,
    relations: [],
    traits: [],
    because: [],
  })
  return verdict === undefined ? whole : stricter(verdict, whole)
}

/** The block that a block line of the role gives, if one does; the other lines are not looked at. */
export function blockedByLine(role: Role, part: CommandPart): Verdict | undefined {
  for (const line of role.block) {
    if (lineMatches(line, part))
      return blocked('blocked-by-rule', `${line.label}: ${described(part)} is blocked`)
  }
  return undefined
}

/** Block lines, then ask lines, then allow lines; `otherwise` decides about what none of them names. */
function judgePart(role: Role, part: CommandPart): Verdict {
  const stopped = blockedByLine(role, part)
  if (stopped !== undefined) return stopped
  const asked =
    role.ask.length === 0 ? NO_LINES : role.ask.filter((line) => lineMatches(line, part))
  const verdict = asked.reduce<Verdict | undefined>((sofar, line) => {
    const next = askedBy(line.label, line.approval, part)
    return sofar === undefined ? next : stricter(sofar, next)
  }, undefined)
  // An ask line lets people decide about what it names; a relation that neither it nor an allow
  // line names stays out of reach, whoever approves.
  const stray = part.relations.find((use) => !isNamed(role, part, use, asked))
  if (stray !== undefined) return join(verdict, fallback(role, part, stray))
  return verdict ?? allowing(role, part) ?? fallback(role, part, undefined)
}

const join = (verdict: Verdict | undefined, other: Verdict): Verdict =>
  verdict === undefined ? other : stricter(verdict, other)

/** A line matches when everything it states holds; a relation pattern needs just one relation. */
function lineMatches(line: Line, part: CommandPart): boolean {
  const { effects, statements, relations } = line
  if (statements !== undefined && !statements.has(part.kind)) return false
  if (line.withoutWhere && !part.traits.includes('without-where')) return false
  if (effects === undefined && relations === undefined) return true
  if (effects?.has(part.effect) !== false)
    if (relations === undefined || part.relations.some((use) => touches(relations, use.relation)))
      return true
  // What a writing statement reads is read all the same (`INSERT … SELECT FROM customers`).
  return (
    effects?.has('read') === true &&
    part.relations.some(
      (use) =>
        use.access === 'read' && (relations === undefined || touches(relations, use.relation)),
    )
  )
}

/** For refusing and asking: a dot within a name can't hide a relation from `schema.*`. */
const touches = ({ all, names, prefixes }: RelationPatterns, relation: string): boolean =>
  all || names.has(relation) || prefixes.some((prefix) => relation.startsWith(prefix))

/** For allowing: `schema.*` covers one plain name, so that `"a.b".c` does not pass for `a.*`. */
const covers = ({ all, names, prefixes }: RelationPatterns, relation: string): boolean =>
  all ||
  names.has(relation) ||
  prefixes.some((prefix) => relation.startsWith(prefix) && !relation.includes('.', prefix.length))

function isNamed(
  role: Role,
  part: CommandPart,
  use: RelationUse,
  asked: readonly AskLine[],
): boolean {
  const effect = use.access === 'read' ? 'read' : higherEffect(part.effect, 'write')
  const names = (line: Line) => line.relations === undefined || covers(line.relations, use.relation)
  return (
    role.allow.some(
      (line) => line.effects.has(effect) && statementFits(line, part) && names(line),
    ) || asked.some(names)
  )
}

const statementFits = (line: AllowLine, part: CommandPart): boolean =>
  line.statements === undefined || line.statements.has(part.kind)

/** Session control that is a channel to other sessions: it passes only where a line allows it. */
const REACHES_OTHERS: ReadonlySet<string> = new Set(['listen', 'unlisten', 'notify'])

/**
 * The verdict of the first line that allows the part's own effect. A line that is limited to some
 * relations does not vouch for a change that names none (DROP SCHEMA, NOTIFY …).
 */
function allowing(role: Role, part: CommandPart): Verdict | undefined {
  if (part.effect === 'session-control' && !REACHES_OTHERS.has(part.kind)) {
    return role.sessionControl
  }
  const nameless = part.effect !== 'read' && part.relations.length === 0
  return role.allow.find(
    (line) =>
      line.effects.has(part.effect) &&
      statementFits(line, part) &&
      !(nameless && line.relations?.all === false),
  )?.verdict
}

function fallback(role: Role, part: CommandPart, stray: RelationUse | undefined): Verdict {
  const what =
    stray === undefined
      ? described(part)
      : `to ${stray.access} ${shown(stray.relation)} by ${described(part)}`
  return role.otherwise === undefined
    ? blocked('no-rule', `role ${role.name}: no line allows ${what}`)
    : askedBy(`role ${role.name}, otherwise`, role.otherwise, part)
}

function askedBy(label: string, approval: Approval, part: CommandPart): Verdict {
  const text = `${label}: ${described(part)} needs approval of ${approval.approvers}`
  return { outcome: 'ask', reasons: [{ code: 'asked-by-rule', text }], approval }
}
