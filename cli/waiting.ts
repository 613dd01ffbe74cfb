// Opens a request and waits until people have decided, with a line of progress for whoever watches.
// When the wait is broken off, the request is withdrawn: nobody shall decide about what nobody awaits.

import { completed, opened } from '../contract/answers.js'
import { accessView, type ItemView } from '../contract/items.js'
import { visible } from '../core/visible.js'
import type { ApiClient } from './api-client.js'
import type { CliContext } from './context.js'
import { EXIT } from './exit-codes.js'
import { CliFailure, failureOf } from './failure.js'
import { durationText } from './output.js'

/** What is asked for. */
export interface Wish {
  readonly resource: string
  readonly role: string
  readonly reason: string
  readonly origin: 'request' | 'exec'
  readonly durationMs?: number
  /** The text of a file whose statements are to be approved together. */
  readonly plan?: string
  readonly breakGlass?: boolean
}

/** An access request as the API shows it. */
export type AccessRequest = Extract<ItemView, { kind: 'access' }>

/** One long poll. */
const POLL_S = 25
/** Between two attempts while the API does not answer. */
const RETRY_MS = 3_000
/** Attempts in a row that may fail: about a minute, so that a restart of the API is survived. */
const RETRY_COUNT_MAX = 20

/**
 * The open request.
 *
 * @throws CliFailure with the code of the answer: denied or forbidden (77), nobody decided (75), Warder
 * unreachable (69), or broken off by a signal (130).
 */
export async function openAndWait(
  api: ApiClient,
  context: CliContext,
  wish: Wish,
  signal: AbortSignal,
): Promise<AccessRequest> {
  const { id } = await api.post('/v1/requests', wish, opened)
  try {
    return await wait(api, context, id, signal)
  } catch (error) {
    // Whatever broke the wait, the request must not be left for people to answer.
    if (isOver(error)) throw error
    await giveBack(api, context, id)
    throw error
  }
}

/** Ends the grant, or withdraws the request; a failure is said, because the grant then runs on. */
export async function giveBack(api: ApiClient, { stderr }: CliContext, id: string): Promise<void> {
  try {
    await api.post(`/v1/requests/${encodeURIComponent(id)}/complete`, {}, completed)
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown failure'
    stderr.write(
      `warder: ${visible(id)} could not be given back, it ends at its time: ${visible(why)}\n`,
    )
  }
}

async function wait(
  api: ApiClient,
  context: CliContext,
  id: string,
  signal: AbortSignal,
): Promise<AccessRequest> {
  const path = `/v1/requests/${encodeURIComponent(id)}/decision?waitS=`
  let shown = ''
  let failureCount = 0
  // The first look does not wait, so that progress is shown at once.
  for (let waitS = 0; ; waitS = POLL_S) {
    refuseBrokenOff(signal, id)
    try {
      const options = { waitMs: waitS * 1000, signal }
      const item = await api.get(`${path}${String(waitS)}`, accessView, options)
      failureCount = 0
      if (item.state !== 'pending' && item.state !== 'verifying') return openOrThrow(item)
      shown = showProgress(context, item, shown)
    } catch (error) {
      refuseBrokenOff(signal, id)
      if (!isPassing(error)) throw error
      failureCount += 1
      if (failureCount > RETRY_COUNT_MAX) throw error
      await context.pause(RETRY_MS, signal)
    }
  }
}

/** @throws CliFailure (exit code 130) when a signal broke the run off. */
export function refuseBrokenOff(signal: AbortSignal, id: string): void {
  if (!signal.aborted) return
  throw new CliFailure({
    message: 'Broken off by a signal; nothing was run.',
    remedy: 'Run it again if it is still wanted.',
    exitCode: EXIT.brokenOff,
    id,
  })
}

/** A failure to reach Warder may pass; an answer of Warder does not. */
const isPassing = (error: unknown): boolean =>
  error instanceof CliFailure && error.exitCode === EXIT.unreachable

const OVER = new Set([
  ...['REQUEST_DENIED', 'REQUEST_EXPIRED', 'FORBIDDEN', 'GRANT_REVOKED', 'GRANT_EXPIRED'],
  ...['NOT_FOUND', 'REQUEST_WITHDRAWN'],
])

/** True when there is nothing left to give back. */
const isOver = (error: unknown): boolean =>
  error instanceof CliFailure && error.code !== undefined && OVER.has(error.code)

function showProgress({ stderr, clock }: CliContext, item: AccessRequest, shown: string): string {
  const { approval, deadlineAt, id, escalatedTo } = item
  const groups = [approval?.approvers ?? 'the verdict', escalatedTo ?? []].flat()
  const whom = visible(groups.join(' and '))
  const left = deadlineAt === undefined ? '' : `, ${durationText(deadlineAt - clock.now())} left`
  const line = `warder: waiting for ${whom} (${visible(id)})${left}\n`
  if (line !== shown) stderr.write(line)
  return line
}

function openOrThrow(item: AccessRequest): AccessRequest {
  if (item.state === 'active') return item
  const { id, resource: what } = item
  switch (item.state) {
    case 'denied':
      throw failureOf('REQUEST_DENIED', { what, id, ...whyDenied(item) })
    case 'expired':
      throw failureOf('REQUEST_EXPIRED', { what, id })
    case 'withdrawn':
      throw failureOf('REQUEST_DENIED', { what, id, why: 'the request was withdrawn' })
    case 'ended':
    case 'review-due':
      throw item.grant?.end?.reason === 'revoked'
        ? failureOf('GRANT_REVOKED', { id, why: `by ${item.grant.end.by}` })
        : failureOf('GRANT_EXPIRED', { id })
    default:
      throw failureOf('FORBIDDEN', { what, id, ...whyRefused(item) })
  }
}

function whyDenied({ decisions }: AccessRequest): { why?: string } {
  const denial = decisions.find(({ answer }) => answer === 'deny')
  if (denial === undefined) return {}
  return { why: `by ${denial.by}${denial.reason === '' ? '' : `, who says: ${denial.reason}`}` }
}

const whyRefused = ({ reasons }: AccessRequest): { why?: string } =>
  reasons.length === 0 ? {} : { why: reasons.map(({ text }) => text).join('; ') }
