import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { grantIdOf } from '../../core/ids.js'
import type { AccessQuestion } from '../../core/question.js'
import type { Approval } from '../../core/verdict.js'
import { startDevServer } from './servers.js'
import { accessQuestion, allows, asks, blocks, decision, minuteMs, principal } from './questions.js'
import { eventually, patient, startWorld, type World } from './world.js'

let world: World

beforeAll(async () => {
  world = await startWorld(await startDevServer())
}, 60_000)

afterAll(async () => {
  await world.stop()
  await world.env.teardown()
}, 60_000)

beforeEach(() => {
  world.verdict = asks()
  world.isSingleUse = false
})

/** Opens a request that has to wait, and returns once its caller was told so. */
async function openPending(question: AccessQuestion, signal = patient()) {
  let told: Approval | undefined
  const outcome = world.access.open(question, signal, ({ approval }) => {
    told = approval
  })
  await eventually(() => told !== undefined, 'the caller hears that people were asked')
  return { outcome, approval: told }
}

const code = (outcome: { ok: true } | { ok: false; refusal: { code: string } }) =>
  outcome.ok ? 'ok' : outcome.refusal.code

const stateOf = ({ requestId }: AccessQuestion) => world.inbox.items.get(requestId)?.state

test('an allowed request opens its grant at once and is on record', async () => {
  world.verdict = allows
  const question = accessQuestion()
  const outcome = await world.access.open(question, patient(), () => {
    throw new Error('nobody was to be asked')
  })
  expect(outcome).toMatchObject({
    ok: true,
    value: { id: grantIdOf(question.requestId), epoch: 1 },
  })
  expect(world.audit.kindsAbout(question.requestId)).toEqual([
    'request.opened',
    'request.judged',
    'grant.opened',
  ])
  expect(await world.access.complete(question.requestId)).toEqual({ ok: true, value: null })
  expect(world.grants.rows.get(grantIdOf(question.requestId))?.end?.reason).toBe('completed')
})

test('a blocked request is refused and recorded', async () => {
  world.verdict = blocks
  const question = accessQuestion()
  const outcome = await world.access.open(question, patient(), () => undefined)
  expect(code(outcome)).toBe('FORBIDDEN')
  await eventually(() => stateOf(question) === 'refused', 'the item shows the refusal')
  expect(world.grants.rows.has(grantIdOf(question.requestId))).toBe(false)
})

test('a single-use token works once only', async () => {
  world.verdict = allows
  world.isSingleUse = true
  const first = accessQuestion({ tokenId: 'jti-1' })
  const second = accessQuestion({ tokenId: 'jti-1' })
  expect(code(await world.access.open(first, patient(), () => undefined))).toBe('ok')
  expect(code(await world.access.open(second, patient(), () => undefined))).toBe('UNAUTHENTICATED')
  const nameless = accessQuestion()
  expect(code(await world.access.open(nameless, patient(), () => undefined))).toBe(
    'UNAUTHENTICATED',
  )
})

test('an approval opens the grant, and the item was there before the caller was told', async () => {
  const question = accessQuestion()
  const { outcome, approval } = await openPending(question)
  expect(approval?.approvers).toBe('db-owners')
  expect(stateOf(question)).toBe('pending')
  const answer = await world.access.decide(question.requestId, decision('approve', 'ann'))
  expect(answer).toEqual({ ok: true, value: 'approved' })
  expect(code(await outcome)).toBe('ok')
  expect(world.audit.kindsAbout(question.requestId)).toEqual([
    'request.opened',
    'request.judged',
    'request.decided',
    'grant.opened',
  ])
})

test('a denial ends the request and tells the caller who said so', async () => {
  world.verdict = asks({ quorum: 2 })
  const question = accessQuestion()
  const { outcome } = await openPending(question)
  await world.access.decide(question.requestId, decision('approve', 'ann'))
  expect(await world.access.decide(question.requestId, decision('deny', 'bob'))).toEqual({
    ok: true,
    value: 'denied',
  })
  const refusal = await outcome
  expect(code(refusal)).toBe('REQUEST_DENIED')
  expect(JSON.stringify(refusal)).toContain('demo/bob')
  await eventually(() => stateOf(question) === 'denied', 'the item shows the denial')
})

test('a quorum of two needs two different people', async () => {
  world.verdict = asks({ quorum: 2 })
  const question = accessQuestion()
  const { outcome } = await openPending(question)
  const { requestId } = question
  expect(await world.access.decide(requestId, decision('approve', 'ann'))).toEqual({
    ok: true,
    value: 'pending',
  })
  expect(code(await world.access.decide(requestId, decision('approve', 'ann')))).toBe(
    'ALREADY_DECIDED',
  )
  expect(stateOf(question)).toBe('pending')
  await world.access.decide(requestId, decision('approve', 'bob'))
  expect(code(await outcome)).toBe('ok')
})

test('nobody decides about his own request, his job’s, or without being an approver', async () => {
  const question = accessQuestion()
  const { outcome } = await openPending(question)
  const decide = async (name: string, memberOf?: readonly string[]) =>
    code(await world.access.decide(question.requestId, decision('approve', name, memberOf)))
  expect(await decide('job')).toBe('SELF_APPROVAL')
  expect(await decide('pusher')).toBe('SELF_APPROVAL')
  expect(await decide('eve', ['other-group'])).toBe('NOT_ENTITLED')
  expect(stateOf(question)).toBe('pending')
  await world.access.withdraw(question.requestId, 'enough')
  expect(code(await outcome)).toBe('REQUEST_WITHDRAWN')
})

test('an answer after the end changes nothing and hears so, while the workflow runs and after', async () => {
  const question = accessQuestion()
  const { outcome } = await openPending(question)
  await world.access.decide(question.requestId, decision('approve', 'ann'))
  await outcome
  expect(code(await world.access.decide(question.requestId, decision('deny', 'bob')))).toBe(
    'ALREADY_DECIDED',
  )
  await world.access.complete(question.requestId)
  await eventually(() => stateOf(question) === 'ended', 'the item shows the end')
  expect(code(await world.access.decide(question.requestId, decision('deny', 'bob')))).toBe(
    'ALREADY_DECIDED',
  )
  expect(code(await world.access.decide('req_unknown', decision('deny', 'bob')))).toBe('NOT_FOUND')
})

test('a revoke in the store ends the workflow under the revoker’s name', async () => {
  world.verdict = allows
  const question = accessQuestion()
  await world.access.open(question, patient(), () => undefined)
  const id = grantIdOf(question.requestId)
  await world.grants.end(id, { reason: 'revoked', by: 'demo/oncall', at: Date.now() })
  await world.access.ended(question.requestId)
  await eventually(() => stateOf(question) === 'ended', 'the item shows the end')
  const last = world.audit.events.findLast((event) => event.kind === 'grant.ended')
  expect(last?.fields).toMatchObject({ grantId: id, end: 'revoked', by: 'demo/oncall' })
  expect(world.grants.released).toContain(question.requestId)
})

test('a hint that nothing happened ends nothing', async () => {
  world.verdict = allows
  const question = accessQuestion()
  await world.access.open(question, patient(), () => undefined)
  await world.access.ended(question.requestId)
  await world.access.idle(question.requestId)
  const again = await world.access.open(question, patient(), () => undefined)
  expect(code(again)).toBe('ok')
  await world.access.complete(question.requestId)
})

test('an extension moves the end, and never past the maximum', async () => {
  world.verdict = allows
  const question = accessQuestion()
  const outcome = await world.access.open(question, patient(), () => undefined)
  if (!outcome.ok) throw new Error('not open')
  const { requestId } = question
  const { openedAt, expiresAt } = outcome.value
  expect(await world.access.extend(requestId, 10 * minuteMs, 'demo/ann')).toEqual({
    ok: true,
    value: { expiresAt: expiresAt + 10 * minuteMs },
  })
  expect(await world.access.extend(requestId, 600 * minuteMs, 'demo/ann')).toEqual({
    ok: true,
    value: { expiresAt: openedAt + 60 * minuteMs },
  })
  expect(code(await world.access.extend(requestId, minuteMs, 'demo/ann'))).toBe('LIMIT_EXCEEDED')
  expect(code(await world.access.extend(requestId, -5, 'demo/ann'))).toBe('INVALID_ARGUMENT')
  await world.grants.end(grantIdOf(requestId), { reason: 'revoked', by: 'demo/o', at: 1 })
  await world.access.ended(requestId)
  await eventually(() => stateOf(question) === 'ended', 'the item shows the end')
  expect(code(await world.access.extend(requestId, minuteMs, 'demo/ann'))).toBe('GRANT_EXPIRED')
})

test('a cancel by an operator closes a running grant out', async () => {
  world.verdict = allows
  const question = accessQuestion()
  await world.access.open(question, patient(), () => undefined)
  await world.env.client.workflow.getHandle(question.requestId).cancel()
  await eventually(() => stateOf(question) === 'ended', 'the item shows the end')
  expect(world.grants.rows.get(grantIdOf(question.requestId))?.end).toMatchObject({
    reason: 'revoked',
    by: 'operator',
  })
})

test('a cancel by an operator withdraws a pending request and answers its caller', async () => {
  const question = accessQuestion()
  const { outcome } = await openPending(question)
  await world.env.client.workflow.getHandle(question.requestId).cancel()
  expect(code(await outcome)).toBe('REQUEST_WITHDRAWN')
  await eventually(() => stateOf(question) === 'withdrawn', 'the item shows it')
})

test('the request is withdrawn when its last caller leaves, not before', async () => {
  const question = accessQuestion()
  const one = new AbortController()
  const two = new AbortController()
  const first = await openPending(question, one.signal)
  const elsewhere = world.services('another-process').access.open(question, two.signal, () => {
    joined = true
  })
  let joined = false
  await eventually(() => joined, 'the second process waits too')
  one.abort()
  expect(code(await first.outcome)).toBe('REQUEST_WITHDRAWN')
  expect(stateOf(question)).toBe('pending')
  two.abort()
  await elsewhere
  await eventually(() => stateOf(question) === 'withdrawn', 'the item shows it')
})

test('many connections of one process share one parked update', async () => {
  const question = accessQuestion()
  let toldCount = 0
  const outcomes = Array.from({ length: 30 }, () =>
    world.access.open(question, patient(), () => {
      toldCount += 1
    }),
  )
  await eventually(() => toldCount === 30, 'each of them is told')
  await world.access.decide(question.requestId, decision('approve', 'ann'))
  expect((await Promise.all(outcomes)).every((outcome) => outcome.ok)).toBe(true)
  await world.access.complete(question.requestId)
})

test('somebody else’s wish does not get in under a known id', async () => {
  world.verdict = allows
  const question = accessQuestion()
  await world.access.open(question, patient(), () => undefined)
  const other = { ...question, principalKey: 'x'.repeat(64), principal: principal('thief') }
  expect(code(await world.access.open(other, patient(), () => undefined))).toBe('FORBIDDEN')
  const wider = { ...question, role: 'admin' }
  expect(code(await world.access.open(wider, patient(), () => undefined))).toBe('FORBIDDEN')
  await world.access.complete(question.requestId)
})

test('a request that is over is never started again', async () => {
  world.verdict = allows
  const question = accessQuestion({ origin: 'connect' })
  await world.access.open(question, patient(), () => undefined)
  await world.access.complete(question.requestId)
  await world.env.client.workflow.getHandle(question.requestId).result()
  const outcome = await world.access.open(question, patient(), () => undefined)
  expect(code(outcome)).toBe('GRANT_EXPIRED')
  expect(world.grants.rows.get(grantIdOf(question.requestId))?.end?.reason).toBe('completed')
})

test('a question too large for a history is refused before it is sent', async () => {
  const question = accessQuestion({ reason: 'x'.repeat(200_000) })
  expect(code(await world.access.open(question, patient(), () => undefined))).toBe('LIMIT_EXCEEDED')
})

test('a seventh waiting gateway is turned away, and a decision still gets through', async () => {
  const question = accessQuestion()
  const refusals: string[] = []
  let toldCount = 0
  const join = async (index: number) => {
    const { access } = world.services(`gateway-${index}`)
    const outcome = await access.open(question, patient(), () => (toldCount += 1))
    if (!outcome.ok) refusals.push(outcome.refusal.code)
    return outcome.ok
  }
  const outcomes = [0, 1, 2, 3, 4, 5].map(join)
  await eventually(() => toldCount === 6, 'six of them wait')
  outcomes.push(join(6))
  await eventually(() => refusals.length === 1, 'one of seven is turned away')
  expect(refusals).toEqual(['LIMIT_EXCEEDED'])
  const answer = await world.access.decide(question.requestId, decision('approve', 'ann'))
  expect(answer.ok).toBe(true)
  const opened = await Promise.all(outcomes)
  expect(opened.filter((isOpen) => isOpen)).toHaveLength(6)
  await world.access.complete(question.requestId)
})

test('no record, no grant: while the log is away nothing opens, afterwards everything does', async () => {
  world.verdict = allows
  const question = accessQuestion()
  const durable = world.audit.durable.bind(world.audit)
  world.audit.durable = () => Promise.reject(new Error('log away'))
  const outcome = world.access.open(question, patient(), () => undefined)
  const tooEarly = await Promise.race([outcome, pause(700, 'still waiting')])
  expect(tooEarly).toBe('still waiting')
  expect(world.grants.rows.has(grantIdOf(question.requestId))).toBe(false)
  world.audit.durable = durable
  expect(code(await outcome)).toBe('ok')
  expect(world.audit.kindsAbout(question.requestId)).toEqual([
    'request.opened',
    'request.judged',
    'grant.opened',
  ])
  await world.access.complete(question.requestId)
})

test('a store that fails for a moment delays the grant and opens it once', async () => {
  world.verdict = allows
  const question = accessQuestion()
  const open = world.grants.open.bind(world.grants)
  let failureCount = 0
  world.grants.open = (grant) => {
    failureCount += 1
    return failureCount <= 3 ? Promise.reject(new Error('store away')) : open(grant)
  }
  expect(code(await world.access.open(question, patient(), () => undefined))).toBe('ok')
  world.grants.open = open
  await world.access.complete(question.requestId)
})
