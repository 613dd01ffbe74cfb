// A valid policy in words: what `warder check` prints, so that its author sees what he said. Pure.

import type { Approval } from '../core/verdict.js'
import { approvalOf } from './compile-approval.js'
import { durationText } from './duration.js'
import type { AccessRule, Line, Matcher, Policy, RelationPatterns, Role } from './policy.js'
import type { PolicyDocument } from './schema.js'
import { windowsText } from './windows.js'

type MaskDocument = PolicyDocument['masks'][number]

const REPLAY_TEXT = {
  once: ', each good for one request',
  bind: ', each good for the address that showed it first',
  none: '',
} as const

/** One line per issuer, resource, role, mask, rule, group and duty; indented lines belong to the one above. */
export function explainPolicy(policy: Policy): string[] {
  return [
    `policy ${policy.digest.slice(0, 12)}`,
    ...[...policy.issuers.values()].map(
      ({ name, issuer, replay }) => `issuer ${name}: tokens of ${issuer}${REPLAY_TEXT[replay]}`,
    ),
    ...[...policy.resources.values()].map(
      ({ name, protocol, host, port, tls, credential }) =>
        `resource ${name}: ${protocol} at ${host}:${port} as ${credential.user}, TLS ${tls}`,
    ),
    ...[...policy.roles.values()].flatMap(roleLines),
    ...policy.document.masks.map((mask, at) => maskLine(mask, at, policy.document.approvers)),
    ...policy.access.map(accessLine),
    ...[...policy.approvers].map(
      ([name, members]) => `approvers ${name}: ${members.map(matcherText).join('; or ')}`,
    ),
    ...Object.entries(policy.duties).map(
      ([duty, groups]) => `duty ${duty}: ${groups.length === 0 ? 'nobody' : groups.join(', ')}`,
    ),
    ...(policy.secondPerson ? ['a policy is applied by two people'] : []),
    `service keys: ${policy.acceptsServiceKeys ? 'accepted' : 'refused'}`,
    `audit: reads are forwarded ${policy.auditStrict ? 'when' : 'before'} they are on record`,
    ...(policy.access.length === 0 ? ['no access rule: nobody gets anything'] : []),
  ]
}

/** What a role lets through, asks about and blocks; its lines are indented under its name. */
export function roleLines(role: Role): string[] {
  return [
    `role ${role.name} on ${role.on.join(', ')}`,
    ...role.block.map((line) => `  blocks ${lineText(line)}`),
    ...role.ask.map((line) => {
      return `  asks ${approvalText(line.approval)} about ${lineText(line)}`
    }),
    ...role.allow.map((line) => `  allows ${lineText(line)}`),
    role.otherwise === undefined
      ? '  blocks whatever else'
      : `  asks ${approvalText(role.otherwise)} about whatever else`,
    ...(role.plans === undefined
      ? []
      : [`  takes plans that ${approvalText(role.plans)} approves`]),
  ]
}

function lineText({ effects, statements, relations, withoutWhere }: Line): string {
  return [
    effects === undefined ? 'any effect' : [...effects].join(', '),
    statements === undefined ? '' : ` by ${[...statements].join(', ')}`,
    relations === undefined ? '' : ` on ${patternsText(relations)}`,
    withoutWhere ? ' of a whole table (no WHERE)' : '',
  ].join('')
}

const patternsText = ({ all, names, prefixes }: RelationPatterns): string =>
  all ? 'any relation' : [...names, ...prefixes.map((prefix) => `${prefix}*`)].join(', ')

/** `mask 1: orders-db/public.customers.ssn by last4, but for reader; blocks what is derived, …`. */
function maskLine(mask: MaskDocument, at: number, groups: PolicyDocument['approvers']): string {
  const { columns, detect = [], patterns = [], how, value, except = [] } = mask
  const found = [...detect, ...patterns.map(({ name, pattern }) => `${name} (${pattern})`)]
  const what = columns?.join(', ') ?? `${found.join(', ')} in any value ${placeText(mask.on)}`
  const by = value === undefined ? how : `${how} ${JSON.stringify(value)}`
  const clear = except.length === 0 ? '' : `, but for ${except.join(', ')}`
  const uses = columns === undefined ? '' : `; ${useText(mask, groups)}`
  return `mask ${at + 1}: ${what} by ${by}${clear}${uses}`
}

function placeText(on: MaskDocument['on']): string {
  if (on === undefined) return 'on any resource'
  if (Array.isArray(on)) return `on ${on.join(', ')}`
  const labels = Object.entries(on).map(
    ([label, values]) => `${label} ${[values].flat().join(' or ')}`,
  )
  return `on resources with ${labels.join(', ')}`
}

function useText(
  {
    derived,
    conditions,
    approvers = '',
    quorum = 1,
    timeout = '',
    reason = 'optional',
  }: MaskDocument,
  groups: PolicyDocument['approvers'],
) {
  const asked = approvalText(approvalOf({ approvers, quorum, timeout, reason }, groups))
  const text = (use: string | undefined) =>
    use === 'ask' ? `asks ${asked} about` : `${use ?? 'block'}s`
  return `${text(derived)} what is derived, ${text(conditions)} conditions`
}

function accessLine(rule: AccessRule): string {
  const agreed =
    rule.approval === undefined ? 'at once' : `when ${approvalText(rule.approval)} agrees`
  const reason = rule.reasonRequired ? ', reason required' : ''
  const when = rule.windows === undefined ? '' : `, only ${windowsText(rule.windows)}`
  return `${rule.label}: ${matcherText(rule.who)} gets ${rule.role} on ${rule.on.join(', ')} for ${durationText(rule.durationMs)} (at most ${durationText(rule.durationMsMax)}) ${agreed}${reason}${when}${emergencyText(rule)}`
}

function emergencyText({ breakGlass }: AccessRule): string {
  if (breakGlass === undefined) return ''
  const { durationMsMax, withinMs, approvers, commands } = breakGlass
  const asked = commands === 'allow' ? ', with nobody asked about commands' : ''
  return `; in an emergency at once, for at most ${durationText(durationMsMax)}${asked}, reviewed by ${approvers} within ${durationText(withinMs)}`
}

/** `2 of db-owners within 10m`, with whoever is asked later. */
export function approvalText({
  approvers,
  quorum,
  timeoutMs,
  reasonRequired,
  escalation,
  wait,
}: Approval): string {
  const people = `${quorum === 1 ? '' : `${quorum} of `}${approvers}`
  const also =
    escalation === undefined
      ? ''
      : ` (after ${durationText(escalation.afterMs)} ${escalation.to} as well)`
  const why = reasonRequired === true ? ', saying why,' : ''
  return `${people}${also}${why} within ${durationText(timeoutMs)}${wait === 'retry' ? ', to be run again,' : ''}`
}

/** `github (group a or b, environment production)`. */
export function matcherText({ issuer, subjects, groups, actors, claims }: Matcher): string {
  const conditions = [
    subjects === undefined ? '' : `subject ${either(subjects)}`,
    groups === undefined ? '' : `group ${either(groups)}`,
    actors === undefined ? '' : `through ${either(actors)}`,
    ...claims.map(([claim, values]) => `${claim} ${either(values)}`),
  ].filter((condition) => condition !== '')
  return `${issuer} (${conditions.length === 0 ? 'whoever it vouches for' : conditions.join(', ')})`
}

const either = (values: ReadonlySet<string>): string => [...values].join(' or ')
