// `warder pending`: what waits for people.

import type { Command } from 'commander'
import { itemList, type ItemView } from '../../contract/items.js'
import { visible } from '../../core/visible.js'
import type { ConnectionOptions } from '../connection.js'
import { EXIT } from '../exit-codes.js'
import { durationText, printJson, table } from '../output.js'
import type { Shell } from '../shell.js'

interface PendingOptions extends ConnectionOptions {
  readonly active?: boolean
  readonly limit: string
  readonly before?: string
}

/** Adds the command. */
export function addPending(program: Command, { context, run, apiCommand, connect }: Shell): void {
  apiCommand(program, 'pending', 'List what waits for a decision and concerns you.')
    .option('--active', 'list running grants instead')
    .option('--limit <count>', 'at most this many (500)', '100')
    .option('--before <place>', 'continue where a page ended')
    .action(
      run(async (options: PendingOptions) => {
        const api = await connect(options)
        const state = options.active === true ? 'active' : 'pending'
        const query = new URLSearchParams({ state, limit: options.limit })
        if (options.before !== undefined) query.set('before', options.before)
        const answer = await api.get(`/v1/inbox?${query.toString()}`, itemList)
        const nowMs = context.clock.now()
        if (options.json === true) printJson(context.stdout, answer)
        else if (answer.items.length > 0)
          context.stdout.write(
            table(
              HEAD,
              answer.items.map((item) => rowOf(item, nowMs)),
            ),
          )
        else if (answer.next === undefined) context.stdout.write(`nothing is ${state}\n`)
        if (options.json !== true && answer.next !== undefined)
          context.stdout.write(`more: add --before ${visible(answer.next)}\n`)
        return EXIT.ok
      }),
    )
}

const HEAD = ['ID', 'LEFT', 'ASKED', 'WHO', 'RESOURCE', 'ROLE', 'WHAT']

const WHAT_LENGTH_MAX = 60

function rowOf(item: ItemView, nowMs: number): string[] {
  const what = item.kind === 'review' ? `${item.effect}: ${item.text}` : accessText(item)
  return [
    item.id,
    leftText(untilOf(item), nowMs),
    askedOf(item).join(', '),
    item.chain,
    item.resource,
    item.role,
    what.length > WHAT_LENGTH_MAX ? `${what.slice(0, WHAT_LENGTH_MAX)}…` : what,
  ]
}

type Access = Extract<ItemView, { kind: 'access' }>

/** An emergency is told from what was agreed to, before its grant is over and after it. */
function accessText({ state, reason, plan, breakGlass }: Access): string {
  if (breakGlass !== undefined)
    return `${state === 'review-due' ? 'review of break-glass' : 'break-glass'}: ${reason}`
  return `access${plan === undefined ? '' : ` and ${String(plan.steps.length)} statements`}: ${reason}`
}

function untilOf(item: ItemView): number | undefined {
  if (item.kind === 'review') return item.deadlineAt
  if (item.state === 'review-due') return item.breakGlass?.dueAt
  return item.grant?.expiresAt ?? item.deadlineAt
}

const leftText = (untilMs: number | undefined, nowMs: number): string => {
  if (untilMs === undefined) return '-'
  return untilMs <= nowMs ? 'OVERDUE' : durationText(untilMs - nowMs)
}

function askedOf(item: ItemView): string[] {
  const reviewers = item.kind === 'access' ? item.breakGlass?.approvers : undefined
  return [item.approval?.approvers ?? reviewers ?? '-', item.escalatedTo ?? []].flat()
}
