// One item as people read it before they decide: everything, nothing hidden, danger first. Pure.

import type { ItemView } from '../contract/items.js'
import { visible, visibleLines } from '../core/visible.js'
import { durationText, flowed, labelled, table, timeText } from './output.js'

type Access = Extract<ItemView, { kind: 'access' }>
type Review = Extract<ItemView, { kind: 'review' }>

/** All of an item. */
export function itemText(item: ItemView, nowMs: number): string {
  const head = labelled([
    ['id', item.id],
    ['state', item.state],
    ['who', item.chain],
    ['behind it', item.parties.join(', ')],
    ...claimRows(item),
    ['resource', item.resource],
    ['role', item.role],
    ...kindRows(item),
    ['rule', item.reasons.map(({ text }) => text).join('; ')],
    ['asked', askedText(item)],
    ['opened', timeText(item.openedAt)],
    ['deadline', deadlineText(item, nowMs)],
  ])
  const what = item.kind === 'review' ? statementText(item) : planText(item)
  return [head, what, answersText(item)].join('')
}

const CLAIMS_LENGTH_MAX = 80

/** `who` says these already, or they are the same for everybody. */
const KNOWN_CLAIMS = new Set(['iss', 'sub', 'aud'])

/** As many claims on a line as a terminal is wide. */
function claimRows({ attributes }: ItemView): (readonly [string, string])[] {
  const claims = Object.entries(attributes)
    .filter(([claim]) => !KNOWN_CLAIMS.has(claim))
    .map(([claim, text]) => `${claim}=${text}`)
  return flowed(claims, CLAIMS_LENGTH_MAX).map((line, at) => [at === 0 ? 'claims' : '', line])
}

function kindRows(item: ItemView): (readonly [string, string | undefined])[] {
  if (item.kind === 'access')
    return [
      ['stated reason', item.reason],
      ['for', item.durationMs === undefined ? undefined : durationText(item.durationMs)],
      ['from', `${item.peer} (${item.origin})`],
      ['grant', item.grant?.id],
      ['ends', item.grant === undefined ? undefined : timeText(item.grant.expiresAt)],
      ['ended', endText(item)],
      ...breakGlassRows(item),
    ]
  return [
    ['effect', item.effect],
    ['does', item.parts.map(partText).join('; ')],
    ['request', item.requestId],
    ['session', item.sessionId],
    ['digest', item.digest],
    ['policy', item.policyDigest],
  ]
}

function breakGlassRows({
  breakGlass,
}: Extract<ItemView, { kind: 'access' }>): (readonly [string, string | undefined])[] {
  if (breakGlass === undefined) return []
  const { approvers, commands, dueAt, isOverdue, closure } = breakGlass
  const asked = commands === 'allow' ? '; nobody is asked about commands' : ''
  const due = `by ${approvers} until ${timeText(dueAt)}${isOverdue ? ', OVERDUE' : ''}`
  return [
    ['break-glass', `opened without anybody’s approval${asked}`],
    ['review', closure === undefined ? due : `${closure.finding}, says ${closure.by}`],
    ['because', closure?.reason],
  ]
}

const endText = ({ grant }: Extract<ItemView, { kind: 'access' }>): string | undefined =>
  grant?.end === undefined ? undefined : `${grant.end.reason} by ${grant.end.by}`

function partText(part: Review['parts'][number]): string {
  const relations = part.relations.map(({ relation, access }) => `${access} ${relation}`).join(', ')
  const why = [...part.traits, ...part.because].join(', ')
  return `${part.kind} (${part.effect})${relations === '' ? '' : `: ${relations}`}${why === '' ? '' : ` [${why}]`}`
}

function askedText(item: ItemView): string | undefined {
  const { approval } = item
  if (approval === undefined) return undefined
  const { approvers, quorum, reasonRequired } = approval
  const people = quorum === 1 ? approvers : `${approvers} (${String(quorum)} people)`
  return `${people}${escalationText(item)}${reasonRequired === true ? '; an answer needs a reason' : ''}`
}

function escalationText({ approval, escalatedTo, escalatedAt, openedAt }: ItemView): string {
  if (escalatedTo !== undefined && escalatedAt !== undefined)
    return `, and since ${timeText(escalatedAt)} ${escalatedTo}`
  if (approval?.escalation === undefined) return ''
  const { to, afterMs } = approval.escalation
  return `, from ${timeText(openedAt + afterMs)} on ${to} as well`
}

const deadlineText = ({ deadlineAt, state }: ItemView, nowMs: number): string | undefined =>
  deadlineAt === undefined
    ? undefined
    : `${timeText(deadlineAt)}${state === 'pending' ? ` (${durationText(deadlineAt - nowMs)} left)` : ''}`

/** Every statement of a plan in full, numbered as the record numbers them. */
function planText({ plan }: Access): string {
  if (plan === undefined) return ''
  const steps = plan.steps.map(({ text, parts }, at) => {
    const shown = visibleLines(text)
    const kinds = parts.map(({ kind, effect }) => `${kind} (${effect})`).join('; ')
    const hidden =
      shown === text ? '' : '  ! it holds invisible or reordering characters, written as \\u{…}\n'
    const lines = shown.split('\n').map((line) => `  | ${line}\n`)
    return `step ${String(at + 1)}: ${visible(kinds)}\n${hidden}${lines.join('')}`
  })
  const count = String(plan.steps.length)
  return `\nplan of ${count} statements (SHA-256 of the file ${visible(plan.digest)})\n${steps.join('')}`
}

/** The statement in full; what is invisible in it is written out, and said so. */
function statementText({ text, textBytes, parameters }: Review): string {
  const shown = visibleLines(text)
  const hiddenBytes = textBytes - Buffer.byteLength(text)
  const warnings = [
    shown === text ? '' : 'it holds invisible or reordering characters, written as \\u{…}',
    hiddenBytes > 0 ? `${String(hiddenBytes)} bytes at its end are NOT shown` : '',
  ].filter((warning) => warning !== '')
  const lines = shown.split('\n').map((line) => `  | ${line}\n`)
  return [
    `\nstatement (${String(textBytes)} bytes)\n`,
    ...warnings.map((warning) => `  ! ${warning}\n`),
    ...lines,
    ...parameters.map((value, index) => `  $${String(index + 1)} = ${visible(value)}\n`),
  ].join('')
}

function answersText({ decisions }: ItemView): string {
  if (decisions.length === 0) return ''
  const rows = decisions.map(({ answer, by, channel, at, reason }) => [
    ...[answer, by, channel, timeText(at), reason],
  ])
  return `\n${table(['ANSWER', 'BY', 'VIA', 'AT', 'REASON'], rows)}`
}
