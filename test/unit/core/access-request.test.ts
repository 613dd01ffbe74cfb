import { expect, test } from 'vitest'
import { openAccessRequest, transition, type AccessEvent } from '../../../core/access-request.js'
import {
  extensionOf,
  isOver,
  itemOf,
  refusalOf,
  type AccessRequest,
} from '../../../core/access-standing.js'
import type { Closure } from '../../../core/closure.js'
import type { Decision } from '../../../core/decision.js'
import type { Grant } from '../../../core/grant.js'
import type { Principal } from '../../../core/principal.js'
import type { AccessQuestion } from '../../../core/question.js'
import type { AccessVerdict } from '../../../core/verdict.js'

const person = (name: string): Principal => ({
  issuer: 'demo',
  subject: name,
  groups: [],
  attributes: {},
  actors: [],
  parties: name === 'job' ? ['demo/pusher'] : [],
  aliases: [`demo/${name}`],
  tokenExpiresAt: 0,
})

const question: AccessQuestion = {
  requestId: 'req_1',
  principal: person('job'),
  principalKey: 'key',
  tokenDigest: 'digest',
  resource: 'orders-db',
  role: 'migrator',
  origin: 'connect',
  reason: 'nightly',
  peer: '127.0.0.1:1',
}

const asks: AccessVerdict = {
  outcome: 'ask',
  reasons: [{ code: 'rule', text: 'rule 1' }],
  durationMs: 100,
  durationMsMax: 150,
  approval: { approvers: 'owners', quorum: 2, timeoutMs: 50 },
}

const allows: AccessVerdict = { outcome: 'allow', reasons: [], durationMs: 100, durationMsMax: 150 }

const says = (answer: Decision['answer'], name: string, memberOf = ['owners']): Decision => ({
  ...{ answer, approver: person(name), memberOf, reason: '', channel: 'cli', at: -1 },
})

const judged = (verdict: AccessVerdict, at = 0): AccessEvent => ({
  ...{ type: 'judged', verdict, policyDigest: 'p', at },
})

function after(...events: AccessEvent[]): AccessRequest {
  return events.reduce(
    (request, event) => transition(request, event).request,
    openAccessRequest(question, 0).request,
  )
}

const patient: AccessVerdict = {
  ...asks,
  approval: { ...asks.approval, escalation: { to: 'on-call', afterMs: 20 } },
}
const emergency: AccessVerdict = {
  ...allows,
  breakGlass: { approvers: 'owners', withinMs: 40, commands: 'ask' },
}
const windowed: AccessVerdict = { ...asks, endsAt: 60 }

const finds = (name: string, memberOf = ['owners'], reason = 'looked at it'): Closure => ({
  ...{ finding: 'justified', reviewer: person(name), memberOf, reason, channel: 'cli', at: -1 },
})

const grantOf = (request: AccessRequest): Grant => {
  if (request.grant === undefined) throw new Error('no grant')
  return request.grant
}

function active(): AccessRequest {
  const opening = after(judged(allows))
  return transition(opening, { type: 'opened', row: grantOf(opening) }).request
}

test('a blocked wish is refused with its reasons, and people see it as refused', () => {
  const reasons = [{ code: 'no-rule', text: 'no rule names it' }]
  const request = after(judged({ outcome: 'block', reasons }))
  expect(refusalOf(request)).toMatchObject({
    code: 'FORBIDDEN',
    details: { what: 'orders-db', why: 'no rule names it', id: 'req_1' },
  })
  expect(itemOf(request).state).toBe('refused')
  expect(isOver(request)).toBe(true)
})

test('a verdict that comes after the request is over changes nothing', () => {
  const withdrawn = after({ type: 'withdrawn', why: 'gone', at: 1 })
  expect(transition(withdrawn, judged(allows)).request).toBe(withdrawn)
})

test('a decision before anybody was asked finds no question', () => {
  const step = transition(after(), { type: 'decided', decision: says('approve', 'ann'), at: 1 })
  expect(step.refusal?.code).toBe('NOT_FOUND')
})

test('a decision at the deadline is late', () => {
  const pending = after(judged(asks))
  const step = transition(pending, { type: 'decided', decision: says('approve', 'ann'), at: 50 })
  expect(step.refusal).toMatchObject({ code: 'ALREADY_DECIDED', details: { why: 'expired' } })
  expect(step.request).toBe(pending)
})

test('a decision carries the time of the workflow, not of its sender', () => {
  const request = after(judged(asks), { type: 'decided', decision: says('approve', 'ann'), at: 7 })
  expect(itemOf(request).decisions).toEqual([
    { answer: 'approve', by: 'demo/ann', reason: '', channel: 'cli', at: 7 },
  ])
})

test('a deadline that has not come, or comes after the answer, changes nothing', () => {
  const pending = after(judged(asks))
  expect(transition(pending, { type: 'deadline', at: 49 }).request).toBe(pending)
  const running = active()
  expect(transition(running, { type: 'deadline', at: 999 }).request).toBe(running)
})

test('the grant’s time counts from the approval, and a rule’s maximum caps it', () => {
  const request = after(
    judged({ ...asks, durationMs: 900 }),
    { type: 'decided', decision: says('approve', 'ann'), at: 10 },
    { type: 'decided', decision: says('approve', 'bob'), at: 20 },
  )
  expect(request.phase).toBe('opening')
  expect(request.grant).toMatchObject({ id: 'grt_1', openedAt: 20, expiresAt: 170, epoch: 1 })
})

test('a row that somebody ended before the workflow saw it is never active', () => {
  const opening = after(judged(allows))
  const end = { reason: 'revoked', by: 'demo/oncall', at: 5 } as const
  const { request } = transition(opening, { type: 'opened', row: { ...grantOf(opening), end } })
  expect(request.phase).toBe('ending')
  expect(refusalOf(request).code).toBe('GRANT_REVOKED')
})

test('a withdrawal between approval and opening takes the grant back', () => {
  const opening = after(judged(allows))
  const { request } = transition(opening, { type: 'withdrawn', why: 'demo/oncall', at: 5 })
  expect(request.grant?.end).toEqual({ reason: 'revoked', by: 'demo/oncall', at: 5 })
  const late = transition(request, { type: 'opened', row: grantOf(opening) }).request
  expect(late.phase).toBe('ending')
})

test('an active request can’t be withdrawn, only ended', () => {
  expect(transition(active(), { type: 'withdrawn', why: 'x', at: 5 }).refusal?.code).toBe(
    'ALREADY_DECIDED',
  )
})

test('expiry before its time changes nothing', () => {
  const running = active()
  const early: AccessEvent = { type: 'ending', reason: 'expired', by: 'time', at: 99 }
  expect(transition(running, early).request).toBe(running)
  expect(transition(running, { ...early, at: 100 }).request.phase).toBe('ending')
})

test('the end that the store kept is the one on record', () => {
  const ending = transition(active(), {
    ...{ type: 'ending', reason: 'expired', by: 'time', at: 100 },
  }).request
  const end = { reason: 'revoked', by: 'demo/oncall', at: 99 } as const
  const { request, facts } = transition(ending, { type: 'closed', end })
  expect(request.grant?.end).toEqual(end)
  expect(facts.map((fact) => fact.kind)).toEqual(['grant.ended', 'request.ended'])
  expect(facts[0]?.fields).toMatchObject({ end: 'revoked', by: 'demo/oncall' })
})

test('an extension is clamped to the maximum, then refused, and never shortens', () => {
  const running = active()
  expect(extensionOf(running, 20)).toEqual({ expiresAt: 120 })
  expect(extensionOf(running, 5_000)).toEqual({ expiresAt: 150 })
  const row = { ...grantOf(running), expiresAt: 150 }
  const longest = transition(running, { type: 'extended', row, by: 'demo/ann' }).request
  expect(extensionOf(longest, 1)).toMatchObject({ refusal: { code: 'LIMIT_EXCEEDED' } })
  for (const byMs of [0, -1, 0.5, Number.NaN, Infinity]) {
    expect(extensionOf(running, byMs)).toMatchObject({ refusal: { code: 'INVALID_ARGUMENT' } })
  }
  expect(extensionOf(after(judged(asks)), 10)).toMatchObject({
    refusal: { code: 'ACCESS_REQUIRED' },
  })
})

/** mulberry32: a small generator whose seed a failure prints. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const block: AccessVerdict = { outcome: 'block', reasons: [] }
const names = ['ann', 'bob', 'cleo', 'job', 'pusher', 'eve']

function randomEvent(request: AccessRequest, at: number, random: () => number): AccessEvent {
  const pick = <T>(...options: [T, ...T[]]): T =>
    options[Math.floor(random() * options.length)] ?? options[0]
  const grant: Grant = request.grant ?? {
    ...{ id: 'grt_1', requestId: 'req_1', principal: question.principal, principalKey: 'key' },
    ...{ resource: 'orders-db', role: 'migrator', origin: 'connect', reason: '' },
    ...{ policyDigest: 'p', openedAt: at, expiresAt: at + 50, epoch: 1 },
  }
  const end = { reason: 'revoked', by: 'demo/oncall', at } as const
  const name = names[Math.floor(random() * names.length)] ?? 'ann'
  const groups = name === 'eve' ? [] : ['owners']
  return pick<AccessEvent>(
    judged(pick(asks, asks, patient, allows, block, emergency, windowed), at),
    { type: 'escalated', at },
    { type: 'overdue', at },
    { type: 'reviewed', closure: finds(name, groups), at },
    { type: 'decided', decision: says('approve', name, groups), at },
    { type: 'decided', decision: says('approve', name, groups), at },
    { type: 'decided', decision: says(pick('approve', 'deny'), name, groups), at },
    { type: 'deadline', at },
    { type: 'withdrawn', why: 'gone', at },
    { type: 'opened', row: pick(grant, grant, { ...grant, end }) },
    { type: 'opened', row: grant },
    { type: 'extended', row: { ...grant, expiresAt: grant.expiresAt + 10 }, by: 'demo/ann' },
    { type: 'ending', reason: pick('expired', 'idle', 'completed', 'revoked'), by: 'x', at },
    { type: 'closed', end },
    { type: 'rejected', refusal: { code: 'UNAUTHENTICATED', details: {} } },
  )
}

const rank = {
  ...{ verifying: 0, pending: 1, opening: 2, active: 3, ending: 4, 'review-due': 5 },
  ...{ refused: 9, denied: 9, expired: 9, withdrawn: 9, ended: 9 },
}

/** Cheap enough to be asked a million times; `expect` is not. */
function hold(condition: boolean, what: string): void {
  if (!condition) throw new Error(what)
}

function checkStep(before: AccessRequest, event: AccessEvent, seed: number): AccessRequest {
  const step = transition(before, event)
  const { request } = step
  const context = `seed ${seed}: ${before.phase} --${event.type}--> ${request.phase}`
  if (request === before) {
    hold(step.facts.length === 0, `${context}: a fact without a change`)
  } else {
    hold(!isOver(before), `${context}: something followed a final state`)
    hold(rank[request.phase] >= rank[before.phase], `${context}: a way back`)
    hold(request.revision === before.revision + 1, `${context}: revision`)
    hold(step.refusal === undefined, `${context}: a refusal changed something`)
  }
  if (request.phase === 'active') {
    hold(request.grant?.end === undefined, `${context}: active after its end`)
  }
  if (before.phase === 'review-due' && request.phase === 'ended') {
    const { closure } = request.breakGlass ?? {}
    hold(closure !== undefined, `${context}: a review that nobody closed`)
    const by = closure?.reviewer.subject ?? ''
    hold(!['job', 'pusher', 'eve'].includes(by), `${context}: closed by ${by}`)
  }
  const { endsAt = Infinity } = request.verdict?.outcome === 'block' ? {} : (request.verdict ?? {})
  if (request.phase === 'opening')
    hold((request.grant?.expiresAt ?? 0) <= endsAt, `${context}: open past its window`)
  if (request.grant !== undefined) checkQuorum(request, context)
  return request
}

function checkQuorum({ verdict, decisions }: AccessRequest, context: string): void {
  hold(verdict?.outcome === 'ask' || verdict?.outcome === 'allow', `${context}: no verdict`)
  const voices = new Set(decisions.map(({ approver }) => approver.subject))
  for (const outsider of ['job', 'pusher', 'eve']) {
    hold(!voices.has(outsider), `${context}: ${outsider} had a voice`)
  }
  if (verdict?.outcome !== 'ask') return
  hold(voices.size >= 2, `${context}: open without a quorum`)
  hold(
    decisions.every(({ answer }) => answer === 'approve'),
    `${context}: open after a denial`,
  )
}

test('in 10,000 random lives nothing is active without a quorum, and nothing comes back', () => {
  const first = Number(new Date(2026, 10, 22))
  const reached = new Set<string>()
  for (let life = 0; life < 10_000; life += 1) {
    const seed = first + life
    const random = randomFrom(seed)
    let request = openAccessRequest(question, 0).request
    let at = 0
    for (let count = 0; count < 25; count += 1) {
      at += Math.floor(random() * 8)
      request = checkStep(request, randomEvent(request, at, random), seed)
      reached.add(request.phase)
    }
  }
  expect([...reached].sort()).toEqual(Object.keys(rank).sort())
}, 30_000)

const escalated = (at: number): AccessEvent => ({ type: 'escalated', at })

test('an escalation before its time, at the deadline, twice, or without a group changes nothing', () => {
  const pending = after(judged(patient))
  expect(transition(pending, escalated(19)).request).toBe(pending)
  expect(transition(pending, escalated(50)).request).toBe(pending)
  const once = after(judged(patient), escalated(20))
  expect(transition(once, escalated(30)).request).toBe(once)
  const alone = after(judged(asks))
  expect(transition(alone, escalated(20)).request).toBe(alone)
})

test('what is decided, withdrawn or over is never escalated', () => {
  const denied = after(judged(patient), {
    ...{ type: 'decided', decision: says('deny', 'ann'), at: 5 },
  })
  expect(transition(denied, escalated(20)).request).toBe(denied)
  const withdrawn = after(judged(patient), { type: 'withdrawn', why: 'gone', at: 5 })
  expect(transition(withdrawn, escalated(20)).request).toBe(withdrawn)
  const running = active()
  expect(transition(running, escalated(20)).request).toBe(running)
})

test('before an escalation the second group may not answer; after it both may, and people see it', () => {
  const sub = says('approve', 'sub', ['on-call'])
  const answer: AccessEvent = { type: 'decided', decision: sub, at: 30 }
  expect(transition(after(judged(patient)), answer).refusal?.code).toBe('NOT_ENTITLED')
  const step = transition(after(judged(patient)), escalated(20))
  expect(step.facts).toEqual([
    {
      kind: 'request.escalated',
      fields: {
        ...{ requestId: 'req_1', resource: 'orders-db', role: 'migrator' },
        approvers: 'on-call',
      },
    },
  ])
  expect(itemOf(step.request)).toMatchObject({ escalatedTo: 'on-call', escalatedAt: 20 })
  const approved = after(judged(patient), escalated(20), answer, {
    ...{ type: 'decided', decision: says('approve', 'ann'), at: 31 },
  })
  expect(approved.phase).toBe('opening')
})

test('an escalation does not move the deadline', () => {
  const request = after(judged(patient), escalated(20))
  expect(transition(request, { type: 'deadline', at: 50 }).request.phase).toBe('expired')
})

test('a grant ends with its window, and no extension reaches past it', () => {
  const opening = after(judged({ ...allows, endsAt: 60 }, 10))
  expect(grantOf(opening).expiresAt).toBe(60)
  const running = transition(opening, { type: 'opened', row: grantOf(opening) }).request
  expect(extensionOf(running, 10)).toMatchObject({ refusal: { code: 'LIMIT_EXCEEDED' } })
  const roomy = after(judged({ ...allows, endsAt: 130 }, 0))
  const open = transition(roomy, { type: 'opened', row: grantOf(roomy) }).request
  expect(extensionOf(open, 100)).toEqual({ expiresAt: 130 })
})

test('people can’t approve past the end of the window, and a window that closed meanwhile opens nothing', () => {
  const pending = after(judged({ ...asks, endsAt: 30 }))
  expect(pending.deadlineAt).toBe(30)
  const late = transition(pending, { type: 'decided', decision: says('approve', 'ann'), at: 30 })
  expect(late.refusal?.code).toBe('ALREADY_DECIDED')
  const closed = after(judged({ ...allows, endsAt: 30 }, 30))
  expect(closed.phase).toBe('expired')
  expect(closed.grant).toBeUndefined()
})

test('a reason that is missing is asked for, and whoever just connects is told where to give it', () => {
  const reasons = [{ code: 'reason-missing', text: 'access rule 1: a reason has to be given' }]
  const event = judged({ outcome: 'block', reasons })
  expect(refusalOf(after(event))).toMatchObject({
    code: 'ACCESS_REQUIRED',
    details: { why: expect.stringContaining('warder exec --reason') as string },
  })
  const byName = openAccessRequest({ ...question, origin: 'exec' }, 0).request
  expect(transition(byName, event).request.refusal?.code).toBe('REASON_REQUIRED')
})
