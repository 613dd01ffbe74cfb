// What only time does, on a server whose time jumps. One after the other: time is global to it.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Closure } from '../../core/closure.js'
import { grantIdOf } from '../../core/ids.js'
import type { AccessQuestion, ReviewQuestion } from '../../core/question.js'
import type { AccessVerdict } from '../../core/verdict.js'
import type { accessRequest } from '../../workflows/access-request.js'
import {
  WORKFLOW_TYPES,
  decide,
  ended,
  idle,
  openSession,
  review,
} from '../../workflows/messages.js'
import type { commandReview } from '../../workflows/command-review.js'
import { startTimeSkippingServer } from './servers.js'
import {
  accessQuestion,
  allows,
  approval,
  asks,
  decision,
  minuteMs,
  principal,
  reviewQuestion,
} from './questions.js'
import { eventually, startWorld, type World } from './world.js'

let world: World

beforeAll(async () => {
  world = await startWorld(await startTimeSkippingServer())
}, 60_000)

afterAll(async () => {
  await world.stop()
  await world.env.teardown()
}, 60_000)

beforeEach(() => {
  world.verdict = allows
})

/** Tokens outlive what time-skipping makes of the date. */
const lasting = (question: AccessQuestion): AccessQuestion => ({
  ...question,
  principal: { ...question.principal, tokenExpiresAt: Number.MAX_SAFE_INTEGER },
})

const start = (question: AccessQuestion) =>
  world.env.client.workflow.start<typeof accessRequest>(WORKFLOW_TYPES.access, {
    args: [{ question: lasting(question) }],
    workflowId: question.requestId,
    taskQueue: world.taskQueue,
  })

const startReview = (question: ReviewQuestion) =>
  world.env.client.workflow.start<typeof commandReview>(WORKFLOW_TYPES.review, {
    args: [{ question }],
    workflowId: question.reviewId,
    taskQueue: world.taskQueue,
  })

const rowOf = ({ requestId }: AccessQuestion) => world.grants.rows.get(grantIdOf(requestId))

const isActive = (question: AccessQuestion) =>
  eventually(() => rowOf(question) !== undefined, 'the grant is open')

test('a grant ends at its time, and its row with it', async () => {
  const question = accessQuestion()
  const handle = await start(question)
  const { state, refusal } = await handle.result()
  expect(state).toBe('ended')
  expect(refusal.code).toBe('GRANT_EXPIRED')
  const row = rowOf(question)
  expect(row?.end?.reason).toBe('expired')
  expect((row?.end?.at ?? 0) - (row?.openedAt ?? 0)).toBeGreaterThanOrEqual(30 * minuteMs)
  expect((row?.end?.at ?? 0) - (row?.openedAt ?? 0)).toBeLessThan(31 * minuteMs)
})

test('an extended grant ends at its later time', async () => {
  const question = accessQuestion()
  const handle = await start(question)
  await isActive(question)
  await handle.executeUpdate('extend', { args: [20 * minuteMs, 'demo/ann'] })
  await handle.result()
  const row = rowOf(question)
  expect((row?.end?.at ?? 0) - (row?.openedAt ?? 0)).toBeGreaterThanOrEqual(50 * minuteMs)
})

test('a request nobody decides about expires, and its parked caller hears so', async () => {
  world.verdict = asks()
  const question = accessQuestion()
  const handle = await start(question)
  const { principalKey, resource, role } = question
  const parked = await handle.startUpdate(openSession, {
    args: [{ waiter: 'one', principalKey, resource, role }],
    waitForStage: 'ACCEPTED',
  })
  const { state } = await handle.result()
  expect(state).toBe('expired')
  expect(await parked.result()).toMatchObject({
    state: 'over',
    refusal: { code: 'REQUEST_EXPIRED' },
  })
  expect(rowOf(question)).toBeUndefined()
  await expect(
    handle.executeUpdate(decide, { args: [decision('approve', 'ann')] }),
  ).rejects.toThrow()
})

test('a grant by connecting that nobody ever uses ends after a minute', async () => {
  const question = accessQuestion({ origin: 'connect' })
  await (await start(question)).result()
  const row = rowOf(question)
  expect(row?.end?.reason).toBe('idle')
  expect((row?.end?.at ?? 0) - (row?.openedAt ?? 0)).toBeLessThan(2 * minuteMs)
  expect(world.grants.released).toContain(question.requestId)
})

test('a grant by connecting lives as long as a connection is open, and a minute longer', async () => {
  const question = accessQuestion({ origin: 'connect' })
  world.sessions.counts.set(grantIdOf(question.requestId), 1)
  const handle = await start(question)
  await isActive(question)
  await world.env.sleep('12m')
  expect(rowOf(question)?.end).toBeUndefined()
  world.sessions.counts.set(grantIdOf(question.requestId), 0)
  const closedAt = await world.env.currentTimeMs()
  await handle.signal(idle)
  await handle.result()
  expect(rowOf(question)?.end?.reason).toBe('idle')
  const lateMs = (rowOf(question)?.end?.at ?? 0) - closedAt
  expect(lateMs).toBeGreaterThanOrEqual(minuteMs)
  expect(lateMs).toBeLessThan(2 * minuteMs)
})

test('a lost hint that a connection closed delays the end by one look', async () => {
  const question = accessQuestion({ origin: 'connect' })
  world.sessions.counts.set(grantIdOf(question.requestId), 1)
  const handle = await start(question)
  await isActive(question)
  await world.env.sleep('2m')
  world.sessions.counts.set(grantIdOf(question.requestId), 0)
  await handle.result()
  const row = rowOf(question)
  expect(row?.end?.reason).toBe('idle')
  expect((row?.end?.at ?? 0) - (row?.openedAt ?? 0)).toBeLessThan(9 * minuteMs)
})

test('a revoke whose hint is lost reaches the workflow by its next look', async () => {
  const question = accessQuestion({ origin: 'exec' })
  const handle = await start(question)
  await isActive(question)
  const id = grantIdOf(question.requestId)
  await world.grants.end(id, { reason: 'revoked', by: 'demo/oncall', at: 1 })
  const { refusal } = await handle.result()
  expect(refusal.code).toBe('GRANT_REVOKED')
  expect(await world.env.currentTimeMs()).toBeLessThan(
    (rowOf(question)?.openedAt ?? 0) + 20 * minuteMs,
  )
})

test('an idle hint does not end a grant that was not opened by connecting', async () => {
  const question = accessQuestion({ origin: 'exec' })
  const handle = await start(question)
  await isActive(question)
  await handle.signal(idle)
  await handle.signal(ended)
  await world.env.sleep('10m')
  expect(rowOf(question)?.end).toBeUndefined()
  await handle.result()
  expect(rowOf(question)?.end?.reason).toBe('expired')
})

test('a review is withdrawn when the gateway that holds the command is gone', async () => {
  const question = reviewQuestion({ gatewayId: 'gwy_dead' })
  const handle = await startReview(question)
  await eventually(() => world.inbox.items.has(question.reviewId), 'the review is open')
  await world.env.sleep('2m')
  expect(world.inbox.items.get(question.reviewId)?.state).toBe('pending')
  world.sessions.dead.add('gwy_dead')
  const outcome = await handle.result()
  expect(outcome).toMatchObject({ state: 'withdrawn', by: [] })
})

test('a review that nobody decides about expires at its time', async () => {
  const question = reviewQuestion({ approval: { ...approval, timeoutMs: 10 * minuteMs } })
  const outcome = await (await startReview(question)).result()
  expect(outcome).toMatchObject({ state: 'expired', digest: question.digest })
})

const escalating = { ...approval, escalation: { to: 'on-call', afterMs: 5 * minuteMs } }

test('a request that nobody decides about is escalated once, and expires at the same time as ever', async () => {
  world.verdict = asks(escalating)
  const question = accessQuestion()
  const handle = await start(question)
  await eventually(() => world.inbox.items.get(question.requestId)?.state === 'pending', 'asked')
  const early = handle.executeUpdate(decide, { args: [decision('approve', 'sub', ['on-call'])] })
  await expect(early).rejects.toThrow()
  expect(await handle.result()).toMatchObject({ state: 'expired' })
  const item = world.inbox.items.get(question.requestId)
  expect(item).toMatchObject({ state: 'expired', escalatedTo: 'on-call' })
  const escalatedAfterMs = (item?.escalatedAt ?? 0) - (item?.openedAt ?? 0)
  expect(escalatedAfterMs).toBeGreaterThanOrEqual(5 * minuteMs)
  expect(escalatedAfterMs).toBeLessThan(6 * minuteMs)
  const kinds = world.audit.kindsAbout(question.requestId)
  expect(kinds.filter((kind) => kind === 'request.escalated')).toHaveLength(1)
  expect(kinds.indexOf('request.escalated')).toBeLessThan(kinds.indexOf('request.ended'))
})

test('after its escalation a request is decided by the second group', async () => {
  world.verdict = asks(escalating)
  const question = accessQuestion()
  const handle = await start(question)
  await eventually(() => world.inbox.items.get(question.requestId)?.state === 'pending', 'asked')
  await world.env.sleep('6m')
  const sub = decision('approve', 'sub', ['on-call'])
  await handle.executeUpdate(decide, { args: [sub] })
  await isActive(question)
  await handle.result()
})

test('a held command is escalated, and decided by the second group', async () => {
  const question = reviewQuestion({ approval: escalating })
  const handle = await startReview(question)
  await eventually(() => world.inbox.items.has(question.reviewId), 'the review is open')
  await world.env.sleep('6m')
  await eventually(
    () => world.inbox.items.get(question.reviewId)?.escalatedTo === 'on-call',
    'people see the escalation',
  )
  const stranger = decision('approve', 'eve', ['others'])
  await expect(handle.executeUpdate(decide, { args: [stranger] })).rejects.toThrow()
  await handle.executeUpdate(decide, { args: [decision('approve', 'sub', ['on-call'])] })
  expect(await handle.result()).toMatchObject({ state: 'approved', by: ['demo/sub'] })
  expect(world.audit.kindsAbout(question.reviewId)).toContain('review.escalated')
})

const emergency: AccessVerdict = {
  ...{ outcome: 'allow', reasons: [], durationMs: 30 * minuteMs, durationMsMax: 60 * minuteMs },
  breakGlass: { approvers: 'security', withinMs: 24 * 60 * minuteMs, commands: 'ask' },
}
const closure = (name: string, memberOf = ['security']): Closure => ({
  ...{ finding: 'justified', reviewer: principal(name), memberOf },
  ...{ reason: 'looked at it', channel: 'cli', at: 0 },
})
const stateOf = ({ requestId }: AccessQuestion) => world.inbox.items.get(requestId)?.state

test('a break-glass is owed before it is open, and open until it is closed, however late that is', async () => {
  world.verdict = emergency
  const question = accessQuestion({ origin: 'exec', breakGlass: true })
  const { requestId } = question
  const handle = await start(question)
  await isActive(question)
  expect(world.breakGlass.owed.get(requestId)?.closedAt).toBeUndefined()
  expect(world.breakGlass.owed.get(requestId)?.principal).toBe('demo/job')
  await handle.executeUpdate('complete')
  expect(stateOf(question)).toBe('review-due')
  await world.env.sleep('25h')
  await eventually(() => world.audit.kindsAbout(requestId).includes('break-glass.overdue'), 'late')
  const job = handle.executeUpdate(review, { args: [closure('job')] })
  await expect(job).rejects.toThrow()
  const stranger = handle.executeUpdate(review, { args: [closure('ann', ['db-owners'])] })
  await expect(stranger).rejects.toThrow()
  await world.env.sleep('30d')
  expect(stateOf(question)).toBe('review-due')
  await handle.executeUpdate(review, { args: [closure('sue')] })
  expect(await handle.result()).toMatchObject({ state: 'ended' })
  const kinds = world.audit.kindsAbout(requestId)
  expect(kinds.filter((kind) => kind === 'break-glass.overdue')).toHaveLength(1)
  expect(kinds.slice(-2)).toEqual(['break-glass.closed', 'request.ended'])
  expect(world.breakGlass.owed.get(requestId)?.closedAt).toBeGreaterThan(0)
})

test('a break-glass grant ends at its time, and its review is closed in time without being overdue', async () => {
  world.verdict = emergency
  const question = accessQuestion({ origin: 'request', breakGlass: true })
  const handle = await start(question)
  await isActive(question)
  await world.env.sleep('31m')
  await eventually(() => stateOf(question) === 'review-due', 'the grant has ended')
  expect(rowOf(question)?.end?.reason).toBe('expired')
  await handle.executeUpdate(review, { args: [closure('sue')] })
  await handle.result()
  expect(world.audit.kindsAbout(question.requestId)).not.toContain('break-glass.overdue')
})

test('a break-glass that is cancelled from outside is closed, and still waits for its review', async () => {
  world.verdict = emergency
  const question = accessQuestion({ origin: 'request', breakGlass: true })
  const handle = await start(question)
  await isActive(question)
  await handle.cancel()
  await eventually(() => stateOf(question) === 'review-due', 'the grant has ended')
  expect(rowOf(question)?.end?.reason).toBe('revoked')
  await handle.executeUpdate(review, { args: [closure('sue')] })
  await handle.result()
})
